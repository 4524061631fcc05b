// A pass that writes nothing, for `plan`, `status`, `get` and `describe`: visits every managed twin with what is to be
// done and what its agent says.
import { HubError, invariant } from '../../model/errors.ts';
import { writes, type TwinAction } from '../../model/action.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import type { DeviceFacts, ModuleRef, Twin } from '../../model/twin.ts';
import type { GuardDecision } from '../../plan/guard/guards.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Target } from '../../plan/target/target.ts';
import type { OtherWriters } from '../../plan/twin/other-writers.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { createHubMemory, notesOf, othersOf, rulesOf, type HubContext } from '../context/hub-context.ts';
import { LIST_EMPTY_MESSAGE, type Row } from '../pass/list-fleet.ts';
import { makePass } from '../pass/pass.ts';
import { unlessRefused } from '../queue/optional-read.ts';
import { needsIdentity, rememberIdentity, type Decided } from '../reconcile/decide.ts';
import type { DeviceTable } from '../twins/device-table.ts';
import { stateOf, type TwinState } from '../twins/twin-state.ts';

export interface InspectOptions {
  readonly planner: Planner;
  readonly hub: Hub;
  readonly hubName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** An approval whose work may be half done. */
  readonly earlier?: EarlierApproval | undefined;
  /** First writes to modules of edge devices whose identity is read, as writing does, at most; none unless given. */
  readonly lookupsMax?: number;
}

export interface Inspection {
  readonly devices: DeviceTable;
  /** What was strange, one sentence each. */
  readonly notes: readonly string[];
  /** What the guards would say to a pass that wrote what was visited. */
  readonly guards: GuardDecision;
  /** First writes to modules of edge devices whose identity was not read: IoT Edge may turn out to manage them. */
  readonly notLookedUp: number;
}

export interface InspectedTwin {
  readonly ref: ModuleRef;
  readonly device: DeviceFacts;
  readonly target: Target;
  readonly action: TwinAction;
  /** Who else writes there, as known when it was decided. */
  readonly others: OtherWriters;
  /** Undefined where no twin is listed. */
  readonly twin: Twin | undefined;
  /** Undefined where nothing is declared and nothing is owned. */
  readonly state: TwinState | undefined;
  /** Bits of RISK of what would be written; 0 where nothing would. */
  readonly risks: number;
}

/**
 * Visits every managed twin once, from query pages that may be half an hour old; twins are not kept. Twins whose device
 * is not listed are left out. By the first visit all devices are listed. Rejects with HubError where the hub can't be listed to the end.
 */
export async function inspectHub(
  options: InspectOptions,
  visit: (twin: InspectedTwin, devices: DeviceTable) => void,
): Promise<Inspection> {
  const { hub, hubName: name, clock, log, metrics, signal, earlier, lookupsMax = 0 } = options;
  const context: HubContext = {
    ...createHubMemory(),
    name,
    hub,
    rules: rulesOf(options.planner),
    clock,
    log,
    metrics,
    writes: 0,
    reconciles: 0,
  };
  const show = ({ device, target, action, others, live }: Decided, risks: number): void => {
    const state = stateOf(action, target, live, clock.now());
    const isWrite = writes(action);
    if (state === undefined && !isWrite) return;
    const ref = { deviceId: device.deviceId, moduleId: target.moduleId };
    visit({ ref, device, target, action, others, twin: live, state, risks: isWrite ? risks : 0 }, context.devices);
  };
  const unclear: { readonly decided: Decided; readonly risks: number }[] = [];
  let notLookedUp = 0;
  const onRow = (row: Row, risks: number): void => {
    const decided = decidedOf(context, row);
    if (decided === undefined) return;
    if (!needsIdentity(decided)) show(decided, risks);
    else if (unclear.length < lookupsMax) unclear.push({ decided, risks });
    else {
      notLookedUp += 1;
      show(decided, risks);
    }
  };
  const end = await makePass(context, { earlier, onRow }, signal);
  if (end.kind === 'ListEmpty') throw new HubError('Malformed', LIST_EMPTY_MESSAGE);
  invariant(end.kind === 'Complete', 'nothing replaces the rules of an inspection');
  for (const { decided, risks } of unclear) {
    const clear = await unlessRefused(replan(context, end.rules.planner, decided, signal));
    if (clear === undefined) notLookedUp += 1;
    show(clear ?? decided, risks);
  }
  return { devices: context.devices, notes: notesOf(context), guards: end.guards, notLookedUp };
}

function decidedOf(context: HubContext, { ref, planned, twin: live, bug }: Row): Decided | undefined {
  if (bug !== undefined) throw bug;
  if (planned === undefined) return undefined;
  const device = context.devices.get(ref.deviceId);
  invariant(device !== undefined, 'only listed devices are planned');
  return { device, ...planned, live, others: othersOf(context, ref) };
}

/** The same twin, planned with the identity of its module. Rejects with HubError. */
async function replan(context: HubContext, planner: Planner, decided: Decided, signal: AbortSignal): Promise<Decided> {
  const { target, device, live } = decided;
  const ref = { deviceId: device.deviceId, moduleId: target.moduleId };
  const identity = await context.hub.getModule(ref, signal);
  rememberIdentity(context, ref, identity);
  const others = { ...decided.others, identity };
  return { ...decided, others, action: planner.plan(target, device, live, context.clock.now(), others) };
}
