// The last events of a controller.
import { expect, test } from 'vitest';
import { RecentEvents } from '../../../src/controller/status/recent-events.ts';
import { written } from '../../support/sample-events.ts';
import { createTestClock } from '../../support/test-clock.ts';

const EVENTS_MAX = 1_000;

test('the same write again is counted, and comes last with the data of its last time', async () => {
  const clock = createTestClock(0);
  const events = new RecentEvents(clock);
  const again = { ...written('a', 1, 2), revision: 'r2', etagBefore: 'AAAAAAAAAAY=', etagAfter: 'AAAAAAAAAAc=' };
  events.record(written('a', 1, 2));
  events.record(written('b', 1, 2));
  await clock.advance(5_000);
  events.record(again);
  events.record(written('a', 2, 3));
  expect(events.after(0)).toEqual([
    { ...written('b', 1, 2), sequence: 2, firstAtMs: 0, lastAtMs: 0, count: 1 },
    { ...again, sequence: 3, firstAtMs: 0, lastAtMs: 5_000, count: 2 },
    { ...written('a', 2, 3), sequence: 4, firstAtMs: 5_000, lastAtMs: 5_000, count: 1 },
  ]);
  expect(events.latest).toBe(4);
  expect(events.after(3).map(({ sequence }) => sequence)).toEqual([4]);
});

test('writes of other values, for another reason or with other words are not the same', () => {
  const events = new RecentEvents(createTestClock(0));
  const one = written('a', 1, 2);
  for (const event of [one, { ...one, changes: [] }, { ...one, detail: 'x' }, written('a', undefined, 2)]) {
    events.record(event);
    events.record({ ...event, reason: 'Nudge' });
    events.record({ ...event, moduleId: 'other' });
  }
  expect(events.after(0).map(({ count }) => count)).toEqual(Array(12).fill(1));
});

test('a warning is counted by what it is about, and the data of the last stand', () => {
  const events = new RecentEvents(createTestClock(0));
  for (const detail of ['12 twins', '13 twins']) {
    events.record({ hub: 'dev', reason: 'GuardRefused', refused: [], approval: undefined, detail });
    events.record({ reason: 'ReadFailed', detail, kept: undefined });
  }
  expect(events.after(0)).toMatchObject([
    { hub: 'dev', reason: 'GuardRefused', detail: '13 twins', count: 2 },
    { reason: 'ReadFailed', detail: '13 twins', count: 2 },
  ]);
});

test('any other event is counted by all that it says', () => {
  const events = new RecentEvents(createTestClock(0));
  for (const from of ['ListFailed', 'ListEmpty', 'ListFailed'] as const) {
    events.record({ hub: 'dev', reason: 'Recovered', from });
    events.record({ hub: 'lab', reason: 'Recovered', from });
  }
  expect(events.after(0)).toMatchObject([
    { hub: 'dev', from: 'ListEmpty', count: 1 },
    { hub: 'lab', from: 'ListEmpty', count: 1 },
    { hub: 'dev', from: 'ListFailed', count: 2 },
    { hub: 'lab', from: 'ListFailed', count: 2 },
  ]);
});

test('the oldest go', () => {
  const events = new RecentEvents(createTestClock());
  for (let index = 0; index < EVENTS_MAX + 5; index += 1) events.record(written(`d${index}`, 1, 2));
  const kept = events.after(0);
  expect(kept).toHaveLength(EVENTS_MAX);
  expect([kept[0]?.deviceId, kept.at(-1)?.deviceId]).toEqual(['d5', `d${EVENTS_MAX + 4}`]);
});
