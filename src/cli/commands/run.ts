// `twinward run`: runs the controller, as in a container.
import { startController, type Controller } from '../../controller/controller.ts';
import { eventMessage } from '../../controller/status/event-text.ts';
import { RecentEvents } from '../../controller/status/recent-events.ts';
import { sampledLog } from '../../controller/queue/sampled-log.ts';
import { jsonLog } from '../../adapters/json-log.ts';
import type { Log } from '../../ports/log.ts';
import { REASONS } from '../../model/action.ts';
import { eventType, isWriteEvent, type ControllerEvent } from '../../model/event.ts';
import { prometheusMetrics } from '../../adapters/prometheus-metrics.ts';
import { connectHub } from '../connect/connect.ts';
import { connectEvents } from '../connect/connect-events.ts';
import { parseDurationMs } from '../input/duration.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { listen } from '../../server/listen.ts';
import { controllerApp } from '../../server/routes.ts';
import { holderName } from '../connect/identity.ts';
import { aborted } from '../interruption.ts';
import { sourceOf, type SourceOptions } from '../input/manifests.ts';
import type { World } from '../world.ts';
import { readVersion } from './version.ts';

export interface RunOptions extends SourceOptions {
  readonly instance: string;
  /** `5m`, `30s`. */
  readonly resyncPeriod: string;
  /** `127.0.0.1:8080`. */
  readonly bindAddress: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logEncoding: 'json' | 'console';
}

/** Resolves once everything is released after SIGTERM or SIGINT: calls in flight have ten seconds. */
export async function run(world: World, options: RunOptions): Promise<ExitCode> {
  const { clock, random, interrupted } = world;
  const log = jsonLog({
    level: options.logLevel,
    encoding: options.logEncoding,
    clock,
    write: (text) => world.err.write(text),
  });
  const metrics = prometheusMetrics();
  const resyncPeriodMs = parsePeriod(options.resyncPeriod);
  const events = new RecentEvents(clock);
  const sampled = sampledLog(log, clock);
  let isReady = false;
  let controller: Controller | undefined;
  const server = await listen(
    controllerApp({
      isReady: () => isReady,
      metricsText: () => metrics.text(),
      metricsType: metrics.contentType,
      status: () => controller?.status(),
      events,
    }),
    options.bindAddress,
  );
  log.info('Starting', { version: readVersion(), instance: options.instance, port: server.port });
  let hubCount = 1;
  controller = startController({
    source: sourceOf(world, options),
    connect: (hub) => connectHub(hub, { ...world, metrics, hubCount }),
    connectFeed: (events) => connectEvents(events, world),
    onDeclared: (declared) => {
      hubCount = declared.hubs.length;
    },
    clock,
    random,
    log,
    metrics,
    recorder: {
      record: (event) => {
        events.record(event);
        logEvent(log, sampled, event);
        sampled.reportOmitted();
      },
    },
    instance: options.instance,
    holder: holderName(world),
    resyncPeriodMs,
  });
  void controller.ready.then(() => {
    isReady = true;
    log.info('Ready');
  });
  await aborted(interrupted);
  log.info('Stopping');
  await controller.stop();
  sampled.reportAllOmitted();
  await server.close();
  log.info('Stopped');
  return EXIT.Ok;
}

/**
 * Each correction of drift is logged; the writes of a change for a whole fleet only at level debug, and warnings of twins
 * are sampled. Events of a hub or the source are in the log already, and so is what is held.
 */
function logEvent(log: Log, sampled: Log, event: ControllerEvent): void {
  const { hub, deviceId, moduleId, reason } = event;
  if (deviceId === undefined) return;
  const message = eventMessage(event);
  const fields = { hub, device: deviceId, module: moduleId, reason };
  if (reason === 'Drift') log.info('Drift corrected', { ...fields, changes: message });
  else if (isWriteEvent(event)) log.debug('Twin written', { ...fields, changes: message });
  else if (eventType(event) === 'Warning' && !HOLDS.has(reason))
    sampled.warn('Twin needs attention', { ...fields, message });
  else log.debug('Twin event', { ...fields, message });
}

const HOLDS: ReadonlySet<string> = new Set(REASONS.Hold);

const PERIOD_MS_MIN = 500;

function parsePeriod(text: string): number {
  const periodMs = parseDurationMs(text);
  if (periodMs !== undefined && periodMs >= PERIOD_MS_MIN) return periodMs;
  throw new CliFailure(
    EXIT.Failed,
    `"${text}" is not a period of at least half a second.`,
    'Write it as 30s, 5m or 1h.',
  );
}
