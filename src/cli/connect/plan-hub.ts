// Plans the declared hubs, one after the other, for every command that looks before it leaps.
import { createPlanner, type Planner } from '../../plan/planner.ts';
import type { Declared, DeclaredHub } from '../../model/declared.ts';
import type { EarlierApproval } from '../../model/earlier-approval.ts';
import { inspectHub, type InspectedTwin, type Inspection, type InspectOptions } from '../../controller/once/inspect.ts';
import { budgetedHub } from '../../controller/budget/budgeted-hub.ts';
import { ReservedStore } from '../../controller/lease/reserved-store.ts';
import { suspensionsInForce, type Suspension } from '../../model/suspension.ts';
import type { DeviceTable } from '../../controller/twins/device-table.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Log } from '../../ports/log.ts';
import { CliFailure } from '../failure.ts';
import { connectHub, type Connected } from './connect.ts';
import { connectSnapshot } from './connect-snapshot.ts';
import { EXIT } from '../exit-code.ts';
import { createProgress } from '../render/progress.ts';
import { writeWarning } from '../render/report.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';

export interface HubSession extends Connected {
  /** The same hub outside of the budget. */
  readonly directHub: Hub;
  /** The lease, the suspensions and the last approval of this installation, outside of the budget too. */
  readonly reserved: ReservedStore;
  readonly declaredHub: DeclaredHub;
  readonly planner: Planner;
  /** In force now; the planner knows them. */
  readonly suspensions: readonly Suspension[];
  /** The last approval, as the hub stores it. */
  readonly approved: EarlierApproval | undefined;
}

export const SILENT_LOG: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => SILENT_LOG,
};
export const NO_METRICS: Metrics = { count: () => {}, gauge: () => {}, observe: () => {} };

export interface HubChoice {
  /** Only this hub. */
  readonly hub?: string;
  readonly instance: string;
  /** A file of `twinward snapshot`, read instead of any hub. */
  readonly snapshot?: string;
}

/** All of them without a name; never none. */
export function chooseHubs({ hubs }: Declared, name: string | undefined): readonly DeclaredHub[] {
  const chosen = hubs.filter((hub) => name === undefined || hub.name === name);
  if (chosen.length > 0) return chosen;
  const known = hubs.map((hub) => hub.name).join(', ');
  throw new CliFailure(EXIT.Failed, `There is no hub "${name}" in the manifests.`, `They have: ${known}.`);
}

/** Calls once for each chosen hub, and lets go of the connection whatever happens. */
export async function withHubs(
  world: World,
  declared: Declared,
  { hub: name, instance, snapshot }: HubChoice,
  run: (session: HubSession) => Promise<void>,
): Promise<void> {
  for (const declaredHub of chooseHubs(declared, name)) {
    const context = { ...world, metrics: NO_METRICS, hubCount: declared.hubs.length };
    const connected =
      snapshot === undefined
        ? { ...(await connectHub(declaredHub, context)), suspensionsUnknown: undefined }
        : await connectSnapshot(declaredHub, snapshot, instance);
    try {
      const { mode, hub, capacity, suspensionsUnknown } = connected;
      // Where nothing is written, nothing need be suspended or approved.
      const isWritten = mode !== 'Observe';
      if (isWritten && suspensionsUnknown !== undefined) writeWarning(world, suspensionsUnknown);
      const reserved = new ReservedStore(hub, instance);
      const facts = isWritten ? await reserved.read(world.interrupted) : undefined;
      const suspensions = suspensionsInForce(facts?.suspensions ?? [], world.clock.now());
      const planner = createPlanner(declared, { hub: declaredHub, hubMode: mode, instance, suspensions });
      await run({
        ...connected,
        directHub: hub,
        reserved,
        // A file needs no budget.
        hub: snapshot === undefined ? budgetedHub(hub, { capacity, budget: declaredHub.budget }, world.clock) : hub,
        declaredHub,
        planner,
        suspensions,
        approved: facts?.approved,
      });
    } finally {
      connected.hub.close();
    }
  }
}

/** Each is a read of its own, at the slow pace of the registry: a plan of a fleet of edge devices must end too. */
export const LOOKUPS_MAX = 50;

interface Inspected<T> extends Inspection {
  readonly kept: readonly T[];
}

/** Lists the hub and keeps what `keep` makes of each twin, so that whole twins need not stay in memory. */
export async function inspect<T>(
  world: World,
  { declaredHub, hub, planner, approved }: HubSession,
  keep: (twin: InspectedTwin, devices: DeviceTable) => T,
  extras: Pick<InspectOptions, 'lookupsMax'> = {},
): Promise<Inspected<T>> {
  const progress = createProgress(world);
  const kept: T[] = [];
  const options = {
    planner,
    hub,
    hubName: declaredHub.name,
    clock: world.clock,
    log: SILENT_LOG,
    metrics: NO_METRICS,
    signal: world.interrupted,
    earlier: approved,
    ...extras,
  };
  try {
    const inspection = await inspectHub(options, (twin, known) => {
      kept.push(keep(twin, known));
      progress.show(`reading ${declaredHub.name}: ${countOf(kept.length, 'twin')}`);
    });
    progress.clear();
    for (const note of inspection.notes) writeWarning(world, `${declaredHub.name}: ${note}`);
    return { ...inspection, kept };
  } finally {
    progress.clear();
  }
}
