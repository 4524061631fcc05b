// `doctor`: checks whether change events arrive, or only passes find changes.
import { RESYNC_PERIOD_MS } from '../../controller/controller.ts';
import { affordablePeriodMs } from '../../controller/budget/resync-pace.ts';
import type { DeclaredHub } from '../../model/declared.ts';
import { hubNameOf, isHubName } from '../../model/hub-name.ts';
import type { FeedFacts } from '../../ports/change-feed.ts';
import type { Connected } from '../connect/connect.ts';
import { connectEvents } from '../connect/connect-events.ts';
import { formatTime } from '../render/cost-text.ts';
import { attempt, ok, type Finding } from '../render/finding.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';

interface Patient {
  readonly world: World;
  readonly declaredHub: DeclaredHub;
  readonly connected: Connected;
  /** Daily messages that one pass costs. */
  readonly passMessages: number;
}

const CHECK = 'change events';

export async function checkEvents({ world, declaredHub, connected, passMessages }: Patient): Promise<Finding> {
  const { events, budget } = declaredHub;
  if (events === undefined) {
    const periodMs = affordablePeriodMs(RESYNC_PERIOD_MS, passMessages, connected.capacity, budget);
    const every = formatTime(periodMs / 1_000).replace('about ', '');
    const message = `none are declared: changes by others are found by the next pass, by default every ${every}`;
    return { ...ok(CHECK, message), fix: DECLARE_FIX };
  }
  const probed = await attempt(async () => {
    const feed = await connectEvents(events, world);
    return feed.probe(world.interrupted);
  });
  if ('value' in probed) return judge(probed.value, connected.hostName);
  const { code, message } = probed.error;
  return { check: CHECK, verdict: 'failed', message, code, fix: CREDENTIAL_FIX };
}

const DECLARE_FIX =
  'To find them at once, add `events: {secretRef: {env: NAME}}` into the Hub: see "Change events" in docs/hub-sign-in.md.';
const CREDENTIAL_FIX =
  "It needs the connection string of this hub's built-in endpoint, Event Hubs-compatible, with service connect: see docs/hub-sign-in.md.";
const ROUTE_FIX =
  'If twins were changed lately, there is no route: create one with the source TwinChangeEvents, the condition true and the endpoint ' +
  'events, and another one with the source DeviceLifecycleEvents.';
const LIFECYCLE_FIX =
  'If devices were created or deleted lately, create a route with the source DeviceLifecycleEvents, the condition true and the endpoint events.';

/** Without writing, only the stored events can show whether a route exists. */
function judge({ events, hubNames, twinChangeAtMs, lifecycleAtMs }: FeedFacts, hostName: string): Finding {
  const others = [...hubNames].filter((name) => !isHubName(name, hostName));
  if (others.length > 0 && others.length === hubNames.size) {
    const message = `the endpoint has events of ${others.join(', ')}, not of ${hubNameOf(hostName)}`;
    return { check: CHECK, verdict: 'failed', message, fix: CREDENTIAL_FIX };
  }
  if (twinChangeAtMs === undefined) {
    const among = events === 0 ? 'it has no event' : `none of the last ${countOf(events, 'event')} is of a twin`;
    return { check: CHECK, verdict: 'warning', message: `the endpoint answers; ${among}`, fix: ROUTE_FIX };
  }
  const last = `the last change of a twin is of ${new Date(twinChangeAtMs).toISOString()}`;
  if (lifecycleAtMs === undefined)
    return { ...ok(CHECK, `${last}; no device was created or deleted`), fix: LIFECYCLE_FIX };
  return ok(CHECK, `${last}; events of created and deleted devices arrive too`);
}
