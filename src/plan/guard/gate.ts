// Gates: what may hold a write that the planner decided. Each sees every row of a pass, decides on the whole, and is
// asked again before each write. Pure: rows and totals in, verdicts out.
import type { DeclaredHub } from '../../model/declared.ts';
import type { Refuser, TwinAction } from '../../model/action.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import type { Twin } from '../../model/twin.ts';
import { invariant } from '../../model/errors.ts';
import type { Planner } from '../planner.ts';
import { decideGuards, guardedRisks, RISKS_OF_SHORT_LIST, type GuardDecision } from './guards.ts';
import { gatherFacts } from './pass-facts.ts';
import { RISK, riskContext, risksOf } from './risk.ts';

interface PassTotals {
  /** Listed by the pass. */
  readonly devices: number;
  /** By the hub's own statistics; undefined where they were not read. */
  readonly devicesCounted: number | undefined;
  /** An approval whose work may be half done. */
  readonly earlier: EarlierApproval | undefined;
}

/** One row of a pass. `twin` is undefined where none is listed. */
interface GateRow {
  readonly action: TwinAction;
  readonly twin: Twin | undefined;
  /** Bits of RISK. */
  readonly risks: number;
}

/** A write that is about to be queued or made. */
interface PendingWrite {
  /** Bits of RISK of the write as it is decided now. */
  readonly risks: number;
  /** Those that the last whole pass counted for this twin and the same target; 0 where it counted none. */
  readonly counted: number;
}

export interface Refusal {
  readonly refusedBy: Refuser;
  /** What is too much, and what would release it. */
  readonly message: string;
}

export type Verdict = 'Allowed' | Refusal;

interface Gate {
  /** Bits of RISK that this gate could hold: a write without any of them need not wait for the end of a pass. */
  readonly limits: number;
  observe(row: GateRow): void;
  /** After the last row. Until then `allows` holds whatever the decision could hold. */
  decide(totals: PassTotals): void;
  allows(write: PendingWrite): Verdict;
}

const NOT_JUDGED: Refusal = {
  refusedBy: 'NotJudged',
  message: 'Not written before the guards have judged a pass over the whole hub with these manifests.',
};

/** The limits of the Hub, an approval, and the guards that are always there. */
class GuardGate implements Gate {
  readonly limits: number;
  readonly #hub: DeclaredHub;
  readonly #gatherer: ReturnType<typeof gatherFacts>;
  #decision: GuardDecision | undefined;

  constructor(planner: Planner) {
    this.#hub = planner.hub;
    this.limits = guardedRisks(planner.hub.guards);
    this.#gatherer = gatherFacts(riskContext(planner));
  }

  get decision(): GuardDecision | undefined {
    return this.#decision;
  }

  observe(row: GateRow): void {
    this.#gatherer.add(row);
  }

  decide({ devices, devicesCounted, earlier }: PassTotals): void {
    this.#decision = decideGuards(this.#gatherer.facts(devices, devicesCounted), this.#hub, earlier);
  }

  allows({ risks }: PendingWrite): Verdict {
    if (this.#decision === undefined) return (risks & this.limits) === 0 ? 'Allowed' : NOT_JUDGED;
    const { refusedRisks, message = '' } = this.#decision;
    return (risks & refusedRisks) === 0 ? 'Allowed' : { refusedBy: 'Guards', message };
  }
}

const NOT_COUNTED: Refusal = {
  refusedBy: 'NotCounted',
  message:
    'Not written before a pass over the whole hub has counted it. Look again later: its lists can lag by half an hour.',
};

/**
 * Lets nothing pass that a guard or an exception's `maxDevices` limits and that no pass has counted: a twin that the list
 * lacked, one that turns out otherwise when it is read, one for which something else is declared since.
 */
class CountGate implements Gate {
  readonly limits: number;

  constructor({ declared, hub }: Planner) {
    const isCounted = declared.exceptions.some(({ maxDevices }) => maxDevices !== undefined);
    const risks = guardedRisks(hub.guards) | (isCounted ? RISK.changes : 0);
    // Settings follow a creation at once: where changes are counted, creations are too.
    this.limits = (risks & RISK.changes) === 0 ? risks : risks | RISK.creates;
  }

  observe(): void {}

  decide(): void {}

  allows({ risks, counted }: PendingWrite): Verdict {
    // The first settings of a module that is created are no further change.
    const allowed = (counted & RISK.creates) === 0 ? counted : counted | RISK.changes;
    return (risks & this.limits & ~allowed) === 0 ? 'Allowed' : NOT_COUNTED;
  }
}

/** All gates of one planner. Rollouts, windows and shards join the array. */
export interface Gates {
  /** Bits of RISK that some gate could hold. */
  readonly limits: number;
  /** True where a short list of devices would matter to what was observed. */
  readonly dependsOnDeviceCount: boolean;
  /** Answers with the row's bits of RISK. */
  observe(action: TwinAction, twin: Twin | undefined): number;
  decide(totals: PassTotals): GuardDecision;
  /** The first gate that does not allow it answers. `counted` as in `PendingWrite`. */
  allows(action: TwinAction, live: Twin | undefined, counted: number): Verdict;
  /** The same for a row of the pass whose risks are known and counted. */
  allowsCounted(risks: number): Verdict;
}

export function createGates(planner: Planner): Gates {
  const guards = new GuardGate(planner);
  const gates: readonly Gate[] = [guards, new CountGate(planner)];
  const context = riskContext(planner);
  let observed = 0;
  const ask = (write: PendingWrite): Verdict => {
    for (const gate of gates) {
      const verdict = gate.allows(write);
      if (verdict !== 'Allowed') return verdict;
    }
    return 'Allowed';
  };
  return {
    limits: gates.reduce((limits, gate) => limits | gate.limits, 0),
    get dependsOnDeviceCount() {
      return (observed & RISKS_OF_SHORT_LIST) !== 0;
    },
    observe(action, twin) {
      const risks = risksOf(action, twin, context);
      observed |= risks;
      for (const gate of gates) gate.observe({ action, twin, risks });
      return risks;
    },
    decide(totals) {
      for (const gate of gates) gate.decide(totals);
      invariant(guards.decision !== undefined, 'the guards have decided');
      return guards.decision;
    },
    // What another planner's pass counted does not count for this one.
    allows: (action, live, counted) =>
      ask({ risks: risksOf(action, live, context), counted: guards.decision === undefined ? 0 : counted }),
    allowsCounted: (risks) => ask({ risks, counted: risks }),
  };
}
