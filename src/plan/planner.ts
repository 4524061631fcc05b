// The one way from declared state and facts to actions: `plan`, `apply`, the controller and the simulator all call this.
import type { Declared, DeclaredHub, Mode } from '../model/declared.ts';
import type { Suspension } from '../model/suspension.ts';
import type { DeviceFacts, Twin } from '../model/twin.ts';
import type { TwinAction } from '../model/action.ts';
import { countDevices } from './target/exception-limits.ts';
import { createSelection } from './select/selection.ts';
import { indexSuspensions } from './select/suspensions.ts';
import { NOTHING_AROUND, type Surroundings } from './twin/other-writers.ts';
import { createTargets, type Target } from './target/target.ts';
import { planTwin } from './twin/plan-twin.ts';

export interface PlannerOptions {
  readonly hub: DeclaredHub;
  /** The effective ceiling for this hub; the caller knows whether it is on loopback. */
  readonly hubMode: Mode;
  /** Several installations share a hub; another instance's keys are foreign. */
  readonly instance: string;
  /** In force now: the caller leaves out what has ended. None unless given. */
  readonly suspensions?: readonly Suspension[];
}

export interface Planner {
  readonly declared: Declared;
  readonly instance: string;
  /** Module ids that some configuration on this hub manages, sorted. */
  readonly moduleIds: readonly string[];
  /** Places inside the tags of a device that some selector on this hub looks at. */
  readonly tagPaths: readonly (readonly string[])[];
  /** What is declared for each managed module of a device; cheap, cached by the tags that selectors look at. */
  targetsFor(device: DeviceFacts): readonly Target[];
  /** The target for one module of a device: an empty one where nothing is declared for it. */
  targetFor(device: DeviceFacts, moduleId: string): Target;
  /**
   * Takes a complete list of the hub's devices. Until then exceptions for so many devices at most are held: nobody knows
   * yet how many they select.
   */
  noteFleet(devices: Iterable<DeviceFacts>): void;
  /**
   * One action for one module twin. `live` undefined means the hub said the module does not exist, or listed none.
   * Pure; `nowMs` dates the record, and tells how long ago what it remembers was. `around` is who else writes there, as
   * far as it is known.
   */
  plan(target: Target, device: DeviceFacts, live: Twin | undefined, nowMs: number, around?: Surroundings): TwinAction;
}

/** Exceptions of `declared` all count: the caller leaves out those that have ended, with `activeAt`. */
export function createPlanner(declared: Declared, options: PlannerOptions): Planner {
  const suspensions = indexSuspensions(options.suspensions ?? []);
  const select = createSelection(declared, options.hub.name, suspensions);
  let targets = createTargets(options.hubMode, suspensions);
  const scope = { declared, instance: options.instance };
  return {
    declared,
    instance: options.instance,
    moduleIds: select.moduleIds,
    tagPaths: select.tagPaths,
    targetsFor: (device) => targets.forSelection(select.select(device)),
    targetFor: (device, moduleId) => targets.forModule(select.select(device), moduleId),
    noteFleet(devices) {
      const counts = countDevices(declared, select, devices);
      if (counts !== undefined) targets = createTargets(options.hubMode, suspensions, counts);
    },
    plan: (target, device, live, nowMs, around = NOTHING_AROUND) =>
      planTwin({ ...scope, target, device, live, nowMs, around }),
  };
}
