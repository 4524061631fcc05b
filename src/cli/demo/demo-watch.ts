// The demo after it has converged: the controller runs, and what happens is told in a line each.
import { startController, type Controller } from '../../controller/controller.ts';
import { eventMessage } from '../../controller/status/event-text.ts';
import type { ControllerStatus, FleetCounts } from '../../controller/status/status.ts';
import type { DeclaredHub } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import { REASONS } from '../../model/action.ts';
import { isWriteEvent, type TwinWritten } from '../../model/event.ts';
import { connectHub } from '../connect/connect.ts';
import { DEMO_HOST_NAME } from '../input/defaults.ts';
import { holderName } from '../connect/identity.ts';
import { aborted } from '../interruption.ts';
import { sourceOf, type SourceOptions } from '../input/manifests.ts';
import { NO_METRICS, SILENT_LOG } from '../connect/plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import { stateCounts } from '../render/standing.ts';
import { createStyle, type Style } from '../render/style.ts';
import { countOf, formatCount } from '../render/table.ts';
import type { World } from '../world.ts';

export interface WatchOptions {
  readonly paths: readonly string[];
  readonly devices: number;
  readonly instance: string;
}

/** How often the fleet is compared: short, so that hand edits are seen at once; longer for large fleets. */
const RESYNC_MS_MIN = 1_500;
const RESYNC_MS_PER_DEVICE = 3;
const REDRAW_MS = 250;
/** Redraws that a growing list of events is waited for. */
const TICKS_MAX = 8;
/** So many events of one kind are told one by one, more of them as a count. */
const SINGLE_EVENTS_MAX = 3;

/** Throws HubError for a hub that is not the demo's. */
export function requireDemoHub({ name, hostName }: DeclaredHub): void {
  if (hostName === undefined || hostName === DEMO_HOST_NAME) return;
  throw new HubError(
    'Invalid',
    `The demo only works on its own hub, ${DEMO_HOST_NAME}; the manifests have hub ${name}, ${hostName}. ` +
      'For that one use `twinward plan` and `twinward apply`.',
  );
}

/** Resolves once the controller has ended after an interruption. */
export async function watchDemo(world: World, source: SourceOptions, options: WatchOptions): Promise<void> {
  const { clock, random, interrupted } = world;
  const style = createStyle(world.env, world.out);
  const events: TwinWritten[] = [];
  const controller = startController({
    source: sourceOf(world, source),
    connect: (hub) => {
      requireDemoHub(hub);
      return connectHub(hub, { ...world, metrics: NO_METRICS, hubCount: 1 });
    },
    recorder: {
      record: (event) => {
        if (isWriteEvent(event)) events.push(event);
      },
    },
    clock,
    random,
    log: SILENT_LOG,
    metrics: NO_METRICS,
    instance: options.instance,
    holder: holderName(world),
    resyncPeriodMs: Math.max(RESYNC_MS_MIN, options.devices * RESYNC_MS_PER_DEVICE),
  });
  world.out.write(`${style.dim('watch'.padEnd(8))}${options.paths.join(' ')} and the hub; Ctrl-C ends it\n`);
  const teller = createTeller(world, controller, events, style);
  await aborted(interrupted);
  teller.stop();
  await controller.stop();
}

function createTeller(
  world: World,
  controller: Controller,
  events: TwinWritten[],
  style: Style,
): { readonly stop: () => void } {
  const { clock, out } = world;
  const progress = createProgress(world);
  let told = '';
  let toldHeld = '';
  let isAgentsNews = false;
  let seen = 0;
  let ticks = 0;
  let cancel = schedule();

  function schedule(): () => void {
    return clock.schedule(REDRAW_MS, () => {
      const status = controller.status();
      tellSource(status);
      tellEvents();
      tellHeld(status);
      tellAgents(status);
      progress.show(standingText(status));
      cancel = schedule();
    });
  }

  function say(text: string): void {
    progress.clear();
    out.write(`${style.dim(new Date(clock.now()).toISOString().slice(11, 19))}  ${text}\n`);
  }

  /** Waits while more of them come, so that one change is one line; not for ever. */
  function tellEvents(): void {
    const isGrowing = events.length > seen && ticks < TICKS_MAX;
    seen = events.length;
    ticks = isGrowing ? ticks + 1 : 0;
    if (isGrowing) return;
    seen = 0;
    for (const [reason, list] of Map.groupBy(events.splice(0), (event) => event.reason)) {
      if (list.length > SINGLE_EVENTS_MAX) say(`${reason}  ${countOf(list.length, 'twin')} written`);
      else for (const event of list) say(`${reason}  ${event.deviceId}/${event.moduleId}  ${eventMessage(event)}`);
      isAgentsNews = true;
    }
  }

  function tellSource({ source, conditions }: ControllerStatus): void {
    const condition = conditions.find(({ type }) => type === 'SourceReady');
    if (condition === undefined || condition.message === told || condition.status === 'Unknown') return;
    const isFirst = told === '';
    told = condition.message;
    if (condition.status === 'False') say(style.red(condition.message));
    else if (!isFirst) say(`manifests loaded: ${source.lastAppliedRevision ?? ''}`);
  }

  /** Each time that other twins are held, or for another reason: nothing but a person can go on there. */
  function tellHeld({ hubs }: ControllerStatus): void {
    if (hubs.some(({ pending }) => pending > 0)) return;
    const held = hubs.flatMap(({ offenders }) => offenders.filter(({ reason }) => isHoldReason(reason)));
    const count = hubs.reduce((sum, { counts }) => sum + counts.actions.Hold, 0);
    const text = JSON.stringify([count, held]);
    if (text === toldHeld || (count === 0 && toldHeld === '')) return;
    toldHeld = text;
    if (count === 0) return say('nothing is held any more');
    say(
      `${style.yellow('HELD')}  ${countOf(count, 'twin')}; nothing is written to them. npx twinward status tells more`,
    );
    const alike = Map.groupBy(held, ({ reason, detail = '' }) => `${reason}: ${detail}`);
    for (const [why, twins] of [...alike].slice(0, SINGLE_EVENTS_MAX)) {
      const names = twins.slice(0, SINGLE_EVENTS_MAX).map(({ deviceId, moduleId }) => `${deviceId}/${moduleId}`);
      say(`      ${names.join(' ')}${twins.length > names.length ? ' ...' : ''}  ${why}`);
    }
  }

  /** Once after each change, when every agent that is online has answered. */
  function tellAgents({ hubs }: ControllerStatus): void {
    const isSettled = hubs.every(({ pending, counts }) => pending === 0 && counts.acknowledgements.Written === 0);
    if (!isAgentsNews || events.length > 0 || !isSettled) return;
    isAgentsNews = false;
    say(style.dim(hubs.map(({ counts }) => countsText(counts)).join('; ')));
  }

  return {
    stop: () => {
      cancel();
      progress.clear();
    },
  };
}

function standingText({ hubs }: ControllerStatus): string {
  return hubs
    .map(({ counts, pending }) => `${countsText(counts)}${pending === 0 ? '' : `, ${pending} to look at`}`)
    .join('; ');
}

/** Twins that are not in sync, in words; the others by what their agent says. */
const WORDS: Readonly<Record<string, string>> = {
  Patch: 'to write',
  Record: 'to record',
  Create: 'to create',
  Observe: 'left different',
  Wait: 'without module',
  Keep: 'kept',
  Hold: 'held',
};

function countsText(counts: FleetCounts): string {
  return stateCounts(counts)
    .map(([state, count]) => `${formatCount(count)} ${WORDS[state] ?? state}`)
    .join(', ');
}

function isHoldReason(reason: string): boolean {
  return (REASONS.Hold as readonly string[]).includes(reason);
}
