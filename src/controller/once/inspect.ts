// One look at a hub that writes nothing: every managed twin with what is to be done and what its agent says.
import { invariant } from '../../model/errors.ts';
import type { DeviceFacts, ModuleRef, Twin } from '../../model/twin.ts';
import type { Mode } from '../../model/declared.ts';
import { writes, type TwinAction } from '../../model/action.ts';
import { decideGuards, type EarlierApproval, type GuardDecision } from '../../plan/guard/guards.ts';
import { gatherFacts } from '../../plan/guard/pass-facts.ts';
import type { Planner } from '../../plan/planner.ts';
import { riskContext } from '../../plan/guard/risk.ts';
import type { Surroundings } from '../../plan/twin/other-writers.ts';
import type { Target } from '../../plan/target/target.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { countDevices } from '../pass/device-count.ts';
import { decideByIdentity, isPerhapsOfEdge, type Decided } from '../reconcile/module-identity.ts';
import { FleetView } from '../twins/fleet-view.ts';
import { refOf } from '../../model/twin-key.ts';
import { withCeiling } from '../../plan/observe-only.ts';
import { unlessRefused } from '../queue/optional-read.ts';
import { declaredHubOf, type HubScope } from '../reconcile/hub-context.ts';
import { surveyOnce } from '../pass/list-fleet.ts';
import { stateOf, type TwinState } from '../twins/twin-state.ts';

export interface InspectOptions {
  readonly planner: Planner;
  readonly mode: Mode;
  readonly hub: Hub;
  readonly hubName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly signal: AbortSignal;
  /** What the guards would say to a pass that wrote what was seen; asked for in the end, where it is given. */
  readonly onGuards?: (decision: GuardDecision) => void;
  /** An approval whose work may be half done. */
  readonly earlier?: EarlierApproval | undefined;
  /** Modules of edge devices that are looked up before a first write, as writing does, at most; none unless given. */
  readonly lookupsMax?: number;
}

export interface Inspection {
  readonly view: FleetView;
  /** First writes to modules of edge devices that were not looked up: IoT Edge may turn out to manage them. */
  readonly notLookedUp: number;
}

export interface InspectedTwin {
  readonly ref: ModuleRef;
  readonly device: DeviceFacts;
  readonly target: Target;
  readonly action: TwinAction;
  /** What was known of others when it was decided. */
  readonly around: Surroundings;
  /** Undefined where no twin is listed. */
  readonly twin: Twin | undefined;
  /** Undefined where nothing is declared and nothing is owned. */
  readonly state: TwinState | undefined;
  /** Bits of RISK of what would be written; 0 where nothing would, or the guards are not asked. */
  readonly risks: number;
}

/** With what the guards make of the row. */
type Judged = Decided & Pick<InspectedTwin, 'risks'>;

/**
 * Visits every managed twin once, from query pages that may be half an hour old; twins are not kept. Twins whose device
 * is not listed are left out. Rejects with HubError where the hub can't be listed to the end.
 */
export async function inspectHub(options: InspectOptions, visit: (twin: InspectedTwin) => void): Promise<Inspection> {
  const { hub, hubName: name, clock, log, metrics, mode, signal, onGuards, lookupsMax = 0 } = options;
  const view = new FleetView();
  const planner = withCeiling(options.planner, mode);
  const gatherer = onGuards === undefined ? undefined : gatherFacts(riskContext(planner));
  const scope: HubScope = {
    name,
    hub,
    open: planner,
    planner,
    view,
    clock,
    log,
    metrics,
    writes: 0,
  };
  const take = (key: string, { device, target, action, around, live, risks }: Judged): void => {
    const state = stateOf(action, target, live, clock.now());
    view.note(key, state);
    if (state === undefined && !writes(action)) return;
    visit({ ref: refOf(key), device, target, action, around, twin: live, state, risks: writes(action) ? risks : 0 });
  };
  const unclear = new Map<string, Judged>();
  let notLookedUp = 0;
  await surveyOnce(
    scope,
    ({ key, ref, planned, twin: live, bug }) => {
      if (bug !== undefined) throw bug;
      if (planned === undefined) return;
      const device = view.device(ref.deviceId);
      invariant(device !== undefined, 'only listed devices are planned');
      const { action, target } = planned;
      const risks = gatherer?.see(action, live) ?? 0;
      const decided = { device, target, action, live, around: view.around(key), risks };
      if (!isPerhapsOfEdge(decided)) take(key, decided);
      else if (unclear.size < lookupsMax) unclear.set(key, decided);
      else {
        notLookedUp += 1;
        take(key, decided);
      }
    },
    signal,
  );
  for (const [key, decided] of unclear) {
    const clear = await unlessRefused(decideByIdentity(scope, planner, decided, signal));
    if (clear === undefined) notLookedUp += 1;
    take(key, clear ?? decided);
  }
  if (onGuards !== undefined && gatherer !== undefined) {
    const counted = await countDevices(scope, signal);
    onGuards(decideGuards(gatherer.facts(view.listedCount, counted), declaredHubOf(scope), options.earlier));
  }
  return { view, notLookedUp };
}
