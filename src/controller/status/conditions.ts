// Conditions from facts: pure, with stable texts, never a time in them.
import type { Condition, ConditionReason, HubStatus } from './status.ts';

/** Why a hub can't be worked on at present. */
export interface Problem {
  readonly reason: 'ConnectFailed' | 'ListFailed' | 'ListEmpty';
  readonly message: string;
  /** True where trying again can't help. */
  readonly isStalled: boolean;
}

export interface HubFacts {
  readonly problem: Problem | undefined;
  /** Who holds the lease, where this controller waits for it. */
  readonly waitingFor?: string | undefined;
  /** What the guards refuse, and what would release it. */
  readonly refusal?: string | undefined;
  /** True once the revision's pass was complete and its work done. */
  readonly isApplied: boolean;
  readonly pending: number;
  /** Twins that differ and wait for the next pass to count them. */
  readonly uncounted: number;
  readonly failing: number;
  readonly held: number;
  readonly twins: number;
  readonly equal: number;
}

/** Ready, then those of Reconciling and Stalled that are true. */
export function hubConditions(facts: HubFacts): readonly Condition[] {
  const { problem, isApplied, pending, waitingFor } = facts;
  const conditions = [readyOfHub(facts)];
  if (waitingFor === undefined && (!isApplied || pending > 0)) {
    conditions.push(condition('Reconciling', 'True', 'Progressing', progressOf(facts)));
  }
  if (problem?.isStalled === true) conditions.push(condition('Stalled', 'True', problem.reason, problem.message));
  return conditions;
}

function readyOfHub(facts: HubFacts): Condition {
  const { problem, isApplied, failing, held, twins, equal, waitingFor, refusal } = facts;
  if (waitingFor !== undefined) {
    return condition('Ready', 'Unknown', 'WaitingForLease', `Waiting for ${waitingFor} to release the lease.`);
  }
  if (problem !== undefined) return condition('Ready', 'False', problem.reason, problem.message);
  if (failing > 0) {
    return condition('Ready', 'False', 'TwinsFailing', `${twinCount(failing)} could not be reconciled.`);
  }
  if (!isApplied) return condition('Ready', 'Unknown', 'Progressing', progressOf(facts));
  if (refusal !== undefined) return condition('Ready', 'False', 'GuardRefused', refusal);
  if (held > 0) return condition('Ready', 'False', 'TwinsHeld', `${twinCount(held)} held back until a person decides.`);
  return condition('Ready', 'True', 'Succeeded', `${equal} of ${twinCount(twins)} in sync.`);
}

function progressOf({ pending, uncounted }: HubFacts): string {
  if (pending > 0) return `${twinCount(pending)} to look at.`;
  return uncounted === 0
    ? 'The hub is being listed.'
    : `${twinCount(uncounted)} to count with the next look at the hub.`;
}

/** Ready where the source is and every hub is; else what is wrong first. */
export function readyOfAll(source: Condition, hubs: readonly HubStatus[]): Condition {
  if (source.status !== 'True' && hubs.length === 0) {
    return condition('Ready', 'False', 'WaitingForSource', 'Nothing is done until the manifests can be used.');
  }
  for (const { name, conditions } of hubs) {
    const ready = conditions.find(({ type }) => type === 'Ready');
    if (ready === undefined || ready.status === 'True') continue;
    return condition('Ready', ready.status, ready.reason, `Hub ${name}: ${ready.message}`);
  }
  if (source.status !== 'True') return condition('Ready', 'False', source.reason, source.message);
  return condition('Ready', 'True', 'Succeeded', `${hubs.length} ${hubs.length === 1 ? 'hub' : 'hubs'} ready.`);
}

export function condition(
  type: Condition['type'],
  status: Condition['status'],
  reason: ConditionReason,
  message: string,
): Condition {
  return { type, status, reason, message };
}

function twinCount(count: number): string {
  return `${count} ${count === 1 ? 'twin' : 'twins'}`;
}
