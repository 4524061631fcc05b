// How one resource stands on one hub, from what is known of its twins: conditions as in Kubernetes, stable, never a time in them.
import type { TwinCounts } from '../twins/state-counts.ts';

/** Every condition and the reasons it can have; docs/reasons.md is checked against this table. */
export const RESOURCE_CONDITIONS = {
  /** Whether the twins are as declared, and their agents content; always there. */
  Ready: ['Succeeded', 'NoTwins', 'TwinsHeld', 'AgentsRefuse', 'Progressing', 'OnlyObserved', 'Frozen'],
  /** There while something is still to be written. */
  Reconciling: ['Progressing'],
  /** There while something waits for a person. */
  Stalled: ['TwinsHeld'],
  /** There while other writers changed what is owned. */
  DriftDetected: ['Drift'],
  /** There while settings are left to another writer that keeps changing them. */
  Contested: ['OtherWriter'],
} as const;

type ResourceConditionType = keyof typeof RESOURCE_CONDITIONS;

export interface ResourceCondition {
  readonly type: ResourceConditionType;
  readonly status: 'True' | 'False';
  readonly reason: (typeof RESOURCE_CONDITIONS)[ResourceConditionType][number];
  readonly message: string;
}

type ResourceFacts = Omit<TwinCounts, 'failing' | 'heldBy'>;

/** Ready, then those of the others that are true. */
export function resourceConditions(facts: ResourceFacts): readonly ResourceCondition[] {
  const { actions, drifted, contested } = facts;
  const pending = pendingOf(facts);
  const conditions = [readyOf(facts)];
  const add = (type: ResourceConditionType, reason: ResourceCondition['reason'], message: string): void =>
    void conditions.push({ type, status: 'True', reason, message });
  if (pending > 0) add('Reconciling', 'Progressing', `${twinsText(pending)} to write.`);
  if (actions.Hold > 0) add('Stalled', 'TwinsHeld', `${twinsText(actions.Hold)} held until a person decides.`);
  if (drifted > 0) add('DriftDetected', 'Drift', `${twinsText(drifted)} changed by somebody else.`);
  if (contested > 0)
    add('Contested', 'OtherWriter', `${twinsText(contested)} with settings another writer keeps changing.`);
  return conditions;
}

/** The first that applies, worst first. */
function readyOf(facts: ResourceFacts): ResourceCondition {
  const { twins, actions, acknowledgements } = facts;
  const no = (reason: ResourceCondition['reason'], message: string): ResourceCondition => ({
    type: 'Ready',
    status: 'False',
    reason,
    message,
  });
  const pending = pendingOf(facts);
  const refusing = acknowledgements.Rejected + acknowledgements.Unsupported + acknowledgements.NotAcknowledged;
  if (actions.Hold > 0) return no('TwinsHeld', `${twinsText(actions.Hold)} held until a person decides.`);
  if (refusing > 0) return no('AgentsRefuse', `${twinsText(refusing)} whose agent refuses or keeps silent.`);
  if (pending > 0) return no('Progressing', `${twinsText(pending)} of ${twins} to write.`);
  if (actions.Observe > 0)
    return no('OnlyObserved', `${twinsText(actions.Observe)} of ${twins} different and not written.`);
  if (actions.Keep > 0) return no('Frozen', `${twinsText(actions.Keep)} of ${twins} left as they are.`);
  const present = twins - actions.Wait;
  if (present === 0)
    return { type: 'Ready', status: 'True', reason: 'NoTwins', message: 'No module that it selects exists.' };
  const offline = acknowledgements.Unreachable === 0 ? '' : `, ${acknowledgements.Unreachable} of them offline`;
  return { type: 'Ready', status: 'True', reason: 'Succeeded', message: `${twinsText(present)} in sync${offline}.` };
}

function pendingOf({ actions }: Pick<ResourceFacts, 'actions'>): number {
  return actions.Patch + actions.Record + actions.Create;
}

function twinsText(count: number): string {
  return `${count} ${count === 1 ? 'twin' : 'twins'}`;
}
