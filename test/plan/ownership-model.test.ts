// One twin with changing manifests, other writers, removed tags and crashes, and a ledger of our keys, kept by other
// rules than the planner's and without the record. No write may change a key that the ledger does not list as ours.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { deepEqual, getPath, isObject, setPath, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Profile, SettingPolicy } from '../../src/model/profile.ts';
import type { Twin } from '../../src/model/twin.ts';
import type { TwinAction } from '../../src/model/action.ts';
import {
  applied,
  declare,
  desiredOf,
  deviceOf,
  LEAF,
  plan,
  ROOT,
  tampered,
  twinOf,
  WRAPPED,
  written,
  type ConfigurationFields,
} from './fixture.ts';

/** The last is never declared. */
const KEYS = ['a', 'b', 'c', 'theirs'] as const;
type Key = (typeof KEYS)[number];

interface Layer {
  readonly priority: number;
  readonly set: Readonly<Partial<Record<Key, number>>>;
  readonly unset: readonly Key[];
  /** Of every setting. */
  readonly policy: SettingPolicy;
  readonly env: string | undefined;
  readonly state: 'Enforce' | 'Observe' | 'Suspend';
  readonly remove: boolean;
}

type Layers = Readonly<Record<string, Layer>>;

type Step =
  | { readonly kind: 'commit'; readonly layers: Layers; readonly partial: boolean }
  | { readonly kind: 'foreign'; readonly key: Key; readonly value: number | null }
  | { readonly kind: 'wipe'; readonly what: 'record' | 'tags' | 'device tags' | 'damage' }
  | { readonly kind: 'retag'; readonly env: string }
  | { readonly kind: 'recreate' }
  /** Planned, but not written: a crash, or another writer in between. */
  | { readonly kind: 'crash'; readonly key: Key; readonly value: number }
  | { readonly kind: 'pass' };

const declaredKey = fc.constantFrom<Key>('a', 'b', 'c');
const layer: fc.Arbitrary<Layer> = fc
  .record({
    priority: fc.constantFrom(0, 10, 20),
    set: fc.dictionary(declaredKey, fc.integer({ min: 1, max: 2 }), { maxKeys: 2 }),
    unset: fc.uniqueArray(declaredKey, { maxLength: 1 }),
    policy: fc.constantFrom<SettingPolicy>('Override', 'Override', 'Override', 'IfNotPresent', 'Ignore'),
    env: fc.constantFrom(undefined, undefined, 'prod', 'lab'),
    state: fc.constantFrom(
      'Enforce' as const,
      'Enforce' as const,
      'Enforce' as const,
      'Observe' as const,
      'Suspend' as const,
    ),
    remove: fc.boolean(),
  })
  .map((one) => ({ ...one, unset: one.unset.filter((key) => !Object.hasOwn(one.set, key)) }));
const layers = fc.dictionary(fc.constantFrom('p', 'q', 'r'), layer, { maxKeys: 3 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('commit' as const),
      layers,
      partial: fc.constantFrom(false, false, true),
    }),
  },
  { weight: 6, arbitrary: fc.constant<Step>({ kind: 'pass' }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('foreign' as const),
      key: fc.constantFrom(...KEYS),
      value: fc.constantFrom(null, 1, 2, 7),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wipe' as const),
      what: fc.constantFrom('record' as const, 'tags' as const, 'device tags' as const, 'damage' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retag' as const), env: fc.constantFrom('prod', 'lab') }) },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'recreate' }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('crash' as const), key: fc.constantFrom(...KEYS), value: fc.constant(8) }),
  },
);

/** A key that may be ours: written or adopted, and not released since. */
interface Entry {
  readonly owners: ReadonlySet<string>;
  readonly remove: boolean;
  /** The certain owner; undefined if these rules do not determine it. */
  readonly holder: string | undefined;
}

class Model {
  twin = twinOf();
  layers: Layers = {};
  partial = false;
  tags: JsonObject = { env: 'prod' };
  readonly ledger = new Map<Key, Entry>();
  readonly problems: string[] = [];
  readonly #profile: Profile;

  constructor(profile: Profile) {
    this.#profile = profile;
  }

  value(twin: Twin, key: Key): Json | undefined {
    return getPath(desiredOf(twin), this.#path(key));
  }

  #path(key: Key): string[] {
    return [...this.#profile.section, key, ...(this.#profile.encoding === 'ValueWrapper' ? ['value'] : [])];
  }

  foreign(key: Key, value: number | null): void {
    const path = value === null ? [...this.#profile.section, key] : this.#path(key);
    if (value === null && this.value(this.twin, key) === undefined) return;
    const patch: JsonObject = {};
    setPath(patch, path, value);
    this.twin = tampered(this.twin, patch);
  }

  planNow(): TwinAction {
    const configurations = Object.fromEntries(
      Object.entries(this.layers).map(([name, one]) => [name, fieldsOf(one, this.#profile)]),
    );
    const declared = declare(configurations, { partial: this.partial, profiles: [this.#profile] });
    return plan(declared, this.twin, { device: deviceOf(this.tags) });
  }

  pass(): void {
    const action = this.planNow();
    if (!('patch' in action)) return;
    const before = this.twin;
    this.twin = applied(before, action);
    this.problems.push(
      ...KEYS.flatMap((key) => this.#judge(key, this.value(before, key), this.value(this.twin, key)) ?? []),
    );
    for (const key of KEYS) this.#enter(key);
  }

  /** True where a layer that always writes it has won it, and live has it so. */
  isDecided(key: Key): boolean {
    const claims = this.#enforced(key);
    const top = Math.max(...claims.map(([, one]) => one.priority));
    const value = this.value(this.twin, key);
    const isWon = ([, one]: [string, Layer]): boolean =>
      one.priority === top && one.policy === 'Override' && one.set[key] === value;
    return value !== undefined && claims.some(isWon);
  }

  #naming(key: Key): [name: string, layer: Layer][] {
    return Object.entries(this.layers).filter(([, one]) => isSelecting(one, this.tags) && names(one, key));
  }

  /** The layers that may write it: a layer that ignores a key leaves it to those below. */
  #enforced(key: Key): [name: string, layer: Layer][] {
    return this.#naming(key).filter(
      ([, one]) => one.state === 'Enforce' && (one.policy !== 'Ignore' || one.unset.includes(key)),
    );
  }

  /** Why a write from one value to the other is wrong, by these manifests and the ledger. */
  #judge(key: Key, was: Json | undefined, is: Json | undefined): string | undefined {
    if (deepEqual(was ?? null, is ?? null)) return undefined;
    const claims = this.#enforced(key);
    const top = Math.max(...claims.map(([, one]) => one.priority));
    const winners = claims.filter(([, one]) => one.priority === top).map(([, one]) => one);
    const told = `${key}: ${JSON.stringify(was)} became ${JSON.stringify(is)}`;
    const entry = this.ledger.get(key);
    if (entry?.holder !== undefined && this.#isFrozen(entry.holder, top)) return `${told}, though its owner is frozen`;
    if (is !== undefined) {
      const mayWrite = winners.some(
        ({ set, policy }) =>
          set[key] === is && (policy === 'Override' || (policy === 'IfNotPresent' && was === undefined)),
      );
      return mayWrite ? undefined : `${told}, which nobody declares`;
    }
    if (winners.some(({ unset }) => unset.includes(key))) return undefined;
    if (entry === undefined) return `${told}, though it was never ours`;
    if (this.#naming(key).some(([, { set }]) => Object.hasOwn(set, key))) return `${told}, though it is declared`;
    const mayRemove = [...entry.owners].some((owner) => {
      const one = this.layers[owner];
      return one === undefined ? !this.partial && entry.remove : one.state === 'Enforce';
    });
    return mayRemove ? undefined : `${told}, though its owners keep or retain it`;
  }

  /** True where a suspended or observed owner holds a setting against everybody but a higher priority. */
  #isFrozen(owner: string, top: number): boolean {
    const one = this.layers[owner];
    return one !== undefined && one.state !== 'Enforce' && one.priority >= top;
  }

  /** After a write: ours is what live has as the layer that always writes it declares it, and what its owners still keep. */
  #enter(key: Key): void {
    const before = this.ledger.get(key);
    if (this.isDecided(key)) {
      const winners = this.#enforced(key).filter(([, one]) => one.policy === 'Override');
      const holder = winners[0]?.[0];
      const isCertain = this.#naming(key).length === 1 && (before === undefined || before.holder === holder);
      this.ledger.set(key, {
        owners: new Set([...winners.map(([name]) => name), ...(before?.owners ?? [])]),
        remove: winners.some(([, one]) => one.remove) || before?.remove === true,
        holder: isCertain ? holder : undefined,
      });
    } else if (before !== undefined) {
      const isHeld = before.holder !== undefined && this.#isFrozen(before.holder, Number.NEGATIVE_INFINITY);
      if (this.value(this.twin, key) === undefined || !this.#isKept(before)) this.ledger.delete(key);
      else this.ledger.set(key, { ...before, holder: isHeld ? before.holder : undefined });
    }
  }

  /** A configuration with Retain that left the whole source no longer owns its keys. */
  #isKept(entry: Entry): boolean {
    return this.partial || entry.remove || [...entry.owners].some((owner) => this.layers[owner] !== undefined);
  }
}

function names({ set, unset }: Layer, key: Key): boolean {
  return Object.hasOwn(set, key) || unset.includes(key);
}

function isSelecting({ env }: Layer, tags: JsonObject): boolean {
  return env === undefined || tags['env'] === env;
}

function fieldsOf({ priority, set, unset, policy, env, state, remove }: Layer, profile: Profile): ConfigurationFields {
  return {
    profile,
    priority,
    set,
    unset,
    policies: Object.fromEntries(Object.keys(set).map((key) => [key, policy])),
    suspend: state === 'Suspend',
    mode: state === 'Observe' ? 'Observe' : 'Enforce',
    remove,
    ...(env === undefined ? {} : { env }),
  };
}

function take(model: Model, one: Step): void {
  switch (one.kind) {
    case 'commit':
      model.layers = one.layers;
      model.partial = one.partial;
      return;
    case 'foreign':
      return model.foreign(one.key, one.value);
    case 'wipe':
      if (one.what === 'device tags') model.tags = {};
      else if (model.twin.tags !== undefined) {
        const record = one.what === 'damage' ? { default: { own: 'what?' } } : null;
        model.twin = written(model.twin, { tags: { twinward: record } });
        model.ledger.clear();
      }
      return;
    case 'retag':
      model.tags = { env: one.env };
      return;
    case 'recreate':
      model.twin = twinOf();
      model.ledger.clear();
      return;
    case 'crash': {
      const action = model.planNow();
      model.foreign(one.key, one.value);
      // With `If-Match` the hub refuses every earlier decision.
      if ('etag' in action && model.twin.etag === action.etag)
        model.problems.push('a write came between, and the etag is the same');
      return;
    }
    case 'pass':
      return model.pass();
  }
}

const profile = fc.constantFrom(LEAF, WRAPPED, ROOT);

test('no sequence of manifests, foreign writes, wiped tags and crashes lets us touch what is not ours', () => {
  fc.assert(
    fc.property(profile, fc.array(step, { minLength: 4, maxLength: 25 }), (one, steps) => {
      const model = new Model(one);
      for (const next of steps) take(model, next);
      expect(model.problems).toEqual([]);
    }),
    { numRuns: 3_000 },
  );
});

test('when every configuration goes and asks for removal, none of ours is left and every other is as its writer left it', () => {
  fc.assert(
    fc.property(profile, fc.array(step, { maxLength: 20 }), layers, (one, steps, last) => {
      const model = new Model(one);
      for (const next of steps) take(model, next);
      const willing = Object.entries(last).map(([name, declared]) => [
        name,
        { ...declared, state: 'Enforce', remove: true },
      ]);
      take(model, { kind: 'commit', layers: Object.fromEntries(willing) as Layers, partial: false });
      // A device that lost its tags keeps its values: restore the tags.
      take(model, { kind: 'retag', env: 'prod' });
      fc.pre(model.planNow().type !== 'Hold');
      model.pass();
      const before = new Map(KEYS.map((key) => [key, model.value(model.twin, key)]));
      const decided = KEYS.filter((key) => model.isDecided(key));
      const ours = new Set(model.ledger.keys());
      take(model, { kind: 'commit', layers: {}, partial: false });
      model.pass();
      expect(model.problems).toEqual([]);
      expect(decided.filter((key) => model.value(model.twin, key) !== undefined)).toEqual([]);
      const others = KEYS.filter((key) => !ours.has(key));
      expect(others.map((key) => model.value(model.twin, key))).toEqual(others.map((key) => before.get(key)));
      const own = getPath(model.twin.tags, ['twinward', 'default', 'own']);
      expect(isObject(own) ? Object.keys(own) : []).toEqual([]);
    }),
    { numRuns: 1_000 },
  );
});
