// The operator's log: levels, both encodings, and that no secret gets through.
import { describe, expect, test } from 'vitest';
import { jsonLog, type LogLevel } from '../../src/adapters/json-log.ts';
import type { Log, LogFields } from '../../src/ports/log.ts';

const clock = { now: () => Date.UTC(2026, 10, 23, 17, 40, 5, 250), schedule: () => () => {} };
const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

function linesOf(encoding: 'json' | 'console', level: LogLevel, act: (log: Log) => void): string[] {
  let text = '';
  act(jsonLog({ encoding, level, clock, write: (more) => (text += more) }));
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

const all = (log: Log): void => {
  for (const level of LEVELS) log[level](`a ${level}`);
};

describe.each(['json', 'console'] as const)('as %s', (encoding) => {
  test.each(LEVELS)('at %s nothing below is written', (level) => {
    const want = LEVELS.slice(LEVELS.indexOf(level));
    const lines = linesOf(encoding, level, all);
    expect(lines.map((line) => want.find((name) => line.includes(`a ${name}`)))).toEqual(want);
  });

  const secrets = [
    'HostName=h;SharedAccessKeyName=p;SharedAccessKey=s3cr3t+/==',
    'SharedAccessSignature sr=h&sig=s3cr3t%3D&skn=p&se=1',
    'Authorization: Bearer s3cr3t.a.b',
    'said "sig=s3cr3t" and went on',
    'sharedaccesskey=s3cr3t',
  ];
  test.each(secrets)('shows nothing of %s, in a field or in the message', (secret) => {
    const lines = linesOf(encoding, 'info', (log) => {
      log.error('Failed', { error: secret, line: 7 });
      log.error(secret);
    });
    expect(lines).toHaveLength(2);
    expect(lines.join()).not.toContain('s3cr3t');
    expect(lines.join()).toContain('***');
  });
});

describe('JSON', () => {
  test('has level, time, message and fields, one object a line', () => {
    const fields = { hub: 'prod', count: 3, dry: true, code: undefined };
    const [line = ''] = linesOf('json', 'info', (log) => log.warn('Twin not reconciled', fields));
    expect(JSON.parse(line)).toEqual({
      level: 'warn',
      ts: '2026-11-23T17:40:05.250Z',
      hub: 'prod',
      count: 3,
      dry: true,
      msg: 'Twin not reconciled',
    });
  });

  const values = ['a\nb', '"', '\\', 'sig=abc\\', 'say "sig=a\\"b"', '\u001B[31m', '\u2028', '\uD800'];
  test.each(values)('stays one valid line with %j in a field', (value) => {
    const lines = linesOf('json', 'info', (log) => log.info('m', { value }));
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'm', value: expect.any(String) as string });
  });
});

test.each([
  ['json', '"hub":"dev","key":"sig=***","device":"d1","n":1,"msg":"m"}'],
  ['console', 'm hub=dev key="sig=***" device=d1 n=1'],
] as const)('a child as %s adds its fields to each line, once, and the line wins', (encoding, end) => {
  const lines = linesOf(encoding, 'info', (log) => {
    const child = log.child({ hub: 'prod', key: 'sig=s3cr3t' }).child({ device: 'd1' });
    child.info('m', { hub: 'dev', n: 1 });
    child.debug('below');
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.match(/hub/g)).toHaveLength(1);
  expect(lines[0]?.endsWith(end)).toBe(true);
});

describe('plain lines', () => {
  const rows: readonly (readonly [sentence: string, fields: LogFields | undefined, want: string])[] = [
    ['no fields', undefined, '17:40:05 info  Twin written'],
    ['plain values', { hub: 'prod', n: 3, dry: false }, '17:40:05 info  Twin written hub=prod n=3 dry=false'],
    ['no value', { hub: undefined, n: 1 }, '17:40:05 info  Twin written n=1'],
    ['spaces', { why: 'not now' }, '17:40:05 info  Twin written why="not now"'],
    ['a line break', { why: 'a\nb' }, String.raw`17:40:05 info  Twin written why="a\nb"`],
    [
      'what would steer a terminal',
      { why: '\u001B[31mred' },
      String.raw`17:40:05 info  Twin written why="\u001b[31mred"`,
    ],
    ['what looks like another field', { why: 'a=b' }, '17:40:05 info  Twin written why="a=b"'],
    ['an empty text', { why: '' }, '17:40:05 info  Twin written why=""'],
  ];
  test.each(rows)('with %s', (_sentence, fields, want) => {
    expect(linesOf('console', 'info', (log) => log.info('Twin written', fields))).toEqual([want]);
  });
});
