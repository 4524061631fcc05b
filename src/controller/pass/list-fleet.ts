// One pass over a hub: lists its devices and module twins and plans every row, never holding all twins at once.
// A row may be half an hour old and may name what is gone: what it says can start work and decides nothing.
import { HubError } from '../../model/errors.ts';
import type { ModuleRef, Twin } from '../../model/twin.ts';
import type { ActionType, TwinAction } from '../../model/action.ts';
import type { Planner } from '../../plan/planner.ts';
import { RECORD_TAG } from '../../plan/record/record.ts';
import type { Target } from '../../plan/target/target.ts';
import { DeviceList, type FleetView } from '../twins/fleet-view.ts';
import { keyOf, refOf } from '../../model/twin-key.ts';
import type { UnreadableRow } from '../../ports/hub.ts';
import { orMissing } from '../queue/optional-read.ts';
import type { HubScope } from '../reconcile/hub-context.ts';

export interface Row {
  readonly key: string;
  readonly ref: ModuleRef;
  /** Undefined where the lists do not say enough to decide anything: only a direct read can tell. */
  readonly planned: { readonly action: TwinAction; readonly target: Target } | undefined;
  /** Undefined where no twin was listed. */
  readonly twin: Twin | undefined;
  /** Why there is no plan although the lists say enough: one twin must not keep the others from being looked at. */
  readonly bug: Error | undefined;
}

/** Of a row that says nothing. */
const UNKNOWN: Pick<Row, 'planned' | 'twin' | 'bug'> = { planned: undefined, twin: undefined, bug: undefined };

/** `ListEmpty`: no row although the hub has some. That is not believed; nothing is forgotten. */
export type SurveyEnd = 'Complete' | 'ListEmpty';

export const LIST_EMPTY_MESSAGE =
  'The hub lists nothing although it has devices; that is not believed. Look again later: its lists can lag by half an hour.';

/** Visits every managed twin once. Rejects with HubError where a list fails midway; a list of devices counts only whole. */
export async function survey(scope: HubScope, visit: (row: Row) => void, signal: AbortSignal): Promise<SurveyEnd> {
  scope.view.unreadable.begin();
  if (!(await listDevices(scope, signal))) return 'ListEmpty';
  const { moduleIds, declared } = scope.open;
  const { neighbours, unreadable } = scope.view;
  scope.view.ownWrites.forgetOld(scope.clock.now());
  await neighbours.list(scope.hub, scope.clock.now(), signal);
  const listed = await visitTwins(scope, moduleIds, visit, signal);
  if (listed.size === 0 && (await isListWrong(scope, moduleIds, signal))) return 'ListEmpty';
  visitMissing(scope, moduleIds, listed, visit);
  visitForgotten(scope, moduleIds, listed, visit);
  for (const note of unreadable.conclude()) scope.log.warn(note, { hub: scope.name });
  for (const note of neighbours.conclude(declared)) {
    scope.log.warn(note, { hub: scope.name });
    scope.recorder?.record({ hub: scope.name, type: 'Warning', reason: 'OtherWriter', message: note });
  }
  return 'Complete';
}

/** For those who look once: a list that is not believed is a HubError too. */
export async function surveyOnce(scope: HubScope, visit: (row: Row) => void, signal: AbortSignal): Promise<void> {
  if ((await survey(scope, visit, signal)) === 'ListEmpty') throw new HubError('Malformed', LIST_EMPTY_MESSAGE);
}

/** False where the list is not believed: it is empty and the hub counts devices. */
async function listDevices(scope: HubScope, signal: AbortSignal): Promise<boolean> {
  const { hub, view } = scope;
  const list = new DeviceList();
  const onUnreadable = (row: UnreadableRow): void => {
    view.unreadable.see('devices', row);
    const known = row.deviceId === undefined ? undefined : view.device(row.deviceId);
    if (known !== undefined && !list.facts.has(known.deviceId)) list.add(known);
  };
  for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts);
  if (list.facts.size + list.reserved === 0 && (await hub.countDevices(signal)) > 0) return false;
  view.replaceDevices(list);
  scope.open.noteFleet(view.devices());
  return true;
}

async function visitTwins(
  scope: HubScope,
  moduleIds: readonly string[],
  visit: (row: Row) => void,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const listed = new Set<string>();
  const onUnreadable = (row: UnreadableRow): void => {
    scope.view.unreadable.see('module twins', row);
    const { deviceId, moduleId } = row;
    if (deviceId === undefined || moduleId === undefined) return;
    const key = keyOf(deviceId, moduleId);
    if (listed.has(key)) return;
    listed.add(key);
    visit({ key, ref: { deviceId, moduleId }, ...UNKNOWN });
  };
  for await (const page of scope.hub.listModuleTwins(moduleIds, signal, { onUnreadable })) {
    const { open: planner, view } = scope;
    const nowMs = scope.clock.now();
    for (const twin of page) {
      const { deviceId, moduleId } = twin;
      if (moduleId === undefined) continue;
      const key = keyOf(deviceId, moduleId);
      if (listed.has(key)) continue;
      listed.add(key);
      const ref = { deviceId, moduleId };
      view.neighbours.see(twin);
      visit({ key, ref, twin, ...planRow(planner, view, ref, twin, nowMs) });
    }
  }
  return listed;
}

/** Devices that are selected and whose module was not listed. Modules that were not asked for are not missing. */
function visitMissing(
  { open: planner, view, clock }: HubScope,
  moduleIds: readonly string[],
  listed: ReadonlySet<string>,
  visit: (row: Row) => void,
): void {
  const nowMs = clock.now();
  // A row that nobody can read may be that of any of them.
  const isSure = !view.unreadable.hasNameless('module twins');
  for (const device of view.devices()) {
    for (const target of planner.targetsFor(device)) {
      const { moduleId } = target;
      const key = keyOf(device.deviceId, moduleId);
      if (listed.has(key) || !moduleIds.includes(moduleId)) continue;
      const ref = { deviceId: device.deviceId, moduleId };
      visit({ key, ref, ...UNKNOWN, ...(isSure ? planRow(planner, view, ref, undefined, nowMs) : {}) });
    }
  }
}

/** Twins we knew, that no list mentions any more and that nobody declares. */
function visitForgotten(
  { open: planner, view }: HubScope,
  moduleIds: readonly string[],
  listed: ReadonlySet<string>,
  visit: (row: Row) => void,
): void {
  const isMissing = ({ deviceId, moduleId }: ModuleRef): boolean => {
    const device = view.device(deviceId);
    const targets = device === undefined || !moduleIds.includes(moduleId) ? [] : planner.targetsFor(device);
    return targets.some((target) => target.moduleId === moduleId);
  };
  for (const [key] of view.states()) {
    if (listed.has(key)) continue;
    const ref = refOf(key);
    if (!isMissing(ref)) visit({ key, ref, ...UNKNOWN });
  }
}

function planRow(
  planner: Planner,
  view: FleetView,
  { deviceId, moduleId }: ModuleRef,
  twin: Twin | undefined,
  nowMs: number,
): Pick<Row, 'planned' | 'bug'> {
  const device = view.device(deviceId);
  if (device === undefined) return { planned: undefined, bug: undefined };
  try {
    const target = planner.targetFor(device, moduleId);
    const around = view.around(keyOf(deviceId, moduleId));
    return { planned: { action: planner.plan(target, device, twin, nowMs, around), target }, bug: undefined };
  } catch (error) {
    return { planned: undefined, bug: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** True where a twin that we know is still one that was asked for, although no twin at all was listed. */
async function isListWrong(
  { hub, view }: HubScope,
  moduleIds: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const [key, { type }] of view.states()) {
    if (MAY_HAVE_NO_TWIN.has(type)) continue;
    const ref = refOf(key);
    const twin = await orMissing(hub.getModuleTwin(ref, signal));
    // Of modules that nobody manages any more only those with a record are listed.
    const isAskedFor = moduleIds.includes(ref.moduleId) || Object.hasOwn(twin?.tags ?? {}, RECORD_TAG);
    return twin !== undefined && isAskedFor;
  }
  return false;
}

const MAY_HAVE_NO_TWIN: ReadonlySet<ActionType> = new Set(['Create', 'Wait', 'Skip', 'Hold']);
