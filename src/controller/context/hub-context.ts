// One hub as the controller works on it: what a pass and each reconcile need, and nothing else.
import { keyOf } from '../../model/twin-key.ts';
import type { ModuleRef } from '../../model/twin.ts';
import { createGates, type Gates } from '../../plan/guard/gate.ts';
import type { Planner } from '../../plan/planner.ts';
import type { OtherWriters } from '../../plan/twin/other-writers.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';
import { DeviceTable } from '../twins/device-table.ts';
import type { Hints } from '../twins/hints.ts';
import { TwinTable } from '../twins/twin-table.ts';
import { AutomaticWriters } from './automatic-writers.ts';
import { UnreadableRows } from './unreadable-rows.ts';

/** What decides: swapped whole when a revision arrives or a pass ends, so that no decision mixes two. */
export interface Rules {
  readonly planner: Planner;
  readonly gates: Gates;
}

/** Gates hold what they could refuse until a whole pass was made with this planner. */
export function rulesOf(planner: Planner): Rules {
  return { planner, gates: createGates(planner) };
}

/** What one process remembers of a hub; losing it costs reads, never a decision. */
export interface HubMemory {
  readonly devices: DeviceTable;
  readonly twins: TwinTable;
  readonly automatic: AutomaticWriters;
  readonly unreadable: UnreadableRows;
}

/** `onState` is called after each change of a twin's state. */
export function createHubMemory(onState?: ConstructorParameters<typeof TwinTable>[0]): HubMemory {
  return {
    devices: new DeviceTable(),
    twins: new TwinTable(onState),
    automatic: new AutomaticWriters(),
    unreadable: new UnreadableRows(),
  };
}

export interface HubContext extends HubMemory {
  /** The Hub's name in the manifests; the label of metrics. */
  readonly name: string;
  readonly hub: Hub;
  rules: Rules;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder | undefined;
  /** Undefined where change events are not followed. */
  readonly hints?: Hints | undefined;
  /** Patches and creations that the hub accepted. */
  writes: number;
  /** Reconciles begun. */
  reconciles: number;
}

/** What the last whole pass found strange, one sentence each. */
export function notesOf({ unreadable, automatic }: HubMemory): readonly string[] {
  return [...unreadable.notes, ...automatic.notes];
}

/** Who else writes to the twin, and what our own last write left there. */
export function othersOf({ automatic, twins }: Pick<HubMemory, 'automatic' | 'twins'>, ref: ModuleRef): OtherWriters {
  const key = keyOf(ref.deviceId, ref.moduleId);
  const identity = twins.identity(key);
  const memory = twins.writtenMemory(key);
  const common = automatic.common;
  return identity === undefined && memory === undefined ? common : { ...common, identity, memory };
}
