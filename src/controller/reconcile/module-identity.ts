// Whether a module of an edge device is its deployment's: only the registry tells, and it is asked before a first write.
import type { DeviceFacts, Twin } from '../../model/twin.ts';
import { writes, type TwinAction } from '../../model/action.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Surroundings } from '../../plan/twin/other-writers.ts';
import type { Target } from '../../plan/target/target.ts';
import { keyOf } from '../../model/twin-key.ts';
import type { HubScope } from './hub-context.ts';

/** What was decided about one twin, with everything it was decided on. */
export interface Decided {
  readonly device: DeviceFacts;
  readonly target: Target;
  readonly live: Twin | undefined;
  readonly around: Surroundings;
  readonly action: TwinAction;
}

/** A first write is what rests on membership. */
export function isPerhapsOfEdge({ device, live, around, action }: Decided): boolean {
  const isFirst = action.needs.deviceTwin && live !== undefined && writes(action);
  return isFirst && device.iotEdge && around.identity === undefined;
}

/** The same, decided with the identity of the module. Rejects with HubError. */
export async function decideByIdentity<D extends Decided>(
  { hub, clock, view }: Pick<HubScope, 'hub' | 'clock' | 'view'>,
  planner: Planner,
  decided: D,
  signal: AbortSignal,
): Promise<D> {
  const { target, device, live, around } = decided;
  const ref = { deviceId: device.deviceId, moduleId: target.moduleId };
  const identity = await hub.getModule(ref, signal);
  const nowMs = clock.now();
  view.neighbours.noteIdentity(keyOf(ref.deviceId, ref.moduleId), identity, nowMs);
  const known = { ...around, identity };
  return { ...decided, around: known, action: planner.plan(target, device, live, nowMs, known) };
}
