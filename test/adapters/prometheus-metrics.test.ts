// Numbers for Prometheus: what is declared is all there is, and the text is what a scraper reads.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { METRICS, prometheusMetrics } from '../../src/adapters/prometheus-metrics.ts';

const TYPES = { count: 'counter', gauge: 'gauge', observe: 'histogram' } as const;

describe('declarations', () => {
  test.each(Object.entries(METRICS))('%s follows the conventions', (name, { type, help, labels }) => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/\.$/);
    // A device's name is never a label: a fleet would be as many series.
    expect(labels.filter((label) => /device|module|key|error|message/.test(label))).toEqual([]);
  });

  test('cover every number that the code takes', () => {
    const uses = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts'))
      .map((path) => readFileSync(join('src', path), 'utf8'))
      .flatMap((text) => [...text.matchAll(/metrics\??\.(count|gauge|observe)\(\s*'([^']+)'/g)])
      .map(([, method = '', name = '']) => [name, TYPES[method as keyof typeof TYPES]]);
    expect(uses.length).toBeGreaterThan(5);
    for (const [name = '', type] of uses) expect([name, METRICS[name]?.type]).toEqual([name, type]);
  });
});

describe('the text', () => {
  test('has help, type, labels and values', async () => {
    const metrics = prometheusMetrics();
    metrics.count('twinward_patches_total', { hub: 'prod', result: 'written' });
    metrics.count('twinward_patches_total', { hub: 'prod', result: 'written' }, 4);
    metrics.gauge('twinward_devices', { hub: 'prod', state: 'InSync' }, 7);
    metrics.gauge('twinward_devices', { hub: 'prod', state: 'InSync' }, 5);
    metrics.observe('controller_runtime_reconcile_time_seconds', { controller: 'twin' }, 0.2);
    const lines = (await metrics.text()).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        '# HELP twinward_patches_total Writes to twins, by result.',
        '# TYPE twinward_patches_total counter',
        'twinward_patches_total{hub="prod",result="written"} 5',
        'twinward_devices{hub="prod",state="InSync"} 5',
        'controller_runtime_reconcile_time_seconds_bucket{le="0.1",controller="twin"} 0',
        'controller_runtime_reconcile_time_seconds_bucket{le="0.25",controller="twin"} 1',
        'controller_runtime_reconcile_time_seconds_count{controller="twin"} 1',
      ]),
    );
    expect(metrics.contentType).toContain('text/plain');
  });

  test('has the process too, and two of them do not mix', async () => {
    const [one, other] = [prometheusMetrics(), prometheusMetrics()];
    one.count('twinward_drift_corrected_total', { hub: 'prod' });
    expect(await one.text()).toContain('process_cpu_seconds_total');
    expect(await other.text()).not.toContain('twinward_drift_corrected_total{');
  });

  test('escapes label values', async () => {
    const metrics = prometheusMetrics();
    metrics.count('twinward_drift_corrected_total', { hub: 'a"b\\c\nd' });
    expect(await metrics.text()).toContain(String.raw`twinward_drift_corrected_total{hub="a\"b\\c\nd"} 1`);
  });
});

describe('a bug is said where', () => {
  const rows: readonly (readonly [sentence: string, act: (metrics: ReturnType<typeof prometheusMetrics>) => void])[] = [
    ['a name is not declared', (metrics) => metrics.count('twinward_nothing_total', {})],
    ['a name is an inherited one', (metrics) => metrics.count('constructor', {})],
    ['a counter is used as a gauge', (metrics) => metrics.gauge('twinward_patches_total', {}, 1)],
    ['a label is not declared', (metrics) => metrics.count('twinward_patches_total', { device: 'd' })],
  ];
  test.each(rows)('%s', (_sentence, act) => {
    expect(() => act(prometheusMetrics())).toThrow(/Bug in Twinward|label/);
  });
});
