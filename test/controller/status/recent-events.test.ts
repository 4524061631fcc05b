// The last events of a controller.
import { expect, test } from 'vitest';
import { EVENTS_MAX, RecentEvents } from '../../../src/controller/status/recent-events.ts';
import type { TwinEvent } from '../../../src/ports/recorder.ts';
import { createTestClock } from '../../support/test-clock.ts';

function event(deviceId: string, message = '~ a 1 → 2'): TwinEvent {
  return { hub: 'dev', deviceId, moduleId: 'm', type: 'Normal', reason: 'Drift', message };
}

test('what is told again is counted, and comes last', async () => {
  const clock = createTestClock(0);
  const events = new RecentEvents(clock);
  events.record(event('a'));
  events.record(event('b'));
  await clock.advance(5_000);
  events.record(event('a'));
  events.record(event('a', '~ a 2 → 3'));
  expect(events.after(0)).toEqual([
    { ...event('b'), sequence: 2, firstAtMs: 0, lastAtMs: 0, count: 1 },
    { ...event('a'), sequence: 3, firstAtMs: 0, lastAtMs: 5_000, count: 2 },
    { ...event('a', '~ a 2 → 3'), sequence: 4, firstAtMs: 5_000, lastAtMs: 5_000, count: 1 },
  ]);
  expect(events.latest).toBe(4);
  expect(events.after(3).map(({ sequence }) => sequence)).toEqual([4]);
});

test('a warning is counted by what it is about, and its last message stands', () => {
  const events = new RecentEvents(createTestClock(0));
  for (const message of ['12 twins', '13 twins']) {
    events.record({ hub: 'dev', type: 'Warning', reason: 'GuardRefused', message });
    events.record({ type: 'Warning', reason: 'ReadFailed', message });
  }
  expect(events.after(0).map(({ hub, reason, message, count }) => [hub, reason, message, count])).toEqual([
    ['dev', 'GuardRefused', '13 twins', 2],
    [undefined, 'ReadFailed', '13 twins', 2],
  ]);
});

test('the oldest go', () => {
  const events = new RecentEvents(createTestClock());
  for (let index = 0; index < EVENTS_MAX + 5; index += 1) events.record(event(`d${index}`));
  const kept = events.after(0);
  expect(kept).toHaveLength(EVENTS_MAX);
  expect([kept[0]?.deviceId, kept.at(-1)?.deviceId]).toEqual(['d5', `d${EVENTS_MAX + 4}`]);
});
