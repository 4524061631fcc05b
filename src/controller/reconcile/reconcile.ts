// Key in, outcome out: reads one module twin, decides, writes what is decided, checks the answer.
import { HubError, invariant } from '../../model/errors.ts';
import { deviceFacts, type DeviceFacts, type ModuleRef, type Twin } from '../../model/twin.ts';
import { writes, type TwinAction } from '../../model/action.ts';
import { changesText } from '../../plan/report/change-text.ts';
import type { Planner } from '../../plan/planner.ts';
import { readRecord, recordedEtag } from '../../plan/record/record.ts';
import { decideByIdentity, isPerhapsOfEdge, type Decided } from './module-identity.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';
import { classify, RETRY, SETTLED, type Outcome } from '../queue/outcome.ts';
import { orMissing } from '../queue/optional-read.ts';
import type { HubScope } from './hub-context.ts';
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

/** One decision: everything it was made from, all of it read directly where the action asks for it. */
interface Decision extends Decided {
  readonly planner: Planner;
}

/** Decisions on one key before it goes back to the queue: others may be writing the same twin. */
const DECISIONS_MAX = 4;

const CREATED = 'It was missing, and a configuration asks for it.';

/** Rejects only for bugs. */
export async function reconcile(scope: HubScope, key: string, signal: AbortSignal): Promise<Reconciled> {
  const ref = refOf(key);
  try {
    return await converge(scope, ref, signal);
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    return fail(scope, ref, error);
  }
}

async function converge(scope: HubScope, ref: ModuleRef, signal: AbortSignal): Promise<Reconciled> {
  let hasCreated = false;
  for (let count = 1; count <= DECISIONS_MAX; count += 1) {
    const decision = await decide(scope, ref, signal);
    if (decision === undefined) return forget(scope, ref);
    if (!writes(decision.action)) return settle(scope, decision, hasCreated);
    if (decision.planner !== scope.planner) continue;
    try {
      if (decision.action.type !== 'Create') return await write(scope, decision, hasCreated, signal);
      if (hasCreated) break;
      await scope.hub.createModule(ref, signal);
      hasCreated = true;
      countWrite(scope, 'created');
      scope.recorder?.record({ hub: scope.name, ...ref, type: 'Normal', reason: 'ModuleCreated', message: CREATED });
    } catch (error) {
      if (!isRace(error) || count === DECISIONS_MAX) throw error;
      countPatch(scope, 'conflict');
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

/** Undefined where the device is gone. The device is read directly where the action rests on it, or the module is missing. */
async function decide(scope: HubScope, ref: ModuleRef, signal: AbortSignal): Promise<Decision | undefined> {
  const decision = await decideByTwins(scope, ref, signal);
  if (decision === undefined || !isPerhapsOfEdge(decision)) return decision;
  return decideByIdentity(scope, decision.planner, decision, signal);
}

async function decideByTwins(scope: HubScope, ref: ModuleRef, signal: AbortSignal): Promise<Decision | undefined> {
  const { hub, planner, view } = scope;
  const live = await orMissing(hub.getModuleTwin(ref, signal));
  const known = view.device(ref.deviceId);
  if (known !== undefined && live !== undefined) {
    const decision = planFor(scope, planner, ref, known, live);
    if (!decision.action.needs.deviceTwin) return decision;
  }
  const twin = await orMissing(hub.getDeviceTwin(ref.deviceId, signal));
  if (twin === undefined) return undefined;
  const device = deviceFacts(twin);
  view.noteDevice(device);
  return planFor(scope, planner, ref, device, live);
}

function planFor(
  { clock, view }: HubScope,
  planner: Planner,
  ref: ModuleRef,
  device: DeviceFacts,
  live: Twin | undefined,
): Decision {
  const target = planner.targetFor(device, ref.moduleId);
  const around = view.around(keyOf(ref.deviceId, ref.moduleId));
  return { planner, device, target, live, around, action: planner.plan(target, device, live, clock.now(), around) };
}

/** Writes the patch, then asks the planner about the answer: anything still to write means the hub did another thing. */
async function write(
  scope: HubScope,
  { planner, device, target, live, around, action }: Decision,
  hasCreated: boolean,
  signal: AbortSignal,
): Promise<Reconciled> {
  const { hub, clock, view } = scope;
  const { deviceId, moduleId, patch, etag } = action;
  invariant(patch !== undefined && etag !== undefined, 'what writes to a twin has a patch and the etag it is made for');
  const ref = { deviceId, moduleId };
  const key = keyOf(deviceId, moduleId);
  view.ownWrites.begin(key, recordedEtag(patch, planner.instance), clock.now());
  const answer = await hub.patchModuleTwin(ref, patch, etag, signal);
  countWrite(scope, action.type === 'Record' ? 'recorded' : 'written');
  const record = readRecord(answer, planner.instance);
  if (record.kind === 'valid') view.ownWrites.note(key, record.memory, clock.now());
  const next = planner.plan(target, device, answer, clock.now(), around);
  const state = stateOf(next, target, answer, clock.now());
  recordWrite(scope, action);
  if (writes(next)) {
    scope.metrics.count('twinward_unexpected_answer_total', { hub: scope.name });
    scope.log.warn('The hub answered a write with another twin than was written; trying again later', {
      hub: scope.name,
      device: deviceId,
      module: moduleId,
      reason: next.reason,
    });
    view.note(key, state && { ...state, failure: 'UnexpectedAnswer' });
    return { ref, result: 'Failed', action, live, outcome: RETRY, error: undefined };
  }
  view.note(key, state);
  if (action.reason === 'Drift') scope.metrics.count('twinward_drift_corrected_total', { hub: scope.name });
  if (action.reason === 'Nudge') scope.metrics.count('twinward_nudges_total', { hub: scope.name });
  const result = hasCreated ? 'Created' : action.type === 'Record' ? 'Recorded' : 'Written';
  return { ref, result, action, live, outcome: SETTLED, error: undefined };
}

function recordWrite(
  { name: hub, recorder }: HubScope,
  { deviceId, moduleId, reason, changes, message }: TwinAction,
): void {
  // What changes nothing says what it is for.
  const text = changes.length === 0 ? (message ?? '') : changesText(changes);
  recorder?.record({ hub, deviceId, moduleId, type: 'Normal', reason, message: text });
}

function settle(scope: HubScope, { target, live, action }: Decision, hasCreated: boolean): Reconciled {
  const { deviceId, moduleId } = action;
  scope.view.note(keyOf(deviceId, moduleId), stateOf(action, target, live, scope.clock.now()));
  // A module that was made, and whose settings are held, is not what was asked for.
  const result = hasCreated && action.type !== 'Hold' ? 'Created' : idleResult(action);
  return { ref: { deviceId, moduleId }, result, action, live, outcome: SETTLED, error: undefined };
}

/** What an action that writes nothing comes to. */
export function idleResult({ type }: Pick<TwinAction, 'type'>): 'Unchanged' | 'Observed' | 'Held' {
  return type === 'Observe' ? 'Observed' : type === 'Hold' ? 'Held' : 'Unchanged';
}

function forget({ view }: HubScope, ref: ModuleRef): Reconciled {
  view.forgetDevice(ref.deviceId);
  view.note(keyOf(ref.deviceId, ref.moduleId), undefined);
  return { ref, result: 'Unchanged', action: undefined, live: undefined, outcome: SETTLED, error: undefined };
}

function fail(scope: HubScope, ref: ModuleRef, error: HubError): Reconciled {
  const key = keyOf(ref.deviceId, ref.moduleId);
  const state = scope.view.state(key);
  if (error.code !== 'Aborted') {
    if (state !== undefined) scope.view.note(key, { ...state, failure: error.code });
    countPatch(scope, 'failed');
    scope.log.warn('Twin not reconciled', {
      hub: scope.name,
      device: ref.deviceId,
      module: ref.moduleId,
      code: error.code,
      error: error.message,
    });
  }
  const outcome = classify(error, scope.clock.now());
  return { ref, result: 'Failed', action: undefined, live: undefined, outcome, error };
}

function countWrite(scope: HubScope, result: 'written' | 'recorded' | 'created'): void {
  scope.writes += 1;
  countPatch(scope, result);
}

function countPatch(scope: HubScope, result: 'written' | 'recorded' | 'created' | 'conflict' | 'failed'): void {
  scope.metrics.count('twinward_patches_total', { hub: scope.name, result });
}
