// What to do with one twin, from direct reads: plans it, reads what the action rests on, plans again, and asks the gates.
import { heldInstead, writes, type TwinAction } from '../../model/action.ts';
import { isManagedByEdge, type ModuleIdentity } from '../../model/other-writer.ts';
import { keyOf } from '../../model/twin-key.ts';
import { deviceFacts, type DeviceFacts, type ModuleRef, type Twin } from '../../model/twin.ts';
import type { Target } from '../../plan/target/target.ts';
import type { OtherWriters } from '../../plan/twin/other-writers.ts';
import { othersOf, type HubContext, type Rules } from '../context/hub-context.ts';
import { orMissing } from '../queue/optional-read.ts';

/** What was decided about one twin, with everything it was decided on. */
export interface Decided {
  readonly device: DeviceFacts;
  readonly target: Target;
  readonly live: Twin | undefined;
  readonly others: OtherWriters;
  readonly action: TwinAction;
}

export interface Decision extends Decided {
  readonly rules: Rules;
}

/** Undefined where the device is gone. Rejects with HubError. */
export async function decide(context: HubContext, ref: ModuleRef, signal: AbortSignal): Promise<Decision | undefined> {
  const { rules } = context;
  const decided = await decideByReads(context, rules, ref, signal);
  if (decided === undefined || !needsIdentity(decided)) return decided && { ...decided, rules };
  const { target, device, live } = decided;
  const identity = await context.hub.getModule(ref, signal);
  rememberIdentity(context, ref, identity);
  const others = { ...decided.others, identity };
  return { ...decided, rules, others, action: planGated(context, rules, { target, device, live, others }) };
}

/** The device is read directly where the action rests on membership, or the module is missing. */
async function decideByReads(
  context: HubContext,
  rules: Rules,
  ref: ModuleRef,
  signal: AbortSignal,
): Promise<Decided | undefined> {
  const { hub, devices } = context;
  const live = await orMissing(hub.getModuleTwin(ref, signal));
  const known = devices.get(ref.deviceId);
  if (known !== undefined && live !== undefined) {
    const decided = decideFor(context, rules, ref, known, live);
    if (!restsOnMembership(decided.action)) return decided;
  }
  const twin = await orMissing(hub.getDeviceTwin(ref.deviceId, signal));
  if (twin === undefined) return undefined;
  const device = deviceFacts(twin);
  devices.set(device);
  return decideFor(context, rules, ref, device, live);
}

function decideFor(
  context: HubContext,
  rules: Rules,
  ref: ModuleRef,
  device: DeviceFacts,
  live: Twin | undefined,
): Decided {
  const facts = { target: rules.planner.targetFor(device, ref.moduleId), device, live, others: othersOf(context, ref) };
  return { ...facts, action: planGated(context, rules, facts) };
}

/** The planner's action, or a Hold where a gate does not allow it. */
export function planGated(
  { twins, hints, clock }: HubContext,
  { planner, gates }: Rules,
  { target, device, live, others }: Omit<Decided, 'action'>,
): TwinAction {
  const action = planner.plan(target, device, live, clock.now(), others);
  if (!writes(action)) return action;
  // What the pass counted holds for the target that it planned, and until the device changes.
  const counted = twins.counted(keyOf(device.deviceId, target.moduleId));
  const isSame = counted?.target === target.digest && hints?.hasDevice(device.deviceId) !== true;
  const verdict = gates.allows(action, live, isSame ? counted.risks : 0);
  return verdict === 'Allowed'
    ? action
    : heldInstead(action, { reason: 'GuardRefused', refusedBy: verdict.refusedBy }, verdict.message);
}

function restsOnMembership(action: TwinAction): boolean {
  return writes(action) && action.needs.deviceTwin;
}

/** True for a first write to a module of an edge device: only its identity says whether a deployment manages it. */
export function needsIdentity({ device, live, others, action }: Decided): boolean {
  return device.iotEdge && live !== undefined && others.identity === undefined && restsOnMembership(action);
}

/** Only what IoT Edge manages is worth remembering. */
export function rememberIdentity(
  { twins, clock }: Pick<HubContext, 'twins' | 'clock'>,
  { deviceId, moduleId }: ModuleRef,
  identity: ModuleIdentity,
): void {
  twins.setIdentity(keyOf(deviceId, moduleId), isManagedByEdge(identity) ? identity : undefined, clock.now());
}
