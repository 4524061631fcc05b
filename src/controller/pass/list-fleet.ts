// Lists the devices and module twins of a hub and plans every row, never holding all twins at once. A row may be half an
// hour old and may name what is gone: it can start work and decides nothing.
import { keyOf, refOf } from '../../model/twin-key.ts';
import type { ModuleRef, Twin } from '../../model/twin.ts';
import type { ActionType, TwinAction } from '../../model/action.ts';
import type { Planner } from '../../plan/planner.ts';
import { RECORD_TAG } from '../../plan/record/record.ts';
import type { Target } from '../../plan/target/target.ts';
import type { UnreadableRow } from '../../ports/hub.ts';
import { othersOf, type HubContext } from '../context/hub-context.ts';
import { orMissing } from '../queue/optional-read.ts';
import { DeviceList } from '../twins/device-table.ts';

export interface Row {
  readonly key: string;
  readonly ref: ModuleRef;
  /** Undefined where the lists do not say enough to decide anything: only a direct read can. */
  readonly planned: { readonly action: TwinAction; readonly target: Target } | undefined;
  /** Undefined where no twin was listed. */
  readonly twin: Twin | undefined;
  /** Thrown by the planner although the lists say enough: one twin must not keep the others from being listed. */
  readonly bug: Error | undefined;
}

/** Of a row that says nothing. */
const UNKNOWN: Pick<Row, 'planned' | 'twin' | 'bug'> = { planned: undefined, twin: undefined, bug: undefined };

export const LIST_EMPTY_MESSAGE =
  'The hub lists nothing although it has devices; that is not believed. Look again later: its lists can lag by half an hour.';

/** False where the list is not believed: it is empty and the hub counts devices. Rejects with HubError. */
export async function listDevices(context: HubContext, signal: AbortSignal): Promise<boolean> {
  const { hub, devices, unreadable } = context;
  unreadable.begin();
  const list = new DeviceList();
  const onUnreadable = (row: UnreadableRow): void => {
    unreadable.add('devices', row);
    const known = row.deviceId === undefined ? undefined : devices.get(row.deviceId);
    if (known !== undefined && !list.facts.has(known.deviceId)) list.add(known);
  };
  for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts);
  if (list.facts.size + list.reserved === 0 && (await hub.countDevices(signal)) > 0) return false;
  devices.replace(list);
  return true;
}

/**
 * Visits every managed twin once. False where the list is not believed: it is empty and a twin that we know is there.
 * Rejects with HubError where the list fails midway.
 */
export async function listTwins(
  context: HubContext,
  planner: Planner,
  visit: (row: Row) => void,
  signal: AbortSignal,
): Promise<boolean> {
  const { automatic, unreadable, log, name, recorder } = context;
  await automatic.list(context.hub, signal);
  const listed = await visitListed(context, planner, visit, signal);
  if (listed.size === 0 && (await isListWrong(context, planner.moduleIds, signal))) return false;
  visitMissing(context, planner, listed, visit);
  visitForgotten(context, planner, listed, visit);
  for (const note of unreadable.conclude()) log.warn(note);
  for (const note of automatic.conclude(planner.declared)) {
    log.warn(note);
    recorder?.record({ hub: name, reason: 'OtherWriter', detail: note });
  }
  return true;
}

async function visitListed(
  context: HubContext,
  planner: Planner,
  visit: (row: Row) => void,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const listed = new Set<string>();
  const onUnreadable = (row: UnreadableRow): void => {
    context.unreadable.add('module twins', row);
    const { deviceId, moduleId } = row;
    if (deviceId === undefined || moduleId === undefined) return;
    const key = keyOf(deviceId, moduleId);
    if (listed.has(key)) return;
    listed.add(key);
    visit({ key, ref: { deviceId, moduleId }, ...UNKNOWN });
  };
  for await (const page of context.hub.listModuleTwins(planner.moduleIds, signal, { onUnreadable })) {
    const nowMs = context.clock.now();
    for (const twin of page) {
      const { deviceId, moduleId } = twin;
      if (moduleId === undefined) continue;
      const key = keyOf(deviceId, moduleId);
      if (listed.has(key)) continue;
      listed.add(key);
      const ref = { deviceId, moduleId };
      context.automatic.observe(twin);
      visit({ key, ref, twin, ...planRow(context, planner, ref, twin, nowMs) });
    }
  }
  return listed;
}

/** Visits selected devices whose module was not listed. Modules that were not asked for are not missing. */
function visitMissing(
  context: HubContext,
  planner: Planner,
  listed: ReadonlySet<string>,
  visit: (row: Row) => void,
): void {
  const nowMs = context.clock.now();
  // An unreadable row without a name may be that of any of them.
  const isSure = !context.unreadable.hasNameless('module twins');
  for (const device of context.devices.all()) {
    for (const { moduleId } of planner.targetsFor(device)) {
      const key = keyOf(device.deviceId, moduleId);
      if (listed.has(key) || !planner.moduleIds.includes(moduleId)) continue;
      const ref = { deviceId: device.deviceId, moduleId };
      visit({ key, ref, ...UNKNOWN, ...(isSure ? planRow(context, planner, ref, undefined, nowMs) : {}) });
    }
  }
}

/** Visits twins of the last pass that no list mentions now and no configuration declares. */
function visitForgotten(
  { devices, twins }: HubContext,
  planner: Planner,
  listed: ReadonlySet<string>,
  visit: (row: Row) => void,
): void {
  const isMissing = ({ deviceId, moduleId }: ModuleRef): boolean => {
    const device = devices.get(deviceId);
    const targets = device === undefined || !planner.moduleIds.includes(moduleId) ? [] : planner.targetsFor(device);
    return targets.some((target) => target.moduleId === moduleId);
  };
  for (const [key] of twins.states()) {
    if (listed.has(key)) continue;
    const ref = refOf(key);
    if (!isMissing(ref)) visit({ key, ref, ...UNKNOWN });
  }
}

function planRow(
  context: HubContext,
  planner: Planner,
  ref: ModuleRef,
  twin: Twin | undefined,
  nowMs: number,
): Pick<Row, 'planned' | 'bug'> {
  const device = context.devices.get(ref.deviceId);
  if (device === undefined) return UNKNOWN;
  try {
    const target = planner.targetFor(device, ref.moduleId);
    const action = planner.plan(target, device, twin, nowMs, othersOf(context, ref));
    return { planned: { action, target }, bug: undefined };
  } catch (error) {
    return { planned: undefined, bug: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** True where a twin that we know is still one that was asked for. */
async function isListWrong(
  { hub, twins }: HubContext,
  moduleIds: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  for (const [key, { type }] of twins.states()) {
    if (MAY_HAVE_NO_TWIN.has(type)) continue;
    const ref = refOf(key);
    const twin = await orMissing(hub.getModuleTwin(ref, signal));
    // Of modules that no configuration manages any more only those with a record are listed.
    const isAskedFor = moduleIds.includes(ref.moduleId) || Object.hasOwn(twin?.tags ?? {}, RECORD_TAG);
    return twin !== undefined && isAskedFor;
  }
  return false;
}

const MAY_HAVE_NO_TWIN: ReadonlySet<ActionType> = new Set(['Create', 'Wait', 'Skip', 'Hold']);
