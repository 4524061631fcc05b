// Key in, outcome out: reads one module twin, decides, writes what is decided, checks the answer.
import { HubError } from '../../model/errors.ts';
import type { ModuleRef, Twin } from '../../model/twin.ts';
import { changesOf, writes, type PatchAction, type RecordAction, type TwinAction } from '../../model/action.ts';
import { recordedChanges } from '../../model/event.ts';
import { readRecord, recordedEtag } from '../../plan/record/record.ts';
import { decide, planGated, type Decision } from './decide.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';
import type { Log } from '../../ports/log.ts';
import { classify, RETRY, SETTLED, type Outcome } from '../queue/outcome.ts';
import type { HubContext } from '../context/hub-context.ts';
import { stateOf } from '../twins/twin-state.ts';

export type Result = 'Written' | 'Recorded' | 'Created' | 'Unchanged' | 'Observed' | 'Held' | 'Failed';

export interface Reconciled {
  readonly ref: ModuleRef;
  readonly result: Result;
  /** What was decided last; undefined where the device is gone or nothing could be read. */
  readonly action: TwinAction | undefined;
  /** The twin it was decided on; undefined where there was none. */
  readonly live: Twin | undefined;
  readonly outcome: Outcome;
  readonly error: HubError | undefined;
}

/** Decisions on one key before it goes back to the queue: others may be writing the same twin. */
const DECISIONS_MAX = 4;

/** Rejects only for bugs. `log` names the twin. */
export async function reconcile(
  context: HubContext,
  key: string,
  signal: AbortSignal,
  log: Log = context.log,
): Promise<Reconciled> {
  const ref = refOf(key);
  try {
    return await converge(context, ref, signal, log);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return fail(context, ref, error, log);
  }
}

async function converge(context: HubContext, ref: ModuleRef, signal: AbortSignal, log: Log): Promise<Reconciled> {
  let hasCreated = false;
  for (let count = 1; count <= DECISIONS_MAX; count += 1) {
    const decision = await decide(context, ref, signal);
    if (decision === undefined) return forget(context, ref);
    const { action } = decision;
    if (!writes(action)) return settle(context, decision, hasCreated);
    if (decision.rules !== context.rules) continue;
    try {
      if (action.type !== 'Create') return await write(context, decision, action, hasCreated, signal, log);
      if (hasCreated) break;
      await context.hub.createModule(ref, signal);
      hasCreated = true;
      countWrite(context, 'created');
      context.recorder?.record({ hub: context.name, ...ref, reason: 'ModuleCreated' });
    } catch (error) {
      if (!isRace(error) || count === DECISIONS_MAX) throw error;
      countPatch(context, 'conflict');
    }
  }
  // A revision came each time we had decided, or the hub does not show yet what it created.
  return { ref, result: 'Failed', action: undefined, live: undefined, outcome: RETRY, error: undefined };
}

/** Somebody else was there between our read and our write: read again and decide again. */
function isRace(error: unknown): boolean {
  return (
    error instanceof HubError &&
    (error.code === 'PreconditionFailed' || error.code === 'AlreadyExists' || error.code === 'NotFound')
  );
}

/** Writes the patch, then asks the planner about the answer: anything still to write means the hub did another thing. */
async function write(
  context: HubContext,
  decision: Decision,
  action: PatchAction | RecordAction,
  hasCreated: boolean,
  signal: AbortSignal,
  log: Log,
): Promise<Reconciled> {
  const { hub, clock, twins } = context;
  const { rules, device, target, live, others } = decision;
  const { deviceId, moduleId, patch, etag } = action;
  const ref = { deviceId, moduleId };
  const key = keyOf(deviceId, moduleId);
  twins.beginWrite(key, recordedEtag(patch, rules.planner.instance), clock.now());
  const answer = await hub.patchModuleTwin(ref, patch, etag, signal);
  countWrite(context, action.type === 'Record' ? 'recorded' : 'written');
  const record = readRecord(answer, rules.planner.instance);
  if (record.kind === 'valid') twins.endWrite(key, record.memory, clock.now());
  const next = planGated(context, rules, { target, device, live: answer, others });
  const state = stateOf(next, target, answer, clock.now());
  recordWrite(context, decision, action, answer.etag);
  if (writes(next)) {
    context.metrics.count('twinward_unexpected_answer_total', { hub: context.name });
    log.warn('The hub answered a write with another twin than was written; trying again later', {
      reason: next.reason,
    });
    twins.setState(key, state && { ...state, failure: 'UnexpectedAnswer' });
    return { ref, result: 'Failed', action, live, outcome: RETRY, error: undefined };
  }
  twins.setState(key, state);
  if (action.reason === 'Drift') context.metrics.count('twinward_drift_corrected_total', { hub: context.name });
  if (action.reason === 'Nudge') context.metrics.count('twinward_nudges_total', { hub: context.name });
  const result = hasCreated ? 'Created' : action.type === 'Record' ? 'Recorded' : 'Written';
  return { ref, result, action, live, outcome: SETTLED, error: undefined };
}

function recordWrite(
  { name: hub, recorder }: HubContext,
  { rules: { planner }, target }: Decision,
  action: PatchAction | RecordAction,
  etagAfter: string,
): void {
  const { deviceId, moduleId, reason, owners, etag: etagBefore, message: detail } = action;
  recorder?.record({
    hub,
    deviceId,
    moduleId,
    reason,
    changes: recordedChanges(changesOf(action)),
    owners: owners.map((owner) => ({
      owner,
      origin: target.layers.find(({ configuration }) => configuration.owner === owner)?.configuration.origin,
    })),
    revision: planner.declared.revision,
    etagBefore,
    etagAfter,
    detail,
  });
}

function settle(context: HubContext, { target, live, action }: Decision, hasCreated: boolean): Reconciled {
  const { deviceId, moduleId } = action;
  // What no pass has counted is not decided yet: the twin stays as it was known.
  if (!isUncounted(action))
    context.twins.setState(keyOf(deviceId, moduleId), stateOf(action, target, live, context.clock.now()));
  // A module that was made, and whose settings are held, is not what was asked for.
  const result = hasCreated && action.type !== 'Hold' ? 'Created' : idleResult(action);
  return { ref: { deviceId, moduleId }, result, action, live, outcome: SETTLED, error: undefined };
}

/** True for a write that waits for the next pass to count it. */
export function isUncounted(action: TwinAction | undefined): boolean {
  return action?.reason === 'GuardRefused' && action.refusedBy === 'NotCounted';
}

/** What an action that writes nothing comes to. */
export function idleResult({ type }: Pick<TwinAction, 'type'>): 'Unchanged' | 'Observed' | 'Held' {
  return type === 'Observe' ? 'Observed' : type === 'Hold' ? 'Held' : 'Unchanged';
}

function forget({ devices, twins }: HubContext, ref: ModuleRef): Reconciled {
  devices.delete(ref.deviceId);
  twins.setState(keyOf(ref.deviceId, ref.moduleId), undefined);
  return { ref, result: 'Unchanged', action: undefined, live: undefined, outcome: SETTLED, error: undefined };
}

function fail(context: HubContext, ref: ModuleRef, error: HubError, log: Log): Reconciled {
  const key = keyOf(ref.deviceId, ref.moduleId);
  const state = context.twins.state(key);
  if (error.code !== 'Aborted') {
    if (state !== undefined) context.twins.setState(key, { ...state, failure: error.code });
    countPatch(context, 'failed');
    log.warn('Twin not reconciled', { code: error.code, error: error.message });
  }
  const outcome = classify(error, context.clock.now());
  return { ref, result: 'Failed', action: undefined, live: undefined, outcome, error };
}

function countWrite(context: HubContext, result: 'written' | 'recorded' | 'created'): void {
  context.writes += 1;
  countPatch(context, result);
}

function countPatch(context: HubContext, result: 'written' | 'recorded' | 'created' | 'conflict' | 'failed'): void {
  context.metrics.count('twinward_patches_total', { hub: context.name, result });
}
