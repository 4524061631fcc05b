// A fleet generated from a seed: devices, tags, agents, and leftovers from before Twinward.
import type { JsonObject } from '../../model/json.ts';
import { createSeededRandom, type SeededRandom } from '../../model/seeded-random.ts';
import type { AgentDescription, AgentKind } from '../agents/kinds.ts';
import { brownfieldTwin, type ModuleTwinSeed } from './brownfield.ts';

export interface FleetDevice {
  readonly deviceId: string;
  /** Of the device twin. */
  readonly tags: JsonObject;
  readonly agent: AgentDescription;
  readonly isOnline: boolean;
  /** False if the security module does not exist yet. */
  readonly hasModule: boolean;
  /** Initial content of the module twin; undefined for an empty one. */
  readonly moduleTwin: ModuleTwinSeed | undefined;
}

export interface FleetSummary {
  readonly devices: number;
  readonly byKind: Readonly<Record<AgentKind, number>>;
  readonly offline: number;
  readonly withoutModule: number;
  /** Module twins with initial content. */
  readonly brownfield: number;
  /** Online devices whose firmware refuses usbPolicy "audit", by name. */
  readonly rejecting: readonly string[];
}

export interface FleetPlan {
  readonly seed: number;
  readonly devices: readonly FleetDevice[];
  readonly summary: FleetSummary;
}

const LEGACY_SHARE = 0.42;
const LEGACY_CS_SHARE = 0.6;
const GUARD_SHARE = 0.08;
const OFFLINE_SHARE = 0.04;
const WITHOUT_MODULE_SHARE = 0.01;
const BROWNFIELD_SHARE = 0.25;
const PRODUCTION_SHARE = 0.85;
const REJECTING = 3;

const FIRMWARE = '2.0';
const REJECTING_FIRMWARE = '1.2';

type Weights = readonly (readonly [value: string, weight: number])[];

const SITES: Weights = [
  ['lyon', 40],
  ['porto', 25],
  ['gdansk', 35],
];
const RINGS: Weights = [
  ['0', 5],
  ['1', 15],
  ['2', 30],
  ['3', 50],
];
/** Hardware per agent kind: guards run only on kiosks. */
const HARDWARE: Readonly<Record<AgentKind, Weights>> = {
  'legacy-cs': [
    ['atm', 70],
    ['gate', 30],
  ],
  'legacy-c': [
    ['atm', 60],
    ['gate', 40],
  ],
  micro: [
    ['atm', 40],
    ['atm2', 40],
    ['gate', 20],
  ],
  osconfig: [['gate', 100]],
  'acme-guard': [['kiosk', 100]],
};

/** The same numbers always give the same plan. Shares are exact up to rounding; the rest are micro agents. */
export function buildFleet({ devices: count, seed }: { devices: number; seed: number }): FleetPlan {
  const random = createSeededRandom(seed);
  const kinds = shuffled(agentKinds(count), random);
  const names = new Namer(count);
  const offline = pickIndices(kinds, Math.round(count * OFFLINE_SHARE), random, () => true);
  const bare = pickIndices(kinds, Math.round(count * WITHOUT_MODULE_SHARE), random, (kind) => kind !== 'acme-guard');
  const rejecting = pickIndices(
    kinds,
    REJECTING,
    random,
    (kind, index) => kind === 'acme-guard' && !offline.has(index),
  );
  const devices = kinds.map((kind, index): FleetDevice => {
    const hw = weighted(HARDWARE[kind], random);
    const site = weighted(SITES, random);
    const isRejecting = rejecting.has(index);
    const env = isRejecting || random.next() < PRODUCTION_SHARE ? 'prod' : 'test';
    const tags = { site, env, ring: weighted(RINGS, random), hw };
    const deviceId = names.next(hw, site);
    const hasModule = !bare.has(index);
    const isBrownfield = random.next() < BROWNFIELD_SHARE && hasModule && !isRejecting;
    return {
      deviceId,
      tags,
      agent: { kind, firmware: isRejecting ? REJECTING_FIRMWARE : FIRMWARE },
      isOnline: !offline.has(index),
      hasModule,
      moduleTwin: isBrownfield ? brownfieldTwin(kind, deviceId, random) : undefined,
    };
  });
  return { seed, devices, summary: summarize(devices) };
}

function agentKinds(count: number): AgentKind[] {
  const guards = Math.round(count * GUARD_SHARE);
  const legacy = Math.min(count - guards, Math.round(count * LEGACY_SHARE));
  const cs = Math.round(legacy * LEGACY_CS_SHARE);
  return Array.from({ length: count }, (_, index): AgentKind => {
    if (index < guards) return 'acme-guard';
    if (index < guards + cs) return 'legacy-cs';
    return index < guards + legacy ? 'legacy-c' : 'micro';
  });
}

function summarize(devices: readonly FleetDevice[]): FleetSummary {
  const byKind: Record<AgentKind, number> = { 'legacy-cs': 0, 'legacy-c': 0, micro: 0, osconfig: 0, 'acme-guard': 0 };
  for (const { agent } of devices) byKind[agent.kind] += 1;
  return {
    devices: devices.length,
    byKind,
    offline: devices.filter(({ isOnline }) => !isOnline).length,
    withoutModule: devices.filter(({ hasModule }) => !hasModule).length,
    brownfield: devices.filter(({ moduleTwin }) => moduleTwin !== undefined).length,
    rejecting: devices
      .filter(({ agent }) => agent.firmware === REJECTING_FIRMWARE)
      .map(({ deviceId }) => deviceId)
      .toSorted(),
  };
}

/** `atm-lyon-0003`, numbered per hardware and site; `kiosk-07`, numbered for the whole fleet. */
class Namer {
  readonly #counts = new Map<string, number>();
  readonly #digits: number;

  constructor(fleetSize: number) {
    this.#digits = Math.max(4, String(fleetSize).length);
  }

  next(hw: string, site: string): string {
    const prefix = hw === 'kiosk' ? hw : `${hw}-${site}`;
    const number = (this.#counts.get(prefix) ?? 0) + 1;
    this.#counts.set(prefix, number);
    return `${prefix}-${String(number).padStart(hw === 'kiosk' ? 2 : this.#digits, '0')}`;
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.next() * (last + 1));
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** At most `count` of the allowed indices. */
function pickIndices<T>(
  items: readonly T[],
  count: number,
  random: SeededRandom,
  isAllowed: (item: T, index: number) => boolean,
): ReadonlySet<number> {
  const allowed = [...items.keys()].filter((index) => isAllowed(items[index] as T, index));
  return new Set(shuffled(allowed, random).slice(0, count));
}

function weighted(weights: Weights, random: SeededRandom): string {
  const sum = weights.reduce((total, [, weight]) => total + weight, 0);
  let left = random.next() * sum;
  for (const [value, weight] of weights) {
    left -= weight;
    if (left < 0) return value;
  }
  return weights.at(-1)?.[0] ?? '';
}
