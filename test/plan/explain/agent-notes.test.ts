// Notes about agents in plans.
import { describe, expect, test } from 'vitest';
import { agentDefault, wholeSections } from '../../../src/plan/explain/agent-notes.ts';
import { declare, LEAF, plan, profileOf, ROOT, settled, twinOf, WRAPPED } from '../fixture.ts';

describe('what an agent falls back to', () => {
  const one = profileOf('one', { defaults: { a: 1, b: { value: 2 } } });

  test.each([
    ['as its profile says', [one], 'a', 1],
    ['as the profiles say that know it', [one, profileOf('two')], 'a', 1],
    ['as several profiles say alike', [one, profileOf('two', { defaults: { b: { value: 2 } } })], 'b', { value: 2 }],
    ['is not told where they differ', [one, profileOf('two', { defaults: { a: 7 } })], 'a', undefined],
    ['is not told where none knows', [one], 'c', undefined],
    ['is not that of another module', [{ ...one, moduleId: 'other' }], 'a', undefined],
  ])('%s', (_sentence, profiles, name, want) => {
    expect(agentDefault(profiles, one.moduleId, name)).toEqual(want);
  });
});

describe('sections that are sent whole', () => {
  const change = (profile: typeof ROOT, live: Record<string, number>) => {
    const before = declare({ base: { profile, set: live } });
    return plan(declare({ base: { profile, set: { ...live, a: 9 } } }), settled(before, twinOf()));
  };

  test('are counted by module, fewest and most; one that goes is not sent', () => {
    const actions = [change(ROOT, { a: 1 }), change(ROOT, { a: 1, b: 1, c: 1 })];
    expect(wholeSections(actions, [ROOT, LEAF])).toEqual([{ moduleId: ROOT.moduleId, fewest: 1, most: 3 }]);
    const without = plan(
      declare({ base: { profile: WRAPPED, set: { b: 1 } } }),
      settled(declare({ base: { profile: WRAPPED, set: { a: 1, b: 1 } } }), twinOf()),
    );
    expect(wholeSections([without], [WRAPPED])).toEqual([{ moduleId: WRAPPED.moduleId, fewest: 1, most: 1 }]);
  });

  test('are none where single settings are enough, and where nothing is patched', () => {
    expect(wholeSections([change(LEAF, { a: 1, b: 1 })], [LEAF])).toEqual([]);
    const equal = declare({ base: { profile: ROOT, set: { a: 1 } } });
    expect(wholeSections([plan(equal, settled(equal, twinOf()))], [ROOT])).toEqual([]);
  });
});
