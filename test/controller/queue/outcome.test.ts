import { describe, expect, test } from 'vitest';
import { classify, type Outcome } from '../../../src/controller/queue/outcome.ts';
import { HubError, type HubErrorCode } from '../../../src/model/errors.ts';

const NOON = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Every code: a new one fails to compile here until somebody has thought about it. */
const OUTCOMES: Readonly<Record<HubErrorCode, Outcome>> = {
  NotFound: { kind: 'Settled' },
  Aborted: { kind: 'Settled' },
  AlreadyExists: { kind: 'Retry', pace: 'Normal' },
  PreconditionFailed: { kind: 'Retry', pace: 'Normal' },
  Timeout: { kind: 'Retry', pace: 'Normal' },
  Unavailable: { kind: 'Retry', pace: 'Normal' },
  Malformed: { kind: 'Retry', pace: 'Normal' },
  Throttled: { kind: 'Retry', pace: 'Throttled' },
  QuotaExceeded: { kind: 'RequeueAfter', delayMs: 12 * HOUR + 2 * MINUTE },
  Unauthorized: { kind: 'Stalled' },
  TooLarge: { kind: 'Stalled' },
  Invalid: { kind: 'Stalled' },
};

describe('what a failure of the hub leads to', () => {
  test.each(Object.entries(OUTCOMES))('%s', (code, outcome) => {
    expect(classify(new HubError(code as HubErrorCode, 'why'), NOON)).toEqual(outcome);
  });

  test('a spent quota is asked for again a little after midnight, also by a clock that is a minute ahead', () => {
    const midnight = Date.UTC(2026, 10, 24);
    for (const nowMs of [midnight - 1, midnight - MINUTE, midnight - 23 * HOUR]) {
      const outcome = classify(new HubError('QuotaExceeded', 'why'), nowMs);
      const atMs = outcome.kind === 'RequeueAfter' ? nowMs + outcome.delayMs : 0;
      expect(atMs).toBeGreaterThan(midnight + MINUTE);
      expect(atMs).toBeLessThan(midnight + 5 * MINUTE);
    }
  });
});
