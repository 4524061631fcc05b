// A change in one line of plain text.
import { describe, expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import type { SettingChange } from '../../../src/model/action.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import { changesText, shortValue, valuesText } from '../../../src/plan/report/change-text.ts';

function change(before: Json | undefined, after: Json | undefined, sensitive = false): SettingChange {
  return { name: 'a', path: ['a'], before, after, owner: configurationOwner('o'), cause: 'Drift', sensitive };
}

describe('one change', () => {
  test.each<[sentence: string, given: SettingChange, text: string, values: string]>([
    ['added', change(undefined, 'High'), '+ a "High"', '"High"'],
    ['removed', change('High', undefined), '- a "High"', '"High"'],
    ['changed', change('Low', 'High'), '~ a "Low" → "High"', '"Low" → "High"'],
    ['wrapped', change({ value: 1 }, { value: 2 }), '~ a 1 → 2', '1 → 2'],
    ['of a secret', change('Low', 'High', true), '~ a (sensitive) → (sensitive)', '(sensitive) → (sensitive)'],
    ['false to nothing', change(false, undefined), '- a false', 'false'],
  ])('%s', (_sentence, given, text, values) => {
    expect(changesText([given])).toBe(text);
    expect(valuesText(given)).toBe(values);
  });
});

test('of many changes the first five are told', () => {
  const text = changesText(Array.from({ length: 7 }, () => change(1, 2)));
  expect(text.match(/~ a 1 → 2/g)).toHaveLength(5);
  expect(text).toMatch(/, and 2 more$/);
});

test.each<[value: Json, want: string]>([
  [{ value: 'x', note: 1 }, '{"value":"x","note":1}'],
  [{ val: 1, ue: 2 }, '{"val":1,"ue":2}'],
  ['x'.repeat(58), `"${'x'.repeat(58)}"`],
  ['x'.repeat(59), `"${'x'.repeat(58)}…`],
])('%j in short', (value, want) => {
  expect(shortValue(value)).toBe(want);
});
