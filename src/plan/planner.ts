// The one way from declared state and facts to actions: `plan`, `apply`, the controller and the simulator all call this.
import type { Declared, DeclaredHub, Mode } from '../model/declared.ts';
import type { Suspension } from '../model/suspension.ts';
import type { DeviceFacts, Twin } from '../model/twin.ts';
import type { TwinAction } from '../model/action.ts';
import { countDevices, type ExceptionCounts } from './target/exception-limits.ts';
import { createSelection } from './select/selection.ts';
import { indexSuspensions } from './select/suspensions.ts';
import { NO_OTHER_WRITERS, type OtherWriters } from './twin/other-writers.ts';
import { createTargets, type Target } from './target/target.ts';
import { decideTwin, type TwinDecision } from './twin/plan-twin.ts';

interface PlannerOptions {
  readonly hub: DeclaredHub;
  /** The effective ceiling for this hub; the caller knows whether it is on loopback. */
  readonly hubMode: Mode;
  /** Several installations share a hub; another instance's keys are foreign. */
  readonly instance: string;
  /** In force now: the caller leaves out what has ended. None unless given. */
  readonly suspensions?: readonly Suspension[];
}

export interface Planner {
  /** As the manifests have it. */
  readonly hub: DeclaredHub;
  readonly declared: Declared;
  readonly instance: string;
  /** Module ids that some configuration on this hub manages, sorted. */
  readonly moduleIds: readonly string[];
  /** Places inside the tags of a device that some selector on this hub reads. */
  readonly tagPaths: readonly (readonly string[])[];
  /** What is declared for each managed module of a device; cheap, cached by the tags that selectors read. */
  targetsFor(device: DeviceFacts): readonly Target[];
  /** The target for one module of a device: an empty one where nothing is declared for it. */
  targetFor(device: DeviceFacts, moduleId: string): Target;
  /**
   * The planner that knows the complete list of the hub's devices; itself where no exception has a limit of devices. Until
   * then such exceptions are held, as nothing has counted what they select.
   */
  forFleet(devices: Iterable<DeviceFacts>): Planner;
  /** The action with what it was decided on. */
  decide(...twin: Parameters<Plan>): TwinDecision;
  readonly plan: Plan;
}

/**
 * One action for one module twin. `live` undefined means the hub said the module does not exist, or listed none. Pure;
 * `nowMs` dates the record, and how long ago what it remembers was. `others` is who else writes there, as far as known.
 */
type Plan = (
  target: Target,
  device: DeviceFacts,
  live: Twin | undefined,
  nowMs: number,
  others?: OtherWriters,
) => TwinAction;

/** Exceptions of `declared` all count: the caller leaves out those that have ended, with `activeAt`. */
export function createPlanner(
  declared: Declared,
  { hub, hubMode, instance, suspensions = [] }: PlannerOptions,
): Planner {
  const suspended = indexSuspensions(suspensions);
  const select = createSelection(declared, hub.name, suspended);
  function plannerWith(counts: ExceptionCounts | undefined): Planner {
    const targets = createTargets(hubMode, suspended, counts);
    const planner: Planner = {
      hub,
      declared,
      instance,
      moduleIds: select.moduleIds,
      tagPaths: select.tagPaths,
      targetsFor: (device) => targets.forSelection(select.select(device)),
      targetFor: (device, moduleId) => targets.forModule(select.select(device), moduleId),
      forFleet(devices) {
        const counted = countDevices(declared, select, devices);
        return counted === undefined ? planner : plannerWith(counted);
      },
      decide: (target, device, live, nowMs, others = NO_OTHER_WRITERS) =>
        decideTwin({ declared, instance, hubMode, target, device, live, nowMs, others }),
      plan: (target, device, live, nowMs, others) => planner.decide(target, device, live, nowMs, others).action,
    };
    return planner;
  }
  return plannerWith(undefined);
}

/** The planner with `wrap` around each plan, for every list of devices. */
export function wrapPlanner(planner: Planner, wrap: (plan: Plan) => Plan): Planner {
  const wrapped: Planner = {
    ...planner,
    plan: wrap(planner.plan),
    decide: (...twin) => ({ ...planner.decide(...twin), action: wrapped.plan(...twin) }),
    forFleet(devices) {
      const next = planner.forFleet(devices);
      return next === planner ? wrapped : wrapPlanner(next, wrap);
    },
  };
  return wrapped;
}
