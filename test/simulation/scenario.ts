// A scenario: a fleet and its timed events. Plain data, generated from a seed, so that it can be shrunk and printed.
import type { Json, JsonObject } from '../../src/model/json.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { FaultRule } from '../../src/emulator/faults/fault.ts';
import type { IndexLag } from '../../src/emulator/hub/query/lagging-index.ts';
import {
  mutatePolicy,
  pick,
  PROFILES,
  randomPolicy,
  randomValue,
  SETTINGS,
  type Policy,
  type ProfileName,
} from './policy.ts';

export interface SimDevice {
  readonly deviceId: string;
  readonly profile: ProfileName;
  readonly firmware: string;
  readonly tags: JsonObject;
  readonly isOnline: boolean;
  readonly hasModule: boolean;
  /** False if the device is created later. */
  readonly isThere: boolean;
  /** An edge device whose module belongs to IoT Edge: nothing of ours may be written to it. */
  readonly isManagedByEdge: boolean;
  /** How long its agent takes for each change, one after the other; undefined where it is quick. */
  readonly slowMs: number | undefined;
}

/** Scopes of a suspension. */
export type Stopped =
  | { readonly scope: 'All' }
  | { readonly scope: 'Configuration'; readonly name: string }
  | { readonly scope: 'Device'; readonly name: string };

export type Happening =
  /** A commit arrives whole. */
  | { readonly kind: 'commit'; readonly policy: Policy }
  /** The folder has no usable manifests. */
  | { readonly kind: 'spoilSource'; readonly how: 'syntax' | 'half' | 'empty' | 'unknownField' | 'unreadable' }
  /** The last commit is there again. */
  | { readonly kind: 'mendSource' }
  /** Another writer sets or removes a setting that manifests may name. */
  | { readonly kind: 'drift'; readonly deviceId: string; readonly key: string; readonly value: Json }
  /** And does so again and again. */
  | {
      readonly kind: 'hostile';
      readonly deviceId: string;
      readonly key: string;
      readonly value: Json;
      readonly everyMs: number;
      readonly forMs: number;
    }
  /** Another writer's own setting, inside or outside the agent's section. */
  | { readonly kind: 'foreign'; readonly deviceId: string; readonly isInside: boolean; readonly value: Json }
  | { readonly kind: 'wipeRecord' | 'newerRecord' | 'otherInstance'; readonly deviceId: string }
  | { readonly kind: 'retag'; readonly deviceId: string; readonly tags: JsonObject }
  | { readonly kind: 'wipeTags'; readonly deviceId: string }
  | { readonly kind: 'setOnline'; readonly deviceId: string; readonly isOnline: boolean }
  | { readonly kind: 'restartAgent'; readonly deviceId: string }
  | { readonly kind: 'recreateModule' | 'deleteModule' | 'createModule'; readonly deviceId: string }
  | { readonly kind: 'recreateDevice' | 'deleteDevice' | 'createDevice'; readonly deviceId: string }
  /** The hub's own automatic configuration for all modules of a kind, until it is deleted. */
  | { readonly kind: 'automatic'; readonly profile: ProfileName; readonly key: string; readonly value: Json }
  | { readonly kind: 'endAutomatic'; readonly profile: ProfileName }
  | { readonly kind: 'suspend'; readonly what: Stopped; readonly forMs: number }
  | { readonly kind: 'resume' }
  | { readonly kind: 'fault'; readonly rule: FaultRule }
  | { readonly kind: 'calm' }
  | { readonly kind: 'lag'; readonly lag: IndexLag }
  | { readonly kind: 'failOver'; readonly lossMs: number }
  /** Change events stop for a while. */
  | { readonly kind: 'breakFeed'; readonly forMs: number }
  /** The hub's clock runs so far ahead that it refuses all tokens, until the calm phase. */
  | { readonly kind: 'hubClock'; readonly aheadMs: number }
  /** The controller is killed and started again. */
  | { readonly kind: 'crash'; readonly downMs: number }
  /** Crashes after this many more calls to the hub; the last one may land. */
  | { readonly kind: 'crashAtCall'; readonly calls: number; readonly downMs: number }
  | { readonly kind: 'stop'; readonly downMs: number }
  /** A second controller runs on what was committed before. */
  | { readonly kind: 'rival'; readonly forMs: number };

export interface Event {
  readonly atMs: number;
  readonly happening: Happening;
}

export interface Scenario {
  readonly seed: number;
  readonly devices: readonly SimDevice[];
  readonly first: Policy;
  /** In the order of time; times count from the start. */
  readonly events: readonly Event[];
  /** Duration before the calm phase. */
  readonly lengthMs: number;
  /** Rows of a page. */
  readonly pageSize: number;
  /** How far the controllers' clocks are from the hub's. */
  readonly clockOffsetMs: number;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const DEVICES_MIN = 15;
const DEVICES_SPREAD = 12;
const EVENTS_MIN = 24;
const EVENTS_SPREAD = 33;
const LENGTH_MS_MIN = 30 * MINUTE_MS;
const LENGTH_MS_SPREAD = 80 * MINUTE_MS;
const PAGE_SIZE_MIN = 2;
const PAGE_SIZE_SPREAD = 5;
const CLOCK_OFFSET_MS_MAX = 2 * MINUTE_MS;

export function createScenario(seed: number): Scenario {
  const random = createSeededRandom(seed);
  const devices = Array.from({ length: DEVICES_MIN + below(random, DEVICES_SPREAD) }, (_, index) =>
    randomDevice(index, random),
  );
  const first = randomPolicy(random);
  const lengthMs = LENGTH_MS_MIN + below(random, LENGTH_MS_SPREAD);
  const times = Array.from({ length: EVENTS_MIN + below(random, EVENTS_SPREAD) }, () => below(random, lengthMs));
  const commits = [first];
  const events = times
    .toSorted((a, b) => a - b)
    .map((atMs): Event => {
      const happening = randomHappening({ devices, commits, atMs }, random);
      if (happening.kind === 'commit') commits.push(happening.policy);
      return { atMs, happening };
    });
  const scenario = {
    seed,
    devices,
    first,
    events,
    lengthMs,
    pageSize: PAGE_SIZE_MIN + below(random, PAGE_SIZE_SPREAD),
    clockOffsetMs: random.next() < 0.5 ? 0 : below(random, 2 * CLOCK_OFFSET_MS_MAX) - CLOCK_OFFSET_MS_MAX,
  };
  return random.next() < 0.01 ? withMonthsOfSilence(scenario, random) : scenario;
}

/** In the middle, months pass without events or controllers. */
function withMonthsOfSilence(scenario: Scenario, random: SeededRandom): Scenario {
  const atMs = below(random, scenario.lengthMs);
  const silenceMs = 30 * DAY_MS + below(random, 30 * DAY_MS);
  const later = scenario.events.map((event) =>
    event.atMs < atMs ? event : { ...event, atMs: event.atMs + silenceMs },
  );
  const stop: Event = { atMs, happening: { kind: 'stop', downMs: silenceMs } };
  const events = [...later.filter((event) => event.atMs < atMs), stop, ...later.filter((event) => event.atMs >= atMs)];
  return { ...scenario, events, lengthMs: scenario.lengthMs + silenceMs };
}

function below(random: SeededRandom, limit: number): number {
  return Math.floor(random.next() * limit);
}

function randomDevice(index: number, random: SeededRandom): SimDevice {
  return {
    deviceId: `d${index + 1}`,
    profile: pick(random, PROFILES),
    firmware: random.next() < 0.2 ? '1.2' : '2.0',
    tags: randomTags(random),
    isOnline: random.next() < 0.85,
    hasModule: random.next() < 0.9,
    isThere: random.next() < 0.95,
    isManagedByEdge: random.next() < 0.05,
    slowMs: random.next() < 0.15 ? MINUTE_MS + below(random, 5 * MINUTE_MS) : undefined,
  };
}

function randomTags(random: SeededRandom): JsonObject {
  return {
    env: pick(random, ['prod', 'prod', 'test']),
    site: pick(random, ['lyon', 'porto', 'gdansk']),
    // Tags are compared by type.
    ring: pick(random, [1, 1, 2, '1']),
  };
}

interface Story {
  readonly devices: readonly SimDevice[];
  /** Past commits, oldest first. */
  readonly commits: readonly Policy[];
  readonly atMs: number;
}

type Maker = (story: Story, random: SeededRandom) => Happening;

function anyDevice({ devices }: Story, random: SeededRandom): string {
  return pick(random, devices).deviceId;
}

function change(story: Story, random: SeededRandom): { deviceId: string; key: string; value: Json } {
  const { deviceId, profile } = pick(random, story.devices);
  const key = pick(random, Object.keys(SETTINGS[profile]));
  return { deviceId, key, value: random.next() < 0.3 ? null : randomValue(profile, key, random) };
}

/** A change of a declared setting, if there is one. */
function declaredChange(story: Story, random: SeededRandom): { deviceId: string; key: string; value: Json } {
  const { deviceId, key, value } = change(story, random);
  const profile = story.devices.find((device) => device.deviceId === deviceId)?.profile;
  const { configurations = [] } = story.commits.at(-1) ?? {};
  const settings = configurations.find((one) => one.profile === profile)?.settings ?? {};
  if (profile === undefined || Object.keys(settings).length === 0) return { deviceId, key, value };
  const declared = pick(random, Object.keys(settings));
  const other = SETTINGS[profile][declared]?.find((one) => one !== settings[declared]);
  return { deviceId, key: declared, value: other ?? null };
}

function commit({ commits, atMs }: Story, random: SeededRandom): Happening {
  const latest = commits.at(-1) ?? randomPolicy(random);
  const policy = random.next() < 0.12 ? pick(random, commits) : mutatePolicy(latest, atMs, random);
  return { kind: 'commit', policy };
}

function suspension(story: Story, random: SeededRandom): Happening {
  const { configurations = [] } = story.commits.at(-1) ?? {};
  const name = configurations.length === 0 ? undefined : pick(random, configurations).name;
  const what = pick(random, [
    { scope: 'All' },
    { scope: 'Device', name: anyDevice(story, random) },
    ...(name === undefined ? [] : [{ scope: 'Configuration', name } as const]),
  ] as const);
  return { kind: 'suspend', what, forMs: MINUTE_MS + below(random, 40 * MINUTE_MS) };
}

/** Each kind with its weight. */
const HAPPENINGS: readonly (readonly [weight: number, make: Maker])[] = [
  [15, commit],
  [
    4,
    (_, random) => ({
      kind: 'spoilSource',
      how: pick(random, ['syntax', 'half', 'empty', 'unknownField', 'unreadable'] as const),
    }),
  ],
  [4, () => ({ kind: 'mendSource' })],
  [9, (story, random) => ({ kind: 'drift', ...change(story, random) })],
  [
    2,
    (story, random) => ({
      kind: 'hostile',
      ...declaredChange(story, random),
      everyMs: 5_000 + below(random, 4 * MINUTE_MS),
      forMs: 10 * MINUTE_MS + below(random, 60 * MINUTE_MS),
    }),
  ],
  [
    5,
    (story, random) => {
      const value = random.next() < 0.2 ? null : below(random, 1_000);
      return { kind: 'foreign', deviceId: anyDevice(story, random), isInside: random.next() < 0.5, value };
    },
  ],
  [2, (story, random) => ({ kind: 'wipeRecord', deviceId: anyDevice(story, random) })],
  [0.5, (story, random) => ({ kind: 'newerRecord', deviceId: anyDevice(story, random) })],
  [1, (story, random) => ({ kind: 'otherInstance', deviceId: anyDevice(story, random) })],
  [6, (story, random) => ({ kind: 'retag', deviceId: anyDevice(story, random), tags: randomTags(random) })],
  [2, (story, random) => ({ kind: 'wipeTags', deviceId: anyDevice(story, random) })],
  [5, (story, random) => ({ kind: 'setOnline', deviceId: anyDevice(story, random), isOnline: random.next() < 0.6 })],
  [2, (story, random) => ({ kind: 'restartAgent', deviceId: anyDevice(story, random) })],
  [
    5,
    (story, random) => ({
      kind: pick(random, ['recreateModule', 'deleteModule', 'createModule'] as const),
      deviceId: anyDevice(story, random),
    }),
  ],
  [
    4,
    (story, random) => ({
      kind: pick(random, ['recreateDevice', 'deleteDevice', 'createDevice'] as const),
      deviceId: anyDevice(story, random),
    }),
  ],
  [
    1,
    (_, random) => {
      const profile = pick(random, PROFILES);
      const key = pick(random, Object.keys(SETTINGS[profile]));
      return { kind: 'automatic', profile, key, value: randomValue(profile, key, random) };
    },
  ],
  [1, (_, random) => ({ kind: 'endAutomatic', profile: pick(random, PROFILES) })],
  [4, suspension],
  [1, () => ({ kind: 'resume' })],
  [17, (story, random) => ({ kind: 'fault', rule: randomFault(story, random) })],
  [4, () => ({ kind: 'calm' })],
  [4, (_, random) => ({ kind: 'lag', lag: randomLag(random) })],
  [1, (_, random) => ({ kind: 'failOver', lossMs: below(random, 10 * MINUTE_MS) })],
  [1, (_, random) => ({ kind: 'breakFeed', forMs: below(random, 10 * MINUTE_MS) })],
  [0.5, (_, random) => ({ kind: 'hubClock', aheadMs: below(random, 120 * MINUTE_MS) })],
  [3, (_, random) => ({ kind: 'crash', downMs: below(random, 5 * MINUTE_MS) })],
  [2, (_, random) => ({ kind: 'crashAtCall', calls: 1 + below(random, 60), downMs: below(random, MINUTE_MS) })],
  [1, (_, random) => ({ kind: 'stop', downMs: below(random, 5 * MINUTE_MS) })],
  [2, (_, random) => ({ kind: 'rival', forMs: MINUTE_MS + below(random, 30 * MINUTE_MS) })],
];

const WEIGHT = HAPPENINGS.reduce((sum, [weight]) => sum + weight, 0);

function randomHappening(story: Story, random: SeededRandom): Happening {
  let rest = random.next() * WEIGHT;
  for (const [weight, make] of HAPPENINGS) {
    rest -= weight;
    if (rest < 0) return make(story, random);
  }
  return { kind: 'calm' };
}

function randomFault({ devices }: Story, random: SeededRandom): FaultRule {
  // IoT Edge recreates the modules that it manages.
  const { deviceId } = pick(
    random,
    devices.filter(({ isManagedByEdge }) => !isManagedByEdge),
  );
  const times = { count: 1 + below(random, 6), skip: below(random, 10) };
  const when = pick(random, ['before', 'after'] as const);
  const draw = random.next();
  if (draw < 0.2) return { ...times, on: { isWrite: true }, fault: { kind: 'reset', when } };
  if (draw < 0.3) return { ...times, fault: { kind: 'reset', when } };
  if (draw < 0.42) {
    const code = pick(random, ['ThrottlingBacklogTimeout', 'ThrottlingException'] as const);
    return { ...times, fault: { kind: 'refusal', code, when } };
  }
  if (draw < 0.55) {
    const code = pick(random, ['ServerError', 'ServiceUnavailable', 'GatewayTimeout', 'ServerBusy'] as const);
    return { ...times, fault: { kind: 'refusal', code, when } };
  }
  if (draw < 0.58) return { ...times, fault: { kind: 'refusal', code: 'IotHubUnauthorizedAccess' } };
  if (draw < 0.65) return { ...times, fault: { kind: 'latency', ms: below(random, MINUTE_MS), when } };
  if (draw < 0.7)
    return { ...times, on: { isWrite: true }, fault: { kind: 'action', action: { kind: 'wipeTags', deviceId } } };
  if (draw < 0.75) {
    const moduleId = pick(random, ['azureiotsecurity', 'DefenderIotMicroAgent', 'acmeGuard']);
    const action = { kind: 'recreate', deviceId, moduleId } as const;
    return { ...times, on: { isWrite: true }, fault: { kind: 'action', action, when } };
  }
  const source = pick(random, ['devices', 'modules'] as const);
  const kind = pick(random, ['droppedPage', 'emptyPage', 'missingContinuation', 'truncatedContinuation'] as const);
  return { ...times, skip: below(random, 3), on: { source }, fault: { kind } };
}

function randomLag(random: SeededRandom): IndexLag {
  if (random.next() < 0.2) return {};
  const upTo = (minutes: number): number => below(random, minutes * MINUTE_MS);
  return { devices: upTo(30), modules: upTo(30), spread: upTo(5), ghosts: upTo(30), frozenPages: random.next() < 0.5 };
}
