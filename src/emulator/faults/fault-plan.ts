// The configured faults, and which of them strike a call. The same calls and randomness give the same faults.
import type { Random } from '../../ports/random.ts';
import type { RowSource } from '../hub/state.ts';
import type { Operation } from '../throttles/operations.ts';
import { type CallFault, type FaultMatch, type FaultRule, isPageFault, type PageFault } from './fault.ts';

export interface RuleStatus {
  readonly rule: FaultRule;
  /** Calls that matched. */
  readonly matched: number;
  /** Calls that it struck. */
  readonly struck: number;
}

interface Order extends RuleStatus {
  readonly matches: (operation: Operation, source: RowSource | undefined) => boolean;
  matched: number;
  struck: number;
}

export class FaultPlan {
  readonly #random: Random;
  #orders: Order[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  get isEmpty(): boolean {
    return this.#orders.length === 0;
  }

  /** Replaces all rules; each starts counting at zero. */
  set(rules: readonly FaultRule[]): void {
    this.#orders = [];
    for (const rule of rules) this.add(rule);
  }

  add(rule: FaultRule): void {
    this.#orders.push({ rule, matches: matcher(rule.on ?? {}), matched: 0, struck: 0 });
  }

  clear(): void {
    this.#orders = [];
  }

  status(): RuleStatus[] {
    return this.#orders.map(({ rule, matched, struck }) => ({ rule, matched, struck }));
  }

  /** In the order of the rules. Call exactly once per hub call. */
  drawCall(operation: Operation): CallFault[] {
    const faults: CallFault[] = [];
    for (const order of this.#orders) {
      const { fault } = order.rule;
      if (!isPageFault(fault) && this.#strikes(order, operation, undefined)) faults.push(fault);
    }
    return faults;
  }

  /** The first page fault that strikes. Call exactly once per page. */
  drawPage(operation: Operation, source: RowSource): PageFault | undefined {
    const faults: PageFault[] = [];
    for (const order of this.#orders) {
      const { fault } = order.rule;
      if (isPageFault(fault) && this.#strikes(order, operation, source)) faults.push(fault);
    }
    return faults[0];
  }

  #strikes(order: Order, operation: Operation, source: RowSource | undefined): boolean {
    if (!order.matches(operation, source)) return false;
    const { skip = 0, every = 1, probability = 1, count = Infinity } = order.rule;
    order.matched += 1;
    const nth = order.matched - skip;
    if (nth < 1 || nth % every !== 0 || order.struck >= count) return false;
    if (probability < 1 && this.#random.next() >= probability) return false;
    order.struck += 1;
    return true;
  }
}

function matcher({ classes, isWrite, path, deviceId, moduleId, source }: FaultMatch): Order['matches'] {
  const isPath = pattern(path);
  const isDevice = pattern(deviceId);
  const isModule = pattern(moduleId);
  return (operation, from) =>
    (classes === undefined || classes.includes(operation.class)) &&
    (isWrite === undefined || isWrite === operation.isWrite) &&
    (source === undefined || source === from) &&
    isPath(operation.path) &&
    isDevice(operation.deviceId) &&
    isModule(operation.moduleId);
}

/** Without a pattern matches everything, else only strings. */
function pattern(glob: string | undefined): (text: string | undefined) => boolean {
  if (glob === undefined) return () => true;
  const parts = glob.split(/\*+/);
  return (text) => text !== undefined && matchesParts(text, parts);
}

/** Takes each part at its first position, which leaves the most for the following parts: no backtracking. */
function matchesParts(text: string, parts: readonly string[]): boolean {
  const [first = '', ...others] = parts;
  const last = others.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of others) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}
