// Imports a fleet of 10,000 devices with 50 hidden variants, and a few outliers.
import { importedFiles } from '../src/cli/import/import-manifests.ts';
import { loadManifests } from '../src/manifest/load.ts';
import { invariant } from '../src/model/errors.ts';
import type { JsonObject } from '../src/model/json.ts';
import { createSeededRandom } from '../src/model/seeded-random.ts';
import { etagOfCounter, type Twin } from '../src/model/twin.ts';
import { countOutliers } from '../src/plan/import/grouping-tags.ts';
import { adopt, type FoundTwin } from '../src/plan/import/adoption.ts';
import { builtinProfiles } from '../src/profile/builtin.ts';
import { plannerFor, SEED, START_MS } from './fleet.ts';
import { exactly, note, type Figure } from './measure.ts';

const DEVICES = 10_000;
const SITES = ['lyon', 'porto', 'gdansk', 'oslo', 'turin'];
const HARDWARE = ['atm', 'atm2', 'gate', 'kiosk', 'till', 'safe', 'vault', 'desk', 'lift', 'door'];
const VARIANTS = SITES.length * HARDWARE.length;
/** One device in this many has been changed by hand. */
const TAMPERED_EACH = 100;
const FREQUENCIES = ['Low', 'Medium', 'High'];
const MODULE_ID = 'DefenderIotMicroAgent';

interface Found extends FoundTwin {
  readonly isTampered: boolean;
}

/** Each site and kind of hardware has settings of its own; hands spell lists in their own way, and leave things behind. */
function fleetOf(devices: number): Found[] {
  const random = createSeededRandom(SEED);
  return Array.from({ length: devices }, (_, index) => {
    const variant = index % VARIANTS;
    const site = SITES[variant % SITES.length] ?? '';
    const hw = HARDWARE[Math.floor(variant / SITES.length)] ?? '';
    const isTampered = index % TAMPERED_EACH === 0;
    const desired: JsonObject = {
      Process_MessageFrequency: FREQUENCIES[variant % 3] ?? '',
      Login_Disabled: variant % 2 === 0,
      NetworkActivity_Devices: random.next() < 0.5 ? `eth0,wlan${variant}` : `wlan${variant}, eth0`,
      FileSystem_Paths: `/opt/${hw}`,
      ...(isTampered ? { Peripheral_MessageFrequency: 'High' } : {}),
      ...(random.next() < 0.3 ? { appTeam: { channel: 'stable', token: `secret-${index}` } } : {}),
    };
    const device = { deviceId: `d${index}`, status: 'enabled', iotEdge: false, tags: { site, hw, env: 'prod' } };
    return { device, moduleId: MODULE_ID, desired, isTampered };
  });
}

export function benchImport(): Promise<readonly Figure[]> {
  const fleet = fleetOf(DEVICES);
  const startedAtMs = performance.now();
  const adoption = adopt(fleet, builtinProfiles().values(), ['site', 'hw']);
  const hub = { name: 'bench', hostName: 'bench.azure-devices.net', isNew: true, isOneOfSeveral: false };
  const files = importedFiles(adoption, hub, 'Enforce');
  const adoptedMs = performance.now() - startedAtMs;
  const [profile] = adoption.profiles;
  invariant(profile !== undefined, 'the fleet has one profile');
  const text = files.map((file) => file.text).join('');
  return Promise.resolve([
    note('devices, time to group and write them', `${DEVICES}, ${Math.round(adoptedMs)} ms`),
    exactly('groups found of the hidden variants', profile.groups.length, VARIANTS),
    exactly('outliers found', countOutliers(adoption), fleet.filter(({ isTampered }) => isTampered).length),
    exactly('secrets in the manifests', text.includes('secret-') ? 1 : 0, 0),
    exactly('desired properties that would change', countChanged(fleet, files), 0),
    note('lines of YAML', String(text.split('\n').length)),
  ]);
}

function countChanged(fleet: readonly Found[], files: ReturnType<typeof importedFiles>): number {
  const bytes = files.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
  const { declared, diagnostics } = loadManifests({ revision: 'sha256:import', files: bytes, partial: false });
  invariant(declared !== undefined, `the manifests are good: ${JSON.stringify(diagnostics[0])}`);
  const planner = plannerFor(declared);
  return fleet.filter(({ device, desired }) => {
    const { deviceId } = device;
    const properties = { desired, reported: {} };
    const twin: Twin = { deviceId, moduleId: MODULE_ID, etag: etagOfCounter(2n), properties };
    const { type, reason } = planner.plan(planner.targetFor(device, MODULE_ID), device, twin, START_MS);
    return type !== 'Record' || reason !== 'Adopted';
  }).length;
}
