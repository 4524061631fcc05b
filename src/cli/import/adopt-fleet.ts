// Turns the twins of a fleet into manifests, and proves on these twins that they change nothing.
import { loadedAt } from '../../manifest/expiry.ts';
import { loadManifests, type Loaded } from '../../manifest/load.ts';
import type { Declared, Mode } from '../../model/declared.ts';
import { invariant } from '../../model/errors.ts';
import { getPath, isObject } from '../../model/json.ts';
import type { Snapshot } from '../../model/snapshot.ts';
import type { DeviceFacts, Twin } from '../../model/twin.ts';
import { betterTag, countOutliers } from '../../plan/import/grouping-tags.ts';
import { adopt, type Adoption } from '../../plan/import/adoption.ts';
import { createPlanner } from '../../plan/planner.ts';
import { EXIT } from '../exit-code.ts';
import { CliFailure } from '../failure.ts';
import { importedFiles, type ImportedFile, type ImportedHub } from './import-manifests.ts';

export interface ImportSource {
  /** Only hubs and profiles. */
  readonly snapshot: Snapshot;
  readonly declared: Declared;
}

export interface Fleet {
  readonly devices: ReadonlyMap<string, DeviceFacts>;
  readonly twins: readonly (Twin & { readonly moduleId: string })[];
}

export interface AdoptOptions {
  /** Device tags. */
  readonly groupBy: readonly string[];
  readonly instance: string;
  readonly nowMs: number;
}

export interface Adopted {
  readonly adoption: Adoption;
  readonly files: readonly ImportedFile[];
  /** A tag that leaves far fewer devices unlike their group. */
  readonly hint: ReturnType<typeof betterTag>;
}

/** Rounds of excluding devices until the rest plans to no change. */
const ROUNDS_MAX = 4;
/** Share of outliers from which it searches for another tag. */
const OUTLIERS_SHARE_MANY = 0.05;

/** Proves its result before it is written: enforced on these twins it would change no desired property. */
export function adoptFleet(
  fleet: Fleet,
  source: ImportSource,
  hub: ImportedHub,
  { groupBy, instance, nowMs }: AdoptOptions,
): Adopted {
  const found = fleet.twins.map(({ deviceId, moduleId, properties: { desired } }) => ({
    device: deviceOf(fleet, deviceId),
    moduleId,
    desired,
  }));
  const leaveOut = new Set(
    found.filter(({ device }) => isUngroupable(device, groupBy)).map(({ device }) => device.deviceId),
  );
  for (let round = 1; round <= ROUNDS_MAX; round += 1) {
    const adoption = adopt(found, source.declared.profiles.values(), groupBy, leaveOut);
    const wrong = devicesThatChange(fleet, source, importedFiles(adoption, hub, 'Enforce'), hub, instance, nowMs);
    if (wrong.length === 0) {
      const files = importedFiles(adoption, hub, 'Observe');
      const outliers = countOutliers(adoption);
      const isWorthAsking = outliers > 0 && outliers >= found.length * OUTLIERS_SHARE_MANY;
      const profiles = [...source.declared.profiles.values()];
      return { adoption, files, hint: isWorthAsking ? betterTag(found, profiles, adoption, outliers) : undefined };
    }
    for (const deviceId of wrong) leaveOut.add(deviceId);
  }
  throw new CliFailure(EXIT.Failed, 'Import found no manifests that change nothing. Please report this as a bug.');
}

function deviceOf({ devices }: Fleet, deviceId: string): DeviceFacts {
  const device = devices.get(deviceId);
  invariant(device !== undefined, 'only twins of listed devices are kept');
  return device;
}

/** A selector can match a value, or that the tag is absent. */
function isUngroupable({ tags }: DeviceFacts, groupBy: readonly string[]): boolean {
  return groupBy.some((tag) => {
    const value = getPath(tags, tag.split('.'));
    return isObject(value) || Array.isArray(value);
  });
}

function devicesThatChange(
  fleet: Fleet,
  { snapshot }: ImportSource,
  files: readonly ImportedFile[],
  { name }: ImportedHub,
  instance: string,
  nowMs: number,
): string[] {
  const declared = declaredOf(loadedAt(loadManifests(withFiles(snapshot, files)), nowMs));
  const hub = declared.hubs.find((one) => one.name === name);
  invariant(hub !== undefined, 'the imported hub is in the manifests');
  const hubMode: Mode = 'Enforce';
  const planner = createPlanner(declared, { hub, hubMode, instance });
  return fleet.twins.flatMap((twin) => {
    const device = deviceOf(fleet, twin.deviceId);
    const { type } = planner.plan(planner.targetFor(device, twin.moduleId), device, twin, nowMs);
    return type === 'Equal' || type === 'Record' ? [] : [twin.deviceId];
  });
}

function withFiles(snapshot: Snapshot, files: readonly ImportedFile[]): Snapshot {
  const added = files.map(({ path, text }) => ({ path, bytes: new TextEncoder().encode(text) }));
  return { ...snapshot, partial: false, files: [...snapshot.files, ...added] };
}

function declaredOf({ declared, diagnostics }: Loaded): Declared {
  if (declared !== undefined) return declared;
  const first = diagnostics.find(({ severity }) => severity === 'error');
  const where = first === undefined ? '' : `: ${first.file}:${first.line} ${first.code} ${first.message}`;
  throw new CliFailure(EXIT.Failed, `The imported settings can not be declared${where}`, 'Please report this.');
}
