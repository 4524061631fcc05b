import { describe, expect, test } from 'vitest';
import { sampledLog } from '../../../src/controller/queue/sampled-log.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { createLog } from '../fixture.ts';

const LINES_PER_MINUTE = 10;

describe('a sampled log', () => {
  test('lets the first lines of a message through and counts the others', async () => {
    const clock = createTestClock();
    const log = createLog();
    const sampled = sampledLog(log, clock);
    for (let index = 0; index < 10_000; index += 1) sampled.warn('Twin not reconciled', { device: `d${index}` });
    expect(log.lines).toHaveLength(LINES_PER_MINUTE);
    sampled.reportOmitted();
    expect(log.lines).toHaveLength(LINES_PER_MINUTE);
    await clock.advance(60_000);
    sampled.reportOmitted();
    sampled.reportOmitted();
    expect(log.lines.slice(LINES_PER_MINUTE)).toEqual([
      { level: 'warn', message: 'Twin not reconciled', fields: { omitted: 10_000 - LINES_PER_MINUTE } },
    ]);
  });

  test('counts each message and each level by itself', () => {
    const log = createLog();
    const sampled = sampledLog(log, createTestClock());
    for (let index = 0; index < 20; index += 1) sampled.warn('one');
    sampled.warn('two');
    sampled.error('one');
    sampled.info('one');
    expect(log.lines.slice(LINES_PER_MINUTE).map(({ level, message }) => `${level} ${message}`)).toEqual([
      'warn two',
      'error one',
      'info one',
    ]);
  });

  test('begins anew each minute and says first what it left out', async () => {
    const clock = createTestClock();
    const log = createLog();
    const sampled = sampledLog(log, clock);
    for (let index = 0; index < LINES_PER_MINUTE + 3; index += 1) sampled.info('m');
    await clock.advance(60_000);
    sampled.info('m', { again: true });
    expect(log.lines.slice(LINES_PER_MINUTE).map(({ fields }) => fields)).toEqual([{ omitted: 3 }, { again: true }]);
  });

  test('says at the end what it left out, and lets everything for debugging through', () => {
    const log = createLog();
    const sampled = sampledLog(log, createTestClock());
    for (let index = 0; index < 50; index += 1) sampled.debug('all of it');
    for (let index = 0; index < LINES_PER_MINUTE + 1; index += 1) sampled.warn('w');
    sampled.reportAllOmitted();
    expect(log.lines).toHaveLength(50 + LINES_PER_MINUTE + 1);
    expect(log.lines.at(-1)?.fields).toEqual({ omitted: 1 });
  });

  test('counts the lines of its children together, each with its own fields', () => {
    const log = createLog();
    const sampled = sampledLog(log.child({ hub: 'dev' }), createTestClock());
    for (let index = 0; index < 20; index += 1) sampled.child({ device: `d${index}` }).warn('w', { n: index });
    sampled.reportAllOmitted();
    expect(log.lines).toHaveLength(LINES_PER_MINUTE + 1);
    expect(log.lines[3]?.fields).toEqual({ hub: 'dev', device: 'd3', n: 3 });
    expect(log.lines.at(-1)?.fields).toEqual({ hub: 'dev', omitted: 20 - LINES_PER_MINUTE });
  });
});
