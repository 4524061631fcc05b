// A scenario: a fleet, and what happens to it and when. Plain data, made from a seed, so that it can be cut down and told.
import type { Json, JsonObject } from '../../src/model/json.ts';
import { createSeededRandom, type SeededRandom } from '../../src/model/seeded-random.ts';
import type { FaultRule } from '../../src/emulator/faults/fault.ts';
import type { IndexLag } from '../../src/emulator/hub/query/lagging-index.ts';
import { mutatePolicy, pick, randomPolicy, randomValue, SETTINGS, type Policy, type ProfileName } from './policy.ts';

export interface SimDevice {
  readonly deviceId: string;
  readonly profile: ProfileName;
  readonly firmware: string;
  readonly tags: JsonObject;
  readonly isOnline: boolean;
  readonly hasModule: boolean;
}

export type Happening =
  /** A commit arrives whole. */
  | { readonly kind: 'commit'; readonly policy: Policy }
  /** What the folder holds can't be used. */
  | { readonly kind: 'spoilSource'; readonly how: 'syntax' | 'half' | 'empty' | 'unknownField' | 'unreadable' }
  /** The last commit is there again. */
  | { readonly kind: 'mendSource' }
  /** Another writer sets or removes a setting that manifests may name. */
  | { readonly kind: 'drift'; readonly deviceId: string; readonly key: string; readonly value: Json }
  /** Another writer's own setting, inside or outside the agent's section. */
  | { readonly kind: 'foreign'; readonly deviceId: string; readonly isInside: boolean; readonly value: Json }
  | { readonly kind: 'wipeRecord'; readonly deviceId: string }
  | { readonly kind: 'retag'; readonly deviceId: string; readonly tags: JsonObject }
  | { readonly kind: 'wipeTags'; readonly deviceId: string }
  | { readonly kind: 'setOnline'; readonly deviceId: string; readonly isOnline: boolean }
  | { readonly kind: 'restartAgent'; readonly deviceId: string }
  | { readonly kind: 'recreateModule' | 'deleteModule' | 'createModule'; readonly deviceId: string }
  | { readonly kind: 'recreateDevice' | 'deleteDevice' | 'createDevice'; readonly deviceId: string }
  | { readonly kind: 'fault'; readonly rule: FaultRule }
  | { readonly kind: 'calm' }
  | { readonly kind: 'lag'; readonly lag: IndexLag }
  | { readonly kind: 'failOver'; readonly lossMs: number }
  /** The controller is killed where it stands, and started again. */
  | { readonly kind: 'crash'; readonly downMs: number }
  /** After so many more calls to the hub; the last one may land. */
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
  /** How long it goes on before everything calms down. */
  readonly lengthMs: number;
}

const MINUTE_MS = 60_000;
const DEVICES_MIN = 16;
const DEVICES_SPREAD = 14;
const EVENTS_MIN = 25;
const EVENTS_SPREAD = 45;
const LENGTH_MS_MIN = 30 * MINUTE_MS;
const LENGTH_MS_SPREAD = 150 * MINUTE_MS;

export function createScenario(seed: number): Scenario {
  const random = createSeededRandom(seed);
  const devices = Array.from({ length: DEVICES_MIN + Math.floor(random.next() * DEVICES_SPREAD) }, (_, index) =>
    randomDevice(index, random),
  );
  const first = randomPolicy(random);
  const lengthMs = LENGTH_MS_MIN + Math.floor(random.next() * LENGTH_MS_SPREAD);
  const count = EVENTS_MIN + Math.floor(random.next() * EVENTS_SPREAD);
  const times = Array.from({ length: count }, () => Math.floor(random.next() * lengthMs)).toSorted((a, b) => a - b);
  let policy = first;
  const events = times.map((atMs): Event => {
    const happening = randomHappening(devices, policy, random);
    if (happening.kind === 'commit') policy = happening.policy;
    return { atMs, happening };
  });
  return { seed, devices, first, events, lengthMs };
}

const PROFILES: readonly ProfileName[] = ['defender-legacy', 'defender-micro-agent', 'acme-guard'];

function randomDevice(index: number, random: SeededRandom): SimDevice {
  return {
    deviceId: `d${index + 1}`,
    profile: pick(random, PROFILES),
    firmware: random.next() < 0.2 ? '1.2' : '2.0',
    tags: randomTags(random),
    isOnline: random.next() < 0.85,
    hasModule: random.next() < 0.9,
  };
}

function randomTags(random: SeededRandom): JsonObject {
  return { env: pick(random, ['prod', 'prod', 'test']), site: pick(random, ['lyon', 'porto', 'gdansk']) };
}

/** Each kind with its weight. */
function randomHappening(devices: readonly SimDevice[], policy: Policy, random: SeededRandom): Happening {
  const device = pick(random, devices);
  const { deviceId, profile } = device;
  const draw = random.next() * 100;
  if (draw < 16) return { kind: 'commit', policy: mutatePolicy(policy, random) };
  if (draw < 20) {
    return {
      kind: 'spoilSource',
      how: pick(random, ['syntax', 'half', 'empty', 'unknownField', 'unreadable'] as const),
    };
  }
  if (draw < 24) return { kind: 'mendSource' };
  if (draw < 34) {
    const key = pick(random, Object.keys(SETTINGS[profile]));
    return { kind: 'drift', deviceId, key, value: random.next() < 0.3 ? null : randomValue(profile, key, random) };
  }
  if (draw < 40) {
    const value = random.next() < 0.2 ? null : Math.floor(random.next() * 1_000);
    return { kind: 'foreign', deviceId, isInside: random.next() < 0.5, value };
  }
  if (draw < 42) return { kind: 'wipeRecord', deviceId };
  if (draw < 48) return { kind: 'retag', deviceId, tags: randomTags(random) };
  if (draw < 50) return { kind: 'wipeTags', deviceId };
  if (draw < 56) return { kind: 'setOnline', deviceId, isOnline: random.next() < 0.6 };
  if (draw < 58) return { kind: 'restartAgent', deviceId };
  if (draw < 64) return { kind: pick(random, ['recreateModule', 'deleteModule', 'createModule'] as const), deviceId };
  if (draw < 67) return { kind: pick(random, ['recreateDevice', 'deleteDevice', 'createDevice'] as const), deviceId };
  if (draw < 83) return { kind: 'fault', rule: randomFault(deviceId, random) };
  if (draw < 87) return { kind: 'calm' };
  if (draw < 91) return { kind: 'lag', lag: randomLag(random) };
  if (draw < 92) return { kind: 'failOver', lossMs: Math.floor(random.next() * 10 * MINUTE_MS) };
  if (draw < 95) return { kind: 'crash', downMs: Math.floor(random.next() * 5 * MINUTE_MS) };
  if (draw < 97) {
    return {
      kind: 'crashAtCall',
      calls: 1 + Math.floor(random.next() * 40),
      downMs: Math.floor(random.next() * MINUTE_MS),
    };
  }
  if (draw < 98) return { kind: 'stop', downMs: Math.floor(random.next() * 5 * MINUTE_MS) };
  return { kind: 'rival', forMs: MINUTE_MS + Math.floor(random.next() * 30 * MINUTE_MS) };
}

function randomFault(deviceId: string, random: SeededRandom): FaultRule {
  const times = { count: 1 + Math.floor(random.next() * 6), skip: Math.floor(random.next() * 10) };
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
  if (draw < 0.65) return { ...times, fault: { kind: 'latency', ms: Math.floor(random.next() * 60_000), when } };
  if (draw < 0.7)
    return { ...times, on: { isWrite: true }, fault: { kind: 'action', action: { kind: 'wipeTags', deviceId } } };
  if (draw < 0.75) {
    const moduleId = pick(random, ['azureiotsecurity', 'DefenderIotMicroAgent', 'acmeGuard']);
    const action = { kind: 'recreate', deviceId, moduleId } as const;
    return { ...times, on: { isWrite: true }, fault: { kind: 'action', action, when } };
  }
  const source = pick(random, ['devices', 'modules'] as const);
  const kind = pick(random, ['droppedPage', 'emptyPage', 'missingContinuation', 'truncatedContinuation'] as const);
  return { ...times, skip: Math.floor(random.next() * 3), on: { source }, fault: { kind } };
}

function randomLag(random: SeededRandom): IndexLag {
  if (random.next() < 0.2) return {};
  const upTo = (minutes: number): number => Math.floor(random.next() * minutes * MINUTE_MS);
  return { devices: upTo(30), modules: upTo(30), spread: upTo(5), ghosts: upTo(30), frozenPages: random.next() < 0.5 };
}
