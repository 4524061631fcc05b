// The demo after convergence: runs the controller, and prints one line for each change.
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

/** The resync period: short, so that hand edits are corrected at once; longer for large fleets. */
const RESYNC_MS_MIN = 1_500;
const RESYNC_MS_PER_DEVICE = 3;
const REDRAW_MS = 250;
/** Redraws to wait while a list of events grows. */
const TICKS_MAX = 8;
/** Up to this many events of one kind are printed one by one, more as a count. */
const SINGLE_EVENTS_MAX = 3;

/** Throws HubError unless it is the demo's hub. */
export function requireDemoHub({ name, hostName }: DeclaredHub): void {
  if (hostName === undefined || hostName === DEMO_HOST_NAME) return;
  throw new HubError(
    'Invalid',
    `The demo only works on its own hub, ${DEMO_HOST_NAME}; the manifests have hub ${name}, ${hostName}. ` +
      'For that one use `twinward plan` and `twinward apply`.',
  );
}

/** Resolves once the controller has stopped after an interruption. */
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
  const printer = createPrinter(world, controller, events, style);
  await aborted(interrupted);
  printer.stop();
  await controller.stop();
}

function createPrinter(
  world: World,
  controller: Controller,
  events: TwinWritten[],
  style: Style,
): { readonly stop: () => void } {
  const { clock, out } = world;
  const progress = createProgress(world);
  let lastMessage = '';
  let lastHeld = '';
  let isAgentsNews = false;
  let seen = 0;
  let ticks = 0;
  let cancel = schedule();

  function schedule(): () => void {
    return clock.schedule(REDRAW_MS, () => {
      const status = controller.status();
      printSource(status);
      printEvents();
      printHeld(status);
      printAgents(status);
      progress.show(standingText(status));
      cancel = schedule();
    });
  }

  function say(text: string): void {
    progress.clear();
    out.write(`${style.dim(new Date(clock.now()).toISOString().slice(11, 19))}  ${text}\n`);
  }

  /** Waits while more events arrive, so that one change is one line; up to a limit. */
  function printEvents(): void {
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

  function printSource({ source, conditions }: ControllerStatus): void {
    const condition = conditions.find(({ type }) => type === 'SourceReady');
    if (condition === undefined || condition.message === lastMessage || condition.status === 'Unknown') return;
    const isFirst = lastMessage === '';
    lastMessage = condition.message;
    if (condition.status === 'False') say(style.red(condition.message));
    else if (!isFirst) say(`manifests loaded: ${source.lastAppliedRevision ?? ''}`);
  }

  /** Prints when other twins are held, or for another reason: only a person can release them. */
  function printHeld({ hubs }: ControllerStatus): void {
    if (hubs.some(({ pending }) => pending > 0)) return;
    const held = hubs.flatMap(({ offenders }) => offenders.filter(({ reason }) => isHoldReason(reason)));
    const count = hubs.reduce((sum, { counts }) => sum + counts.actions.Hold, 0);
    const text = JSON.stringify([count, held]);
    if (text === lastHeld || (count === 0 && lastHeld === '')) return;
    lastHeld = text;
    if (count === 0) return say('nothing is held any more');
    say(
      `${style.yellow('HELD')}  ${countOf(count, 'twin')}; nothing is written to them. npx twinward status shows more`,
    );
    const alike = Map.groupBy(held, ({ reason, detail = '' }) => `${reason}: ${detail}`);
    for (const [why, twins] of [...alike].slice(0, SINGLE_EVENTS_MAX)) {
      const names = twins.slice(0, SINGLE_EVENTS_MAX).map(({ deviceId, moduleId }) => `${deviceId}/${moduleId}`);
      say(`      ${names.join(' ')}${twins.length > names.length ? ' ...' : ''}  ${why}`);
    }
  }

  /** Prints once after each change, when every online agent has answered. */
  function printAgents({ hubs }: ControllerStatus): void {
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
    .map(({ counts, pending }) => `${countsText(counts)}${pending === 0 ? '' : `, ${pending} pending`}`)
    .join('; ');
}

/** Words for twins that are not in sync; the others show their acknowledgement. */
const WORDS: Readonly<Record<string, string>> = {
  Patch: 'to write',
  Record: 'to record',
  Create: 'to create',
  Observe: 'observed',
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
