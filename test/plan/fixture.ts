// Shared by tests of the planner: short declared states, twins, and the effect of a write on them.
import {
  EXCEPTION_PRIORITY,
  type ConfigurationTarget,
  type Declared,
  type DeclaredConfiguration,
  type DeclaredException,
  type DeclaredGroup,
  type Mode,
} from '../../src/model/declared.ts';
import type { Origin } from '../../src/model/diagnostic.ts';
import { activeAt } from '../../src/model/expiry.ts';
import { digestJson } from '../../src/model/digest.ts';
import { invariant } from '../../src/model/errors.ts';
import { cloneJson, mergePatch, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Profile, SettingPolicy } from '../../src/model/profile.ts';
import type { Requirement, Selector } from '../../src/model/selector.ts';
import type { Suspension } from '../../src/model/suspension.ts';
import { etagCounter, etagOfCounter, type DeviceFacts, type Twin } from '../../src/model/twin.ts';
import { changesOf, type TwinAction } from '../../src/model/action.ts';
import { configurationOwner, exceptionOwner } from '../../src/model/owner.ts';
import type { TwinDecision } from '../../src/plan/twin/plan-twin.ts';
import { createPlanner } from '../../src/plan/planner.ts';
import type { Target } from '../../src/plan/target/target.ts';
import { encodeSettings } from '../../src/profile/encode.ts';

export const MODULE = 'guard';
export const NOW_MS = Date.UTC(2026, 10, 23, 17, 40);
export const ORIGIN: Origin = { file: 'a.yaml', line: 1, column: 1 };

export function profileOf(name: string, fields: Partial<Profile> = {}): Profile {
  return {
    name,
    origin: ORIGIN,
    moduleId: MODULE,
    section: [],
    encoding: 'Plain',
    patchGranularity: 'leaf',
    ownershipAtom: 'Leaf',
    envelope: undefined,
    onRemove: 'Null',
    schema: { type: 'object' },
    comparators: [],
    rules: [],
    defaults: {},
    sensitive: [],
    deny: [],
    preserve: [],
    nudge: false,
    acknowledgement: { type: 'None' },
    endOfSupport: undefined,
    ...fields,
  };
}

/** Every leaf its own, below /g. */
export const LEAF = profileOf('leaf', { section: ['g'] });
/** Like the legacy agent: wrapped values, the whole section in each patch. */
export const WRAPPED = profileOf('wrapped', {
  section: ['w'],
  encoding: 'ValueWrapper',
  patchGranularity: 'section',
  ownershipAtom: 'Setting',
});
/** Like the micro agent: settings at the root, all of them in each patch. */
export const ROOT = profileOf('root', { patchGranularity: 'section', ownershipAtom: 'Setting' });
export const PNP = profileOf('pnp', { encoding: 'PnpComponent', envelope: { __t: 'c' } });

export interface ConfigurationFields {
  readonly profile?: Profile;
  readonly priority?: number;
  readonly set?: JsonObject;
  readonly policies?: Readonly<Record<string, SettingPolicy>>;
  readonly unset?: readonly string[];
  /** Value of the device tag `env` it selects; every device where left out. */
  readonly env?: string;
  readonly targets?: readonly ConfigurationTarget[];
  readonly mode?: Mode;
  readonly suspend?: boolean;
  readonly remove?: boolean;
  readonly whenMissing?: DeclaredConfiguration['whenMissing'];
}

export function selectorOf(...requirements: readonly Requirement[]): Selector {
  return { requirements };
}

export function envIs(env: string): Requirement {
  return { key: { kind: 'tag', path: ['env'] }, operator: 'In', values: [env] };
}

export function targetOf(selector: Selector, fields: Partial<ConfigurationTarget> = {}): ConfigurationTarget {
  return { group: undefined, hubs: ['dev'], mode: 'Enforce', selector, ...fields };
}

export function configurationOf(name: string, fields: ConfigurationFields): DeclaredConfiguration {
  const { profile = LEAF, set = {}, policies = {}, unset = [], env } = fields;
  const atoms = encodeSettings(profile, set, new Map(Object.entries(policies)));
  const contents: Json = [
    profile.name,
    [...profile.section],
    atoms.map((atom) => [atom.name, atom.value, atom.policy]),
  ];
  return {
    name,
    owner: configurationOwner(name),
    origin: ORIGIN,
    targets: fields.targets ?? [targetOf(env === undefined ? selectorOf() : selectorOf(envIs(env)))],
    profile,
    priority: fields.priority ?? 0,
    settings: set,
    atoms,
    atomOrigins: new Map(atoms.map((atom) => [atom.name, ORIGIN])),
    unset: unset.toSorted(),
    mode: fields.mode ?? 'Enforce',
    suspend: fields.suspend ?? false,
    deletionPolicy: fields.remove === true ? 'Remove' : 'Retain',
    whenMissing: fields.whenMissing ?? 'Wait',
    digest: digestJson([...contents, [...unset]]),
  };
}

export interface ExceptionFields extends Pick<ConfigurationFields, 'profile' | 'set' | 'env' | 'targets' | 'suspend'> {
  readonly maxDevices?: number;
  readonly expiresAtMs?: number;
}

/** Ends an hour after `NOW_MS` by default. */
export function exceptionOf(name: string, fields: ExceptionFields): DeclaredException {
  return {
    ...configurationOf(name, { ...fields, priority: EXCEPTION_PRIORITY, whenMissing: 'Skip' }),
    owner: exceptionOwner(name),
    maxDevices: fields.maxDevices,
    ownerText: 'soc',
    reason: 'INC-812',
    expiresAtMs: fields.expiresAtMs ?? NOW_MS + 3_600_000,
  };
}

/** Names to what they declare. */
export type Configurations = Readonly<Record<string, ConfigurationFields>>;

export interface DeclaredFields {
  readonly partial?: boolean;
  readonly groups?: readonly DeclaredGroup[];
  /** Known besides those that are used. */
  readonly profiles?: readonly Profile[];
  /** Including those that ended by `NOW_MS`. */
  readonly exceptions?: Readonly<Record<string, ExceptionFields>>;
  /** False: as a folder that holds nothing at all. */
  readonly hasHub?: boolean;
}

export function declare(configurations: Configurations, fields: DeclaredFields = {}): Declared {
  const { partial = false, groups = [], profiles = [LEAF, WRAPPED, ROOT, PNP], hasHub = true } = fields;
  const compiled = Object.entries(configurations).map(([name, one]) => configurationOf(name, one));
  const exceptions = Object.entries(fields.exceptions ?? {}).map(([name, one]) => exceptionOf(name, one));
  const used = [...compiled, ...exceptions].map(({ profile }) => profile);
  const declared: Declared = {
    revision: 'sha256:0123456789abcdef',
    partial,
    hubs: [
      {
        name: 'dev',
        origin: hasHub ? ORIGIN : undefined,
        hostName: undefined,
        endpoint: undefined,
        caFile: undefined,
        authentication: undefined,
        events: undefined,
        capacity: undefined,
        budget: { throttle: 1, dailyMessages: 1 },
        mode: undefined,
        guards: { maxChanged: undefined, maxRemoved: undefined, maxUnassigned: undefined, maxCreated: undefined },
        approval: undefined,
      },
    ],
    groups,
    configurations: compiled.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    exceptions: exceptions.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    expired: [],
    profiles: new Map([...profiles, ...used].map((profile) => [profile.name, profile])),
  };
  return activeAt(declared, NOW_MS);
}

export function deviceOf(tags: JsonObject = { env: 'prod' }): DeviceFacts {
  return { deviceId: 'd1', status: 'enabled', iotEdge: false, tags };
}

export interface TwinFields {
  readonly desired?: JsonObject;
  readonly tags?: JsonObject;
  readonly reported?: JsonObject;
  readonly etag?: string;
}

export function twinOf({ desired = {}, tags, reported = {}, etag = etagOfCounter(1n) }: TwinFields = {}): Twin {
  return {
    deviceId: 'd1',
    moduleId: MODULE,
    etag,
    ...(tags === undefined ? {} : { tags }),
    properties: {
      desired: { ...cloneJson(desired), $metadata: { $lastUpdated: '2026-01-01T00:00:00Z' }, $version: 4 },
      reported: { ...cloneJson(reported), $metadata: {}, $version: 1 },
    },
  };
}

export interface PlanOptions {
  readonly device?: DeviceFacts;
  readonly hubMode?: Mode;
  readonly instance?: string;
  readonly suspensions?: readonly Suspension[];
  /** All devices, for exceptions that count them; by default only this one. */
  readonly fleet?: readonly DeviceFacts[] | 'Uncounted';
}

export function targetFor(declared: Declared, options: PlanOptions = {}): Target {
  return plannerOf(declared, options).targetFor(options.device ?? deviceOf(), MODULE);
}

export function plan(declared: Declared, live: Twin | undefined, options: PlanOptions = {}): TwinAction {
  return decide(declared, live, options).action;
}

export function decide(declared: Declared, live: Twin | undefined, options: PlanOptions = {}): TwinDecision {
  const { device = deviceOf() } = options;
  const planner = plannerOf(declared, options);
  return planner.decide(planner.targetFor(device, MODULE), device, live, NOW_MS);
}

function plannerOf(declared: Declared, options: PlanOptions) {
  const {
    hubMode = 'Enforce',
    instance = 'default',
    suspensions = [],
    device = deviceOf(),
    fleet = [device],
  } = options;
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  const planner = createPlanner(declared, { hub, hubMode, instance, suspensions });
  return fleet === 'Uncounted' ? planner : planner.forFleet(fleet);
}

/** The twin after a merge patch on tags and desired properties; the etag increments, like the hub's. */
export function written(twin: Twin, patch: { readonly tags?: Json; readonly properties?: Json }): Twin {
  const { tags, properties } = mergePatch({ tags: twin.tags ?? {}, properties: twin.properties }, patch) as {
    tags: JsonObject;
    properties: Twin['properties'];
  };
  const { tags: _tags, ...rest } = twin;
  const next = { ...rest, properties, etag: etagOfCounter((etagCounter(twin.etag) ?? 0n) + 1n) };
  return Object.keys(tags).length === 0 ? next : { ...next, tags };
}

/** A write by another writer: a merge patch on desired properties. */
export function tampered(twin: Twin, desired: JsonObject): Twin {
  return written(twin, { properties: { desired } });
}

export function applied(twin: Twin, action: TwinAction): Twin {
  return 'patch' in action ? written(twin, action.patch) : twin;
}

/** Plans and writes once. */
export function settled(declared: Declared, twin: Twin, options: PlanOptions = {}): Twin {
  return applied(twin, plan(declared, twin, options));
}

/** Without what the hub adds. */
export function desiredOf(twin: Twin): JsonObject {
  const { $metadata: _metadata, $version: _version, ...rest } = twin.properties.desired;
  return rest;
}

/** `own` of a record: owner name without its kind, to its keys. */
export function ownOf(twin: Pick<Twin, 'tags'>, instance = 'default'): Record<string, Json> {
  const record = (twin.tags?.['twinward'] as JsonObject | undefined)?.[instance] as JsonObject | undefined;
  const own = (record?.['own'] ?? {}) as Record<string, JsonObject>;
  return Object.fromEntries(
    Object.entries(own).map(([owner, entry]) => [
      owner.replace(/^Security(Configuration|Exception)\//, ''),
      entry['keys'] as Json,
    ]),
  );
}

/** `KEY:CAUSE` of each change, removals as `-KEY:CAUSE`. */
export function causesOf(action: TwinAction): string[] {
  return changesOf(action).map(({ name, after, cause }) => `${after === undefined ? '-' : ''}${name}:${cause}`);
}
