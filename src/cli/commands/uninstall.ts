// `twinward uninstall`: removes this installation's state from a hub, and keeps every setting.
import { orMissing } from '../../controller/queue/optional-read.ts';
import { removeRecords, type UninstallReport } from '../../controller/once/uninstall.ts';
import { HubError } from '../../model/errors.ts';
import { reservedDeviceId } from '../../model/reserved-device.ts';
import { confirm } from '../render/confirm.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { withLease } from '../connect/lease.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { NO_METRICS, withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { createProgress, progressBar } from '../render/progress.ts';
import { writeDocument, type Format } from '../render/report.ts';
import { countOf, firstLines } from '../render/table.ts';
import type { World } from '../world.ts';

export interface UninstallOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  readonly yes?: boolean;
  /** Takes the lease from its holder. */
  readonly force?: boolean;
}

export async function uninstall(world: World, options: UninstallOptions): Promise<ExitCode> {
  if (options.hub === undefined) {
    throw new CliFailure(EXIT.Failed, 'Name the hub with --hub NAME, as in the manifests.');
  }
  const declared = await readDeclared(world, options, options.output, 'errors');
  let isDone = false;
  await withHubs(world, declared, options, async (session) => {
    requireWritable(session);
    if (options.yes !== true && !(await isWanted(world, session))) return;
    const wish = { kind: 'uninstall', force: options.force, besideSame: false } as const;
    const report = await withLease(world, session, wish, (leased, signal) => leave(world, leased, signal));
    isDone = report.left.length === 0;
    const { name } = session.declaredHub;
    if (options.output === 'json') writeDocument(world, 'Uninstall', { hub: name, ...report });
    else world.out.write(reportText(name, options.instance, report));
  });
  if (world.interrupted.aborted) return EXIT.Interrupted;
  return isDone ? EXIT.Ok : EXIT.Failed;
}

function requireWritable({ mode, declaredHub: { name } }: HubSession): void {
  if (mode !== 'Observe') return;
  throw new CliFailure(
    EXIT.Held,
    `Hub ${name} is only observed: Twinward writes nothing there.`,
    'To remove the records, set `mode: Enforce` on the Hub, and remove its configurations from the source first.',
  );
}

async function isWanted(world: World, { declaredHub, planner }: HubSession): Promise<boolean> {
  const what = `every record of instance "${planner.instance}" and its device ${reservedDeviceId(planner.instance)}`;
  return confirm(world, `Remove ${what} from hub ${declaredHub.name}? Settings stay.`, {
    so: ', and nothing was removed',
    hint: 'Use --yes to remove.',
  });
}

/** Deletes the device last, and only once no record is left: it holds the lease and the suspensions. */
async function leave(world: World, session: HubSession, signal: AbortSignal): Promise<UninstallReport> {
  const { clock, random } = world;
  const { hub, declaredHub, planner } = session;
  const { instance } = planner;
  const progress = createProgress(world);
  const startedAtMs = clock.now();
  try {
    const report = await removeRecords({
      hub,
      hubName: declaredHub.name,
      instance,
      clock,
      random,
      metrics: NO_METRICS,
      signal,
      onProgress: ({ done, total }) => progress.show(`records ${progressBar(done, total, startedAtMs, clock)}`),
    });
    if (report.left.length === 0 && !signal.aborted) await removeDevice(session, signal);
    return report;
  } finally {
    progress.clear();
  }
}

async function removeDevice({ directHub, planner }: HubSession, signal: AbortSignal): Promise<void> {
  const deviceId = reservedDeviceId(planner.instance);
  const twin = await orMissing(directHub.getDeviceTwin(deviceId, signal));
  if (twin === undefined) return;
  if (twin.status !== 'disabled') {
    throw new HubError(
      'Invalid',
      `The device ${deviceId} is enabled, so it may be in use and stays. If it is not, disable it and run this again.`,
    );
  }
  await directHub.deleteDevice(deviceId, signal);
}

function reportText(name: string, instance: string, { removed, left }: UninstallReport): string {
  const head = `${name}   ${countOf(removed, 'record')} of instance ${instance} removed, every setting left as it was`;
  const lines = [
    left.length === 0 ? `${head}; its device is deleted` : `${head}; run it again for those that are left`,
    ...firstLines(left.map(({ ref, why }) => `  left  ${ref.deviceId}/${ref.moduleId}  ${why}`)),
  ];
  return `${lines.join('\n')}\n`;
}
