// `twinward snapshot`: writes the fleet to a file, without secrets, so that plans need no hub.
import { closeSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { snapshotLines, type SnapshotState } from '../../adapters/fleet-snapshot.ts';
import { keyOf } from '../../model/twin-key.ts';
import { unlessRefused } from '../../controller/queue/optional-read.ts';
import { createValueHiding } from '../../plan/report/hidden-values.ts';
import { isReserved } from '../../model/reserved-device.ts';
import type { Declared } from '../../model/declared.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { readDeclared, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import { countOf } from '../render/table.ts';
import type { World } from '../world.ts';

export interface SnapshotOptions extends SourceOptions, HubChoice {
  /** Standard output by default. */
  readonly out?: string;
}

type Write = (text: string) => void;

export async function snapshot(world: World, options: SnapshotOptions): Promise<ExitCode> {
  const declared = await readDeclared(world, options, 'text', 'errors');
  await into(world, options.out, async (write) => {
    await withHubs(world, declared, options, (session) => takeSnapshot(world, declared, session, write));
  });
  return EXIT.Ok;
}

/** A file is written whole or not at all. */
async function into({ out }: World, path: string | undefined, fill: (write: Write) => Promise<void>): Promise<void> {
  if (path === undefined) return fill((text) => out.write(text));
  const draft = `${path}.part`;
  const file = open(draft);
  try {
    await fill((text) => void writeSync(file, text));
  } catch (error) {
    closeSync(file);
    rmSync(draft, { force: true });
    throw error;
  }
  closeSync(file);
  renameSync(draft, path);
}

const PRIVATE_MODE = 0o600;

function open(path: string): number {
  try {
    return openSync(path, 'w', PRIVATE_MODE);
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new CliFailure(EXIT.Failed, `${path} can not be written (${code}).`);
  }
}

/** Includes twins of every module that some profile knows: a later plan may use other modules. */
async function takeSnapshot(world: World, { profiles }: Declared, session: HubSession, write: Write): Promise<void> {
  const { clock, err, interrupted } = world;
  const { declaredHub, hub, hostName, mode, capacity } = session;
  const progress = createProgress(world);
  const hide = createValueHiding(profiles);
  const moduleIds = [...new Set([...profiles.values()].map(({ moduleId }) => moduleId))].toSorted();
  let devices = 0;
  let reserved = 0;
  const seen = new Set<string>();
  write(snapshotLines.head({ hub: declaredHub.name, hostName, mode, capacity, takenAtMs: clock.now() }));
  write(snapshotLines.state(await readState(world, session)));
  try {
    for await (const page of hub.listDevices(interrupted)) {
      devices += page.length;
      reserved += page.filter((device) => isReserved(device)).length;
      write(page.map((device) => snapshotLines.device(device)).join(''));
      progress.show(`reading ${declaredHub.name}: ${countOf(devices, 'device')}`);
    }
    for await (const page of hub.listModuleTwins(moduleIds, interrupted)) {
      for (const twin of page) {
        if (twin.moduleId === undefined) continue;
        const key = keyOf(twin.deviceId, twin.moduleId);
        if (seen.has(key)) continue;
        seen.add(key);
        write(snapshotLines.twin(hide(twin)));
      }
      progress.show(`reading ${declaredHub.name}: ${countOf(seen.size, 'twin')}`);
    }
  } finally {
    progress.clear();
  }
  write(snapshotLines.end(devices, seen.size));
  err.write(`${declaredHub.name}   ${countOf(devices - reserved, 'device')}, ${countOf(seen.size, 'module twin')}\n`);
}

/** Omits the holder of the lease, because a plan does not depend on it. */
async function readState({ interrupted }: World, { hub, planner, reserved }: HubSession): Promise<SnapshotState> {
  const { suspensions, approved } = (await reserved.read(interrupted)).raw;
  return {
    instance: planner.instance,
    reserved: {
      ...(suspensions === undefined ? {} : { suspensions }),
      ...(approved === undefined ? {} : { approved }),
    },
    automatic: await unlessRefused(hub.listConfigurations(interrupted)),
    devicesCounted: await unlessRefused(hub.countDevices(interrupted)),
  };
}
