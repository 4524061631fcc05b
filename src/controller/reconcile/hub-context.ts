// One hub as the loop works on it: what every step of the loop needs and nothing else.
import type { DeclaredHub } from '../../model/declared.ts';
import { invariant } from '../../model/errors.ts';
import type { Planner } from '../../plan/planner.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Hub } from '../../ports/hub.ts';
import type { Log } from '../../ports/log.ts';
import type { Metrics } from '../../ports/metrics.ts';
import type { Recorder } from '../../ports/recorder.ts';
import type { FleetView } from '../twins/fleet-view.ts';
import type { Hints } from '../hints/hints.ts';

export interface HubScope {
  /** The Hub's name in the manifests; the label of metrics. */
  readonly name: string;
  readonly hub: Hub;
  /** What decides now: swapped whole when a revision arrives, so that a decision never mixes two. */
  planner: Planner;
  /** The same before the guards have refused anything: what a pass plans its rows by. */
  open: Planner;
  readonly view: FleetView;
  /** Twins that the hub told of; undefined where it is not listened to. */
  readonly hints?: Hints | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly recorder?: Recorder | undefined;
  /** Patches and creations the hub accepted. */
  writes: number;
}

/** This hub as the manifests have it now. */
export function declaredHubOf({ name, open }: Pick<HubScope, 'name' | 'open'>): DeclaredHub {
  const found = open.declared.hubs.find((hub) => hub.name === name);
  invariant(found !== undefined, 'the planner of a hub knows that hub');
  return found;
}
