// `twinward import`: writes manifests for an unmanaged fleet, which change nothing.
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { costOf } from '../../controller/budget/cost.ts';
import { keyOf } from '../../model/twin-key.ts';
import { loadManifests } from '../../manifest/load.ts';
import type { Declared, DeclaredHub } from '../../model/declared.ts';
import { hubNameOf } from '../../model/hub-name.ts';
import { closest } from '../../model/similarity.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { DeviceFacts, Twin } from '../../model/twin.ts';
import { managingInstances } from '../../plan/record/managing-instances.ts';
import { NO_CALLS } from '../../plan/report/call-count.ts';
import { adoptFleet, type Fleet, type ImportSource } from '../import/adopt-fleet.ts';
import { readCostText } from '../render/cost-text.ts';
import { confirm } from '../render/confirm.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { makeFolder } from '../input/make-folder.ts';
import type { ImportedFile, ImportedHub } from '../import/import-manifests.ts';
import { importText, importFields } from '../import/import-text.ts';
import { DEFAULT_PATH, InvalidManifests, pathsOf, readManifests, type SourceOptions } from '../input/manifests.ts';
import { withHubs, type HubChoice, type HubSession } from '../connect/plan-hub.ts';
import { createProgress } from '../render/progress.ts';
import { writeDiagnostics, writeDocument, type Format } from '../render/report.ts';
import { createStyle } from '../render/style.ts';
import { countOf } from '../render/table.ts';
import { countOthers } from '../render/count-devices.ts';
import { isReserved } from '../../model/reserved-device.ts';
import { groupingTags } from '../../plan/import/grouping-tags.ts';
import type { World } from '../world.ts';

export interface ImportOptions extends SourceOptions, HubChoice {
  readonly output: Format;
  /** Device tags to group twins by. */
  readonly groupBy: readonly string[];
  readonly out: string;
  readonly yes?: boolean;
}

export async function importFleet(world: World, options: ImportOptions): Promise<ExitCode> {
  requireRoom(options.out);
  const source = await readSource(world, options);
  const hub = chooseHub(source.declared, options.hub);
  let code: ExitCode = EXIT.Failed;
  await withHubs(world, source.declared, { ...options, hub: hub.name }, async (session) => {
    if (!(await isWanted(world, session, options))) return;
    const fleet = await readFleet(world, source.declared, session, options.groupBy);
    const imported: ImportedHub = {
      name: hub.origin === undefined ? hubNameOf(session.hostName) : hub.name,
      hostName: session.hostName,
      isNew: hub.origin === undefined,
      isOneOfSeveral: source.declared.hubs.length > 1,
    };
    const { adoption, files, hint } = adoptFleet(fleet, source, imported, { ...options, nowMs: world.clock.now() });
    writeFiles(options.out, files);
    const fleetCounts = { devices: fleet.devices.size, twins: fleet.twins.length };
    const { out, file = [] } = options;
    const managed = managingInstances(fleet.twins);
    const given = { hub: imported, fleet: fleetCounts, managed, instance: options.instance, files, out, file, hint };
    if (options.output === 'json') writeDocument(world, 'Import', importFields(adoption, given));
    else world.out.write(importText(adoption, given, createStyle(world.env, world.out)));
    code = world.interrupted.aborted ? EXIT.Interrupted : EXIT.Ok;
  });
  return code;
}

function requireRoom(out: string): void {
  if (!existsSync(out)) return;
  if (!statSync(out).isDirectory()) {
    throw new CliFailure(EXIT.Failed, `${out} is a file.`, 'Name a folder with --out.');
  }
  if (readdirSync(out).length === 0) return;
  throw new CliFailure(EXIT.Failed, `${out} already exists and is not empty.`, 'Name another folder with --out.');
}

/** Accepts hubs and profiles; without a folder of manifests, uses the hub of the environment. */
async function readSource(world: World, options: ImportOptions): Promise<ImportSource> {
  const isFirst = pathsOf(world, options.file).join('') === DEFAULT_PATH && !existsSync(DEFAULT_PATH);
  const nothing: Snapshot = { revision: 'sha256:none', files: [], partial: false };
  const { snapshot, loaded } = isFirst
    ? { snapshot: nothing, loaded: loadManifests(nothing) }
    : await readManifests(world, options);
  const { declared } = loaded;
  if (declared === undefined) {
    writeDiagnostics(world, loaded.diagnostics);
    throw new InvalidManifests(loaded);
  }
  if (declared.configurations.length > 0) {
    throw new CliFailure(
      EXIT.Failed,
      `The manifests have ${countOf(declared.configurations.length, 'configuration')} already: import writes the first ones.`,
      'Give it only the Hub and the AgentProfiles, with -f.',
    );
  }
  return { snapshot, declared };
}

function chooseHub({ hubs }: Declared, name: string | undefined): DeclaredHub {
  const chosen = hubs.filter((hub) => name === undefined || hub.name === name);
  const [hub] = chosen;
  if (hub !== undefined && chosen.length === 1) return hub;
  const known = hubs.map((one) => one.name).join(', ');
  throw new CliFailure(EXIT.Failed, 'One hub is imported at a time.', `Choose with --hub: ${known}.`);
}

/** Estimated bytes of the listed rows, and rows per page. */
const DEVICE_ROW_BYTES = 700;
const TWIN_ROW_BYTES = 2_500;
const PAGE_ROWS = 100;
const MESSAGE_BYTES = 4_096;

async function isWanted(world: World, session: HubSession, { yes, snapshot }: ImportOptions): Promise<boolean> {
  if (snapshot !== undefined) return true;
  const devices = await countOthers(session.hub, session.planner.instance, world.interrupted);
  const messages = Math.ceil((devices * (DEVICE_ROW_BYTES + TWIN_ROW_BYTES)) / MESSAGE_BYTES);
  const queries = 2 * Math.max(1, Math.ceil(devices / PAGE_ROWS));
  const cost = costOf({ ...NO_CALLS, messages }, { capacity: session.capacity, budget: session.declaredHub.budget });
  world.err.write(
    `Reading ${countOf(devices, 'device')} and their modules: ${readCostText(queries, cost)}. Nothing is written.\n`,
  );
  if (yes === true) return true;
  return confirm(world, 'Read them?', { hint: 'Use --yes to read.' });
}

/** Fails if there is nothing to import, or nothing to group by. */
async function readFleet(
  world: World,
  { profiles }: Declared,
  session: HubSession,
  groupBy: readonly string[],
): Promise<Fleet> {
  const { interrupted } = world;
  const { hub, declaredHub, hostName } = session;
  const moduleIds = [...new Set([...profiles.values()].map(({ moduleId }) => moduleId))].filter((id) => id !== '');
  const progress = createProgress(world);
  const devices = new Map<string, DeviceFacts>();
  const twins = new Map<string, Twin & { readonly moduleId: string }>();
  try {
    for await (const page of hub.listDevices(interrupted)) {
      for (const device of page) if (!isReserved(device)) devices.set(device.deviceId, device);
      progress.show(`reading ${declaredHub.name}: ${countOf(devices.size, 'device')}`);
    }
    requireTags(devices, groupBy, hostName);
    for await (const page of hub.listModuleTwins(moduleIds.toSorted(), interrupted)) {
      for (const { deviceId, moduleId, etag, tags, properties } of page) {
        if (moduleId === undefined || !moduleIds.includes(moduleId) || !devices.has(deviceId)) continue;
        const kept = { desired: properties.desired, reported: {} };
        const marks = tags === undefined ? {} : { tags };
        twins.set(keyOf(deviceId, moduleId), { deviceId, moduleId, etag, ...marks, properties: kept });
      }
      progress.show(`reading ${declaredHub.name}: ${countOf(twins.size, 'twin')}`);
    }
  } finally {
    progress.clear();
  }
  if (twins.size === 0) {
    throw new CliFailure(
      EXIT.Failed,
      `No device of hub ${hostName} (${countOf(devices.size, 'device')}) has a security module that a profile knows.`,
      `Known: ${moduleIds.toSorted().join(', ')}. For another module give its AgentProfile with -f.`,
    );
  }
  return { devices, twins: [...twins.values()] };
}

const TAGS_SHOWN_MAX = 20;

function requireTags(devices: ReadonlyMap<string, DeviceFacts>, groupBy: readonly string[], hostName: string): void {
  const known = groupingTags(devices.values());
  const unknown = groupBy.find((tag) => !known.has(tag));
  if (unknown === undefined || devices.size === 0) return;
  const meant = closest(unknown, known);
  const names = [...known].toSorted();
  const more = names.length > TAGS_SHOWN_MAX ? `, and ${names.length - TAGS_SHOWN_MAX} more` : '';
  throw new CliFailure(
    EXIT.Failed,
    `No device of hub ${hostName} has a tag "${unknown}" to group by.`,
    meant !== undefined
      ? `Did you mean --group-by ${meant}?`
      : names.length === 0
        ? 'No device has a tag: omit --group-by.'
        : `They have: ${names.slice(0, TAGS_SHOWN_MAX).join(', ')}${more}.`,
  );
}

const FOLDER_MODE = 0o755;

function writeFiles(out: string, files: readonly ImportedFile[]): void {
  makeFolder(out, FOLDER_MODE);
  try {
    for (const { path, text } of files) writeFileSync(join(out, path), text, { flag: 'wx' });
  } catch (error) {
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    throw new CliFailure(
      EXIT.Failed,
      `The manifests can not be written to ${out} (${code}).`,
      'Name another folder with --out.',
    );
  }
}
