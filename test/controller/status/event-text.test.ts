// How events read.
import { describe, expect, test } from 'vitest';
import { eventMessage } from '../../../src/controller/status/event-text.ts';
import { EVENT_REASONS, recordedChanges } from '../../../src/model/event.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import type { Suspension } from '../../../src/model/suspension.ts';
import { SAMPLES, written } from '../../support/sample-events.ts';

describe('an event of each reason', () => {
  test.each(Object.entries(SAMPLES))('%s', (reason, [event, message]) => {
    expect(event.reason).toBe(reason);
    expect(eventMessage(event)).toBe(message);
  });

  test('no reason is left out', () => {
    expect(new Set(Object.keys(SAMPLES))).toEqual(new Set([...EVENT_REASONS.Normal, ...EVENT_REASONS.Warning]));
  });
});

test('of a sensitive setting it says whether it came, went or changed', () => {
  const change = {
    name: 'badge',
    path: ['guard', 'badge'],
    owner: configurationOwner('o'),
    cause: 'Drift',
    sensitive: true,
  } as const;
  const changes = recordedChanges([
    { ...change, before: undefined, after: 's1' },
    { ...change, before: 's1', after: 's2' },
    { ...change, before: 's2', after: undefined },
  ]);
  expect(eventMessage({ ...written('d', 1, 2), changes })).toBe(
    '+ badge (sensitive), ~ badge (sensitive) → (sensitive), - badge (sensitive)',
  );
});

test('a write that neither changes a setting nor says more has an empty text', () => {
  expect(eventMessage({ ...written('d', 1, 2), changes: [] })).toBe('');
});

describe('suspensions', () => {
  const of = { who: 'ada', reason: 'r', untilMs: undefined };
  const one = (name: string): Suspension => ({ ...of, scope: 'Device', name });

  test.each<[what: string, suspensions: readonly Suspension[], message: string]>([
    ['none', [], 'Nothing is suspended any more.'],
    ['a configuration', [{ ...of, scope: 'Configuration', name: 'kiosks' }], 'Suspended: configuration kiosks by ada.'],
    [
      'more than are shown',
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map(one),
      'Suspended: device a by ada, device b by ada, device c by ada, device d by ada, device e by ada, and 2 more.',
    ],
  ])('%s', (_what, suspensions, message) => {
    expect(eventMessage({ hub: 'dev', reason: 'SuspensionsChanged', suspensions })).toBe(message);
  });
});
