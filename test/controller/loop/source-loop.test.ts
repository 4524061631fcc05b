import { describe, expect, test } from 'vitest';
import { SourceLoop } from '../../../src/controller/loop/source-loop.ts';
import { ManifestLoader } from '../../../src/manifest/load.ts';
import type { Declared } from '../../../src/model/declared.ts';
import { SourceError } from '../../../src/model/errors.ts';
import { createTestClock, type TestClock } from '../../support/test-clock.ts';
import {
  createLog,
  createMetrics,
  createSource,
  HALF,
  manifests,
  PROD,
  snapshotOf,
  type Lines,
  type Numbers,
  type TestSource,
} from '../fixture.ts';

type SourceLoopOptions = ConstructorParameters<typeof SourceLoop>[0];

const GOOD = manifests({ base: `${PROD}, settings: {scan: PT1H}` });
const BETTER = manifests({ base: `${PROD}, settings: {scan: PT2H}` });
const BROKEN = manifests({ base: `${PROD}, setings: {scan: PT1H}` });
const PERIOD_MS = 300_000;

interface Started {
  readonly clock: TestClock;
  readonly source: TestSource;
  readonly loop: SourceLoop;
  readonly log: Lines;
  readonly metrics: Numbers;
  readonly declared: Declared[];
}

async function start(
  content: Parameters<typeof createSource>[0],
  options: Partial<SourceLoopOptions> = {},
): Promise<Started> {
  const clock = createTestClock();
  const source = createSource(content);
  const log = createLog();
  const metrics = createMetrics();
  const declared: Declared[] = [];
  const loop = new SourceLoop({
    source,
    clock,
    random: HALF,
    log,
    metrics,
    loader: new ManifestLoader(),
    periodMs: PERIOD_MS,
    onDeclared: async (state) => void declared.push(state),
    ...options,
  });
  await clock.flush();
  return { clock, source, loop, log, metrics, declared };
}

/** Information that was logged, in order. */
function told({ log }: Started): string[] {
  return log.lines.filter(({ level }) => level === 'info').map(({ message }) => message);
}

test.each([
  ['a mistake', BROKEN],
  ['a failed read', new SourceError('Unreadable', 'no disk')],
])('the very manifests from before %s are good again, and that is told once', async (_sentence, bad) => {
  const started = await start(GOOD);
  const { clock, source, loop } = started;
  source.set(bad);
  loop.requestRead();
  await clock.flush();
  expect(told(started)).toEqual([]);
  source.set(GOOD);
  for (let time = 0; time < 2; time += 1) {
    loop.requestRead();
    await clock.flush();
  }
  expect(loop.condition.status).toBe('True');
  expect(told(started)).toEqual(['The source can be used again']);
});

describe('good manifests', () => {
  test('are handed on once, however often they are read', async () => {
    const { clock, source, loop, declared } = await start(GOOD);
    expect(declared).toHaveLength(1);
    expect(loop.condition).toMatchObject({ type: 'SourceReady', status: 'True', reason: 'Loaded' });
    await clock.advance(3 * PERIOD_MS);
    expect(source.reads.count).toBe(4);
    expect(declared).toHaveLength(1);
  });

  test('are read as soon as they change', async () => {
    const { clock, source, loop, declared } = await start(GOOD);
    source.set(BETTER);
    await clock.flush();
    expect(declared).toHaveLength(2);
    expect(loop.status().lastAppliedRevision).toBe(declared[1]?.revision);
  });

  test('are read now when somebody asks', async () => {
    const { clock, source, loop } = await start(GOOD);
    loop.requestRead();
    await clock.flush();
    expect(source.reads.count).toBe(2);
  });

  test('count as new where only the revision moved', async () => {
    let commit = 'a';
    const read = async (): Promise<ReturnType<typeof snapshotOf>> => ({
      ...snapshotOf(GOOD),
      revision: `sha1:${commit}`,
    });
    const { clock, declared, loop } = await start(GOOD, { source: { ...createSource(GOOD), read } });
    commit = 'b';
    await clock.advance(PERIOD_MS);
    expect(declared.map(({ revision }) => revision)).toEqual(['sha1:a', 'sha1:b']);
    expect(loop.status().lastAppliedRevision).toBe('sha1:b');
  });
});

describe('what can not be used', () => {
  test.each([
    { name: 'a broken manifest', content: BROKEN, reason: 'InvalidManifests', says: /TW\d{4} all\.yaml:\d+/ },
    { name: 'text that is no YAML', content: 'a: [', reason: 'InvalidManifests', says: /TW\d{4}/ },
    { name: 'an empty folder', content: undefined, reason: 'SourceEmpty', says: /removes nothing/ },
    { name: 'files without a document', content: '# nothing\n', reason: 'SourceEmpty', says: /removes nothing/ },
    {
      name: 'a folder that is gone',
      content: new SourceError('NotFound', 'There is no folder manifests.'),
      reason: 'ReadFailed',
      says: /no folder/,
    },
    { name: 'a bug', content: new TypeError('what?'), reason: 'ReadFailed', says: /bug/ },
  ])('$name keeps the last good state and says so', async ({ content, reason, says }) => {
    const { clock, source, loop, declared } = await start(GOOD);
    const { lastAppliedRevision } = loop.status();
    source.set(content);
    await clock.flush();
    expect(declared).toHaveLength(1);
    expect(loop.condition).toMatchObject({ status: 'False', reason });
    expect(loop.condition.message).toMatch(says);
    expect(loop.condition.message).toContain(`Revision ${lastAppliedRevision} still decides.`);
    expect(loop.status().lastAppliedRevision).toBe(lastAppliedRevision);
    source.set(GOOD);
    await clock.flush();
    expect(loop.condition.status).toBe('True');
  });

  test('at the start decides nothing, and is believed once it is good', async () => {
    const { clock, source, loop, declared } = await start(BROKEN);
    let isGood = false;
    void loop.firstGood.then(() => (isGood = true));
    await clock.flush();
    expect([isGood, declared.length]).toEqual([false, 0]);
    expect(loop.status()).toMatchObject({ lastAppliedRevision: undefined, diagnostics: [{ severity: 'error' }] });
    expect(loop.condition.message).not.toContain('still decides');
    source.set(GOOD);
    await clock.flush();
    expect([isGood, declared.length]).toEqual([true, 1]);
    expect(loop.status().diagnostics).toEqual([]);
  });

  test('is told once, not at each read', async () => {
    const { clock, log } = await start(BROKEN);
    const told = log.lines.length;
    expect(told).toBeGreaterThan(0);
    await clock.advance(5 * PERIOD_MS);
    expect(log.lines).toHaveLength(told);
  });

  test('is read again soon where it could not be read at all', async () => {
    const { clock, source, log } = await start(new SourceError('NotFound', 'not there yet'));
    const reads = source.reads.count;
    await clock.advance(10_000);
    expect(source.reads.count).toBeGreaterThan(reads + 2);
    const before = source.reads.count;
    await clock.advance(20 * PERIOD_MS);
    expect(source.reads.count - before).toBeLessThan(60);
    expect(log.lines).toHaveLength(1);
  });
});

describe('a watch', () => {
  test('that can not be had is no reason not to read, and is asked for again', async () => {
    const source = createSource(GOOD);
    let refusals = 2;
    const watch: TestSource['watch'] = (onTrigger) =>
      (refusals -= 1) >= 0 ? Promise.reject(new SourceError('Unreadable', 'no more watches')) : source.watch(onTrigger);
    const { clock, loop, log, declared } = await start(GOOD, { source: { ...source, watch } });
    expect(declared).toHaveLength(1);
    expect(loop.condition.status).toBe('True');
    await clock.advance(2 * PERIOD_MS);
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    expect(source.watches.count).toBe(1);
  });

  test('that fails for a reason nobody expected does not keep it from reading', async () => {
    const watch = (): Promise<never> => Promise.reject(new TypeError('what?'));
    const { declared, metrics } = await start(GOOD, { source: { ...createSource(GOOD), watch } });
    expect(declared).toHaveLength(1);
    expect(metrics.total('controller_runtime_reconcile_panics_total')).toBe(1);
  });

  test('ends with the loop', async () => {
    const { clock, loop, source } = await start(GOOD);
    expect(source.watches.count).toBe(1);
    await Promise.all([loop.stop(), loop.stop()]);
    expect([source.watches.count, clock.pending]).toEqual([0, 0]);
  });
});

describe('when the loop ends', () => {
  test.each(['read', 'watch'] as const)('a %s that hangs does not keep it', async (what) => {
    const hanging = (): Promise<never> => new Promise(() => {});
    const { loop, clock } = await start(GOOD, { source: { ...createSource(GOOD), [what]: hanging } });
    await loop.stop();
    expect(clock.pending).toBe(0);
  });

  test('a watch that comes too late is ended', async () => {
    const source = createSource(GOOD);
    const gate = Promise.withResolvers<void>();
    const watch: TestSource['watch'] = async (onTrigger) => {
      await gate.promise;
      return source.watch(onTrigger);
    };
    const { loop, clock } = await start(GOOD, { source: { ...source, watch } });
    await loop.stop();
    gate.resolve();
    await clock.flush();
    expect(source.watches.count).toBe(0);
  });
});

test('a state that could not be handed on is handed on again', async () => {
  let refusals = 1;
  const taken: Declared[] = [];
  const { clock, loop } = await start(GOOD, {
    onDeclared: async (declared) => {
      if ((refusals -= 1) >= 0) throw new TypeError('what?');
      taken.push(declared);
    },
  });
  expect(loop.condition.status).toBe('False');
  await clock.advance(PERIOD_MS);
  expect(taken).toHaveLength(1);
  expect(loop.condition.status).toBe('True');
});
