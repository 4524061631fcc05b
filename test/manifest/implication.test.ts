import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { implies } from '../../src/manifest/implication.ts';
import { excludeEachOther } from '../../src/manifest/selector.ts';
import type { FactKey, Requirement, Scalar, Selector } from '../../src/model/selector.ts';
import type { DeviceFacts } from '../../src/model/twin.ts';
import { matches } from '../../src/plan/select/selection.ts';

const VALUES: readonly Scalar[] = ['a', 'b', '0', 0, true, 'true'];
const IDS = ['d1', 'd2', 'd3'];

const key = fc.constantFrom<FactKey>(
  { kind: 'tag', path: ['x'] },
  { kind: 'tag', path: ['y'] },
  { kind: 'tag', path: ['x', 'z'] },
  { kind: 'deviceId' },
  { kind: 'status' },
  { kind: 'iotEdge' },
);
const values = fc.uniqueArray(fc.constantFrom(...VALUES, ...IDS, 'enabled'), { minLength: 1, maxLength: 4 });
const requirement: fc.Arbitrary<Requirement> = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
);
const requirements = fc.array(requirement, { maxLength: 3 });
const deviceIds = fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1 }).map((ids) => new Set(ids));
const selector: fc.Arbitrary<Selector> = fc.oneof(fc.record({ requirements }), fc.record({ requirements, deviceIds }));
const fact = fc.option(fc.constantFrom(...VALUES), { nil: undefined });
const device: fc.Arbitrary<DeviceFacts> = fc
  .record({
    deviceId: fc.constantFrom(...IDS),
    status: fc.constantFrom('enabled', 'disabled'),
    iotEdge: fc.boolean(),
    x: fact,
    y: fact,
    z: fact,
  })
  .map(({ deviceId, status, iotEdge, x, y, z }) => ({
    deviceId,
    status,
    iotEdge,
    tags: { ...(z !== undefined ? { x: { z } } : x === undefined ? {} : { x }), ...(y === undefined ? {} : { y }) },
  }));
/** A selector and one that says less, so that implications are met often. */
const pair = fc.oneof(
  fc.tuple(selector, selector),
  fc
    .tuple(selector, requirements)
    .map(([b, more]) => [{ ...b, requirements: [...b.requirements, ...more] }, b] as const),
);

describe('what one selector proves of another', () => {
  test('what is implied holds on every device', () => {
    fc.assert(
      fc.property(pair, fc.array(device, { minLength: 5, maxLength: 20 }), ([a, b], devices) => {
        if (!implies(a, b)) return;
        for (const facts of devices) expect(!matches(a, facts) || matches(b, facts)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test('what excludes each other has no device in common', () => {
    fc.assert(
      fc.property(selector, selector, fc.array(device, { minLength: 5, maxLength: 20 }), (a, b, devices) => {
        if (!excludeEachOther(a, b)) return;
        for (const facts of devices) expect(matches(a, facts) && matches(b, facts)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });

  const x = (operator: 'In' | 'NotIn', ...list: Scalar[]): Selector => ({
    requirements: [{ key: { kind: 'tag', path: ['x'] }, operator, values: list }],
  });
  const has = (operator: 'Exists' | 'DoesNotExist'): Selector => ({
    requirements: [{ key: { kind: 'tag', path: ['x'] }, operator }],
  });
  const everything: Selector = { requirements: [] };
  const named = (...ids: string[]): Selector => ({ requirements: [], deviceIds: new Set(ids) });

  test.each<[sentence: string, a: Selector, b: Selector, want: boolean]>([
    ['fewer values', x('In', 'a'), x('In', 'a', 'b'), true],
    ['more values', x('In', 'a', 'b'), x('In', 'a'), false],
    ['0 is not "0"', x('In', 0), x('In', '0'), false],
    ['a value exists', x('In', 'a'), has('Exists'), true],
    ['what exists has not this value', has('Exists'), x('In', 'a'), false],
    ['a value is not another', x('In', 'a'), x('NotIn', 'b'), true],
    ['a value is not itself', x('In', 'a'), x('NotIn', 'a'), false],
    ['absence is not a value', has('DoesNotExist'), x('NotIn', 'a'), true],
    ['not this is absence perhaps', x('NotIn', 'a'), has('DoesNotExist'), false],
    ['more values left out', x('NotIn', 'a', 'b'), x('NotIn', 'a'), true],
    ['anything is everything', x('In', 'a'), everything, true],
    ['everything is not something', everything, x('In', 'a'), false],
    ['fewer devices', named('d1'), named('d1', 'd2'), true],
    ['more devices', named('d1', 'd2'), named('d1'), false],
    ['a tag does not name devices', x('In', 'a'), named('d1'), false],
  ])('%s', (_sentence, a, b, want) => expect(implies(a, b)).toBe(want));
});
