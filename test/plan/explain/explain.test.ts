// Why a twin is as it is.
import { describe, expect, test } from 'vitest';
import type { Declared } from '../../../src/model/declared.ts';
import type { DeviceFacts, Twin } from '../../../src/model/twin.ts';
import { explainTwin, type SettingExplanation } from '../../../src/plan/explain/explain.ts';
import { decideTwin } from '../../../src/plan/twin/plan-twin.ts';
import { NO_OTHER_WRITERS } from '../../../src/plan/twin/other-writers.ts';
import type { Target } from '../../../src/plan/target/target.ts';
import {
  declare,
  deviceOf,
  envIs,
  LEAF,
  profileOf,
  selectorOf,
  settled,
  targetFor,
  targetOf,
  twinOf,
  NOW_MS,
  type Configurations,
  type DeclaredFields,
  type PlanOptions,
} from '../fixture.ts';

function explain(is: Configurations, live?: Twin, device: DeviceFacts = deviceOf()): SettingExplanation[] {
  const declared = declare(is);
  const target = targetFor(declared, { device });
  return explainTwin(inputOf(declared, target, device, live));
}

function inputOf(
  declared: Declared,
  target: Target,
  device: DeviceFacts,
  live: Twin | undefined,
): Parameters<typeof explainTwin>[0] {
  const scope = { declared, instance: 'default', hubMode: 'Enforce', target, device, live, nowMs: NOW_MS } as const;
  return { hubName: 'dev', decision: decideTwin({ ...scope, others: NO_OTHER_WRITERS }) };
}

/** `CONFIGURATION VERDICT: because` of each claim on a setting. */
function claims(explanations: readonly SettingExplanation[], name = 'a'): string[] | undefined {
  return explanations
    .find((one) => one.name === name)
    ?.claims.map(({ configuration, verdict, because }) => `${configuration} ${verdict}: ${because}`);
}

/** With exceptions, on a hub of `fleet` devices like this one. */
function explainExceptions(exceptions: NonNullable<DeclaredFields['exceptions']>, options: PlanOptions = {}) {
  const declared = declare({ high: HIGH }, { exceptions });
  const target = targetFor(declared, options);
  const device = options.device ?? deviceOf();
  return explainTwin(inputOf(declared, target, device, undefined));
}

const LOW = { set: { a: 1 } };
const HIGH = { priority: 5, set: { a: 9 } };

describe('the claims on a setting', () => {
  test.each<[sentence: string, is: Configurations, want: string[]]>([
    ['one alone', { low: LOW }, ['low Won: selector']],
    ['the winner first', { low: LOW, high: HIGH }, ['high Won: selector', 'low Lost: selector']],
    [
      'through a group',
      { low: { ...LOW, targets: [targetOf(selectorOf(), { group: 'all' })] } },
      ['low Won: group all'],
    ],
    [
      'by what has to be there and what must not',
      {
        low: {
          ...LOW,
          targets: [
            targetOf(
              selectorOf(
                { key: { kind: 'tag', path: ['env'] }, operator: 'Exists' },
                { key: { kind: 'tag', path: ['site'] }, operator: 'DoesNotExist' },
              ),
            ),
          ],
        },
      },
      ['low Won: selector: env exists, no site'],
    ],
    [
      'absence wins too',
      { low: LOW, high: { priority: 5, unset: ['a'] } },
      ['high Won: selector', 'low Lost: selector'],
    ],
    [
      'suspended',
      { low: LOW, high: { ...HIGH, suspend: true } },
      ['low Won: selector', 'high Out: suspend: true in its manifest, so what it owns stays as it is'],
    ],
    ['observed', { low: { ...LOW, mode: 'Observe' } }, ['low Out: mode Observe of the configuration, never merged']],
    ['ignored', { low: { ...LOW, policies: { a: 'Ignore' } } }, ['low Out: setting policy Ignore']],
    ['not selected', { low: { ...LOW, env: 'lab' } }, ['low Out: selector: env is "prod", not "lab"']],
    [
      'not selected for want of a tag',
      {
        low: {
          ...LOW,
          targets: [targetOf(selectorOf({ key: { kind: 'tag', path: ['site', 'name'] }, operator: 'Exists' }))],
        },
      },
      ['low Out: selector: site.name is absent, must exist'],
    ],
    [
      'not listed',
      { low: { ...LOW, targets: [targetOf({ requirements: [envIs('prod')], deviceIds: new Set(['d7']) })] } },
      ['low Out: selector: the device is not listed'],
    ],
    [
      'for another hub',
      { low: { ...LOW, targets: [targetOf(selectorOf(), { hubs: ['far'] })] } },
      ['low Out: not for hub dev'],
    ],
    ['for no group', { low: { ...LOW, targets: [] } }, ['low Out: no group has its labels']],
  ])('%s', (_sentence, is, want) => {
    expect(claims(explain(is))).toEqual(want);
  });

  test('of equal priority hold each other', () => {
    const found = claims(explain({ x: LOW, y: { set: { a: 2 } } }));
    expect(found?.map((claim) => claim.split(':')[0])).toEqual(['x Held', 'y Held']);
  });

  test('a frozen setting is not said to be won by a lower layer', () => {
    const live = settled(declare({ low: LOW, high: HIGH }), twinOf());
    const [setting] = explain({ low: LOW, high: { ...HIGH, suspend: true } }, live);
    expect(claims(setting === undefined ? [] : [setting])).toEqual([
      'low Lost: selector; SecurityConfiguration/high keeps it as it is',
      'high Out: suspend: true in its manifest, so what it owns stays as it is',
    ]);
    expect(setting).toMatchObject({ live: 9, owner: 'SecurityConfiguration/high' });
    expect(setting).not.toHaveProperty('declared');
  });
});

test('a setting that a frozen layer keeps absent is not said to be won by a lower layer', () => {
  const high = { priority: 5, set: { c: 1 }, unset: ['a'] };
  const live = settled(declare({ high }), twinOf());
  expect(claims(explain({ low: LOW, high: { ...high, suspend: true } }, live))).toContain(
    'low Lost: selector; SecurityConfiguration/high keeps it as it is',
  );
});

test('a setting has what is declared, what is live, whose it is and what the agent does without it', () => {
  const profile = profileOf('p', { section: ['g'], defaults: { a: 0 } });
  const is = { base: { profile, set: { a: 1, b: 2 } }, far: { profile, env: 'lab', set: { c: 3 } } };
  const explanations = explain(is, settled(declare(is), twinOf()));
  expect(explanations).toMatchObject([
    { name: 'a', declared: 1, live: 1, owner: 'SecurityConfiguration/base', agentDefault: 0, sensitive: false },
    { name: 'b', declared: 2, live: 2, owner: 'SecurityConfiguration/base' },
    { name: 'c' },
  ]);
  expect(explanations[1]).not.toHaveProperty('agentDefault');
  expect(explanations[2]).not.toHaveProperty('declared');
});

test('one name in two sections is two settings', () => {
  const is = { x: { profile: LEAF, set: { a: 1 } }, y: { profile: profileOf('h', { section: ['h'] }), set: { a: 2 } } };
  expect(explain(is, settled(declare(is), twinOf()))).toMatchObject([
    { name: 'a', declared: 1, live: 1, owner: 'SecurityConfiguration/x', claims: [{ configuration: 'x' }] },
    { name: 'a', declared: 2, live: 2, owner: 'SecurityConfiguration/y', claims: [{ configuration: 'y' }] },
  ]);
});

test('a configuration for another module is none of the claims', () => {
  const elsewhere = { profile: profileOf('elsewhere', { moduleId: 'other' }), set: { a: 2, z: 1 } };
  const explanations = explain({ low: LOW, elsewhere });
  expect(explanations.map(({ name }) => name)).toEqual(['a']);
  expect(claims(explanations)).toEqual(['low Won: selector']);
});

test('a setting that holds a secret is sensitive', () => {
  const profile = profileOf('p', { ownershipAtom: 'Setting', sensitive: ['up/key'] });
  const is = { base: { profile, set: { up: { url: 'u' }, other: 1 } } };
  const live = twinOf({ desired: { up: { key: 'k' } } });
  expect(explain(is, live).map(({ name, sensitive }) => [name, sensitive])).toEqual([
    ['other', false],
    ['up', true],
  ]);
});

test('a setting is sensitive where any of the profiles that name it says so', () => {
  const open = { profile: profileOf('open', { section: ['g'] }), set: { token: 't' } };
  const closed = { profile: profileOf('closed', { section: ['g'], sensitive: ['token'] }), set: { token: 't' } };
  expect(explain({ open, closed })).toMatchObject([{ name: 'token', sensitive: true }]);
  expect(explain({ open })).toMatchObject([{ name: 'token', sensitive: false }]);
});

describe('exceptions among the claims', () => {
  const INC = { set: { a: 7 } };
  const by = { who: 'ana@desk', reason: 'INC-9', untilMs: undefined };
  test.each<
    [sentence: string, exceptions: NonNullable<DeclaredFields['exceptions']>, options: PlanOptions, want: string[]]
  >([
    [
      'the winner, with its end and its reason',
      { inc: INC },
      {},
      ['inc Won: exception until 2026-11-23T18:40:00Z: INC-812', 'high Lost: selector'],
    ],
    [
      'one that has ended',
      { inc: { ...INC, expiresAtMs: NOW_MS } },
      {},
      ['high Won: selector', 'inc Out: exception, ended 2026-11-23T17:40:00Z'],
    ],
    [
      'one that does not select the device',
      { inc: { ...INC, env: 'lab' } },
      {},
      ['high Won: selector', 'inc Out: selector: env is "prod", not "lab"'],
    ],
    [
      'one that is for fewer devices',
      { inc: { ...INC, maxDevices: 1 } },
      { fleet: [deviceOf(), { ...deviceOf(), deviceId: 'd2' }] },
      ['inc Held: exception until 2026-11-23T18:40:00Z: INC-812', 'high Lost: selector'],
    ],
    [
      'all of them suspended by a person',
      { inc: INC },
      { suspensions: [{ scope: 'Device', name: 'd1', ...by }] },
      ['inc Out: The device is suspended by ana@desk: INC-9', 'high Out: The device is suspended by ana@desk: INC-9'],
    ],
  ])('%s', (_sentence, exceptions, options, want) => {
    const explained = explainExceptions(exceptions, options);
    expect(claims(explained)).toEqual(want);
    const priorities = explained[0]?.claims.map((claim) => [claim.configuration, 'priority' in claim]) ?? [];
    expect(Object.fromEntries(priorities)).toEqual({ inc: false, high: true });
  });
});

describe('what comes next for a setting', () => {
  const by = { who: 'ana@desk', reason: 'INC-9', untilMs: undefined };
  const KEEPS = profileOf('keeps', { section: ['g'], onRemove: 'Keep' });

  /** The twin after `before`, explained by `after`; another writer may have changed it. */
  function next(
    before: Configurations,
    after: Configurations,
    { partial = false, edit, suspensions, device }: NextOptions = {},
  ): string | undefined {
    const settledTwin = settled(declare(before), twinOf());
    const live =
      edit === undefined ? settledTwin : { ...settledTwin, properties: { ...settledTwin.properties, desired: edit } };
    const declared = declare(after, { partial });
    const options = { device: device ?? deviceOf(), ...(suspensions === undefined ? {} : { suspensions }) };
    const target = targetFor(declared, options);
    const found = explainTwin({ ...inputOf(declared, target, options.device, live), key: 'a' });
    const step = found.find(({ name }) => name === 'a')?.next;
    return step && [step.step, step.reason ?? '-', step.because].join(' ');
  }

  interface NextOptions {
    readonly partial?: boolean;
    readonly edit?: Twin['properties']['desired'];
    readonly suspensions?: PlanOptions['suspensions'];
    readonly device?: DeviceFacts;
  }

  test.each<
    [sentence: string, before: Configurations, after: Configurations, options: NextOptions, want: string | undefined]
  >([
    ['nothing where it is as declared', { low: LOW }, { low: LOW }, {}, undefined],
    [
      'a new value',
      { low: LOW },
      { low: { set: { a: 2 } } },
      {},
      'Written ConfigurationChanged the manifests changed since the last write',
    ],
    ['an edit', { low: LOW }, { low: LOW }, { edit: { g: { a: 5 } } }, 'Written Drift another writer changed it'],
    ['a removal by hand', { low: LOW }, { low: LOW }, { edit: {} }, 'Written Drift another writer removed it'],
    [
      'another owner with the same value',
      { low: LOW },
      { next: LOW },
      {},
      "Adopted OwnerChanged it means what is declared, and is SecurityConfiguration/next's from then on",
    ],
    [
      'one that means what is declared already',
      {},
      { low: LOW },
      { edit: { g: { a: 1 } } },
      "Adopted Adopted it means what is declared, and is SecurityConfiguration/low's from then on",
    ],
    [
      'a profile that never removes',
      { low: { profile: KEEPS, set: { a: 1, b: 1 } } },
      { low: { profile: KEEPS, set: { b: 1 } } },
      {},
      'Released Released SecurityConfiguration/low no longer writes it; profile keeps never removes it',
    ],
    [
      'one that became Ignore',
      { low: { set: { a: 1, b: 1 } } },
      { low: { set: { a: 1, b: 1 }, policies: { a: 'Ignore' } } },
      {},
      'Released Released SecurityConfiguration/low no longer writes it; another configuration names it without writing it, so it stays',
    ],
    [
      'one that is removed and is not there any more',
      { low: { set: { a: 1, b: 1 } } },
      { low: { set: { b: 1 } } },
      { edit: { g: { b: 1 } } },
      'Released Released SecurityConfiguration/low no longer writes it; it is not on the twin',
    ],
    [
      'an owner outside of the input',
      { low: LOW },
      { other: { set: { b: 1 } } },
      { partial: true },
      'Kept OutOfInput SecurityConfiguration/low is not in this part of the source',
    ],
    [
      'one that an owner outside of the input has otherwise',
      { high: HIGH },
      { low: LOW },
      { partial: true },
      'Kept OutOfInput an owner that is not in this part of the source has it',
    ],
    [
      'one that a mode keeps from being written',
      {},
      { low: { ...LOW, mode: 'Observe' } },
      { edit: { g: { a: 5 } } },
      'Kept ModeObserve it differs, and the mode of SecurityConfiguration/low is Observe',
    ],
    [
      'a suspension',
      { low: LOW },
      { low: { set: { a: 2 } } },
      { suspensions: [{ scope: 'Device', name: 'd1', ...by }] },
      'Kept Suspended The device is suspended by ana@desk: INC-9 (twinward resume --device d1 ends it)',
    ],
    [
      'nobody of ours',
      {},
      { other: { set: { b: 1 } } },
      { edit: { g: { a: 1, b: 1 } } },
      'Kept - no manifest declares it and our record does not hold it: it is never touched',
    ],
    ['nobody at all', {}, { other: { set: { b: 1 } } }, {}, undefined],
  ])('%s', (_sentence, before, after, options, want) => {
    expect(next(before, after, options)).toBe(want);
  });
});
