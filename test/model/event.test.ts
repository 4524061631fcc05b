// Events as data: their types, and what they leave out.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { REASONS, CHANGE_CAUSES, type SettingChange } from '../../src/model/action.ts';
import { EVENT_REASONS, eventType, isWriteEvent, recordedChanges } from '../../src/model/event.ts';
import type { Json } from '../../src/model/json.ts';
import { SAMPLES } from '../support/sample-events.ts';

const EVENTS = Object.values(SAMPLES).map(([event]) => event);

test('each reason has one type', () => {
  for (const type of ['Normal', 'Warning'] as const) {
    expect(new Set(EVENTS.filter((event) => eventType(event) === type).map(({ reason }) => reason))).toEqual(
      new Set(EVENT_REASONS[type]),
    );
  }
});

test('writes can be told from all other events', () => {
  expect(EVENTS.filter(isWriteEvent).map(({ reason }) => reason)).toEqual([...REASONS.Patch, ...REASONS.Record]);
});

/** Long enough that none comes about by chance. */
const secret = fc.stringMatching(/^[0-9a-f]{12,20}$/);
const sensitiveValue: fc.Arbitrary<Json> = fc.oneof(
  secret,
  secret.map((value) => ({ value })),
  fc.array(secret, { maxLength: 3 }),
  secret.map((key) => ({ [key]: true })),
);
const change: fc.Arbitrary<SettingChange> = fc.record({
  name: fc.constantFrom('a', 'b/c'),
  path: fc.constant(['g', 'a']),
  before: fc.option(sensitiveValue, { nil: undefined }),
  after: fc.option(sensitiveValue, { nil: undefined }),
  owner: fc.constant('SecurityConfiguration/base'),
  cause: fc.constantFrom(...CHANGE_CAUSES),
  sensitive: fc.constant(false),
});

test('no value of a sensitive setting is recorded, only whether there was one', () => {
  fc.assert(
    fc.property(change, (one) => {
      const { before, after, ...rest } = one;
      const recorded = recordedChanges([{ ...one, sensitive: true }]);
      expect(JSON.stringify(recorded)).not.toMatch(/[0-9a-f]{12}/);
      const given = { before: before === undefined ? undefined : null, after: after === undefined ? undefined : null };
      expect(recorded).toEqual([{ ...rest, ...given, sensitive: true }]);
    }),
  );
});

test('every other value is recorded as it is', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), (changes) => {
      expect(recordedChanges(changes)).toEqual(changes);
    }),
  );
});
