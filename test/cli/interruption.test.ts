import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { pause } from '../../src/cli/interruption.ts';
import { createTestClock } from '../support/test-clock.ts';

describe('a pause', () => {
  test('takes as long as it says, and leaves nothing behind', async () => {
    const clock = createTestClock();
    const { signal } = new AbortController();
    let isOver = false;
    const pausing = pause({ clock, interrupted: signal }, 1_000).then(() => {
      isOver = true;
    });
    await clock.advance(999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    await pausing;
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  test.each(['before', 'during'])('is over at once where somebody wants to stop %s it', async (when) => {
    const clock = createTestClock();
    const interruption = new AbortController();
    if (when === 'before') interruption.abort();
    const pausing = pause({ clock, interrupted: interruption.signal }, 1_000);
    interruption.abort();
    await pausing;
    expect(clock.pending).toBe(0);
    expect(getEventListeners(interruption.signal, 'abort')).toEqual([]);
  });
});
