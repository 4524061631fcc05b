// The status of one hub, from what its loop knows; everything in it is counted already.
import type { DeclaredHub } from '../../model/declared.ts';
import { notesOf, type HubMemory } from '../context/hub-context.ts';
import { hubConditions } from '../status/conditions.ts';
import type { GuardHistory } from '../status/guard-history.ts';
import { fleetCounts, type HubStatus } from '../status/status.ts';
import type { ConnectedHub } from './connect-hub.ts';
import type { HubState } from './hub-machine.ts';

interface HubStatusFacts {
  readonly hub: DeclaredHub;
  readonly state: HubState;
  readonly memory: HubMemory;
  readonly guards: GuardHistory;
  readonly connected: ConnectedHub | undefined;
  readonly lastResync: HubStatus['lastResync'];
}

export function hubStatus({ hub, state, memory, guards, connected, lastResync }: HubStatusFacts): HubStatus {
  const { revision, appliedRevision } = state;
  const { twins } = memory;
  const { actions, failing, twins: count } = twins.counts;
  const pending = twins.work.size;
  const offenders = twins.offenders();
  const { permit, context, hints, watch, mode } = connected ?? {};
  return {
    name: hub.name,
    hostName: hub.hostName,
    mode,
    lastAttemptedRevision: revision,
    lastAppliedRevision: appliedRevision,
    conditions: hubConditions({
      problem: state.problem,
      waitingFor: permit?.waitingFor,
      refusal: guards.refusal,
      isApplied: appliedRevision === revision && !state.isChange,
      pending,
      uncounted: twins.uncounted,
      failing,
      held: actions.Hold,
      twins: count,
      equal: actions.Equal,
    }),
    counts: fleetCounts(memory),
    offenders,
    moreOffenders: twins.offenderCount - offenders.length,
    notes: [watch?.problem, hints?.problem, guards.idleApproval, ...notesOf(memory)].filter(
      (note) => note !== undefined,
    ),
    suspensions: permit?.suspensions ?? [],
    lastResync,
    writes: context?.writes ?? 0,
    pending,
  };
}
