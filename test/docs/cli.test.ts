// docs/cli.md against the program: every command, option, variable, exit code and field is there.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { METRICS } from '../../src/adapters/prometheus-metrics.ts';
import { EXIT } from '../../src/cli/exit-code.ts';
import { twinward } from '../cli/fixture.ts';
import { HOLD_REASONS, isWriteEvent } from '../../src/model/event.ts';
import { SAMPLES } from '../support/sample-events.ts';
import { readPage, ROOT, sectionOf } from './markdown.ts';

const page = readPage('docs/cli.md');
const shared = sectionOf(page, 'Options that many commands share') ?? '';

/** Every command with its options, as the program's own help has them. */
async function readCommands(above: readonly string[] = []): Promise<{ name: string; options: string[] }[]> {
  const { out } = await twinward([...above, '--help']);
  const [head = '', list = ''] = out.split('\nCommands:\n');
  const options = [...head.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option = '']) => option);
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name = '']) => name).filter((name) => name !== 'help');
  const below = await Promise.all(names.map((name) => readCommands([...above, name])));
  return [...(above.length === 0 ? [] : [{ name: above.join(' '), options }]), ...below.flat()];
}

const commands = await readCommands();

test('the help could be read', () => {
  expect(commands.map(({ name }) => name)).toEqual(expect.arrayContaining(['plan', 'demo tamper', 'version']));
  expect(commands.find(({ name }) => name === 'plan')?.options).toContain('--detailed-exitcode');
});

describe.each(commands.map(({ name, options }) => [name, options] as const))('%s', (name, options) => {
  test('has a row in the table and a section of its own', () => {
    expect(page.text).toContain(`| [\`${name}\`](#${name.replace(' ', '-')}) |`);
    expect(sectionOf(page, name)).toBeDefined();
  });

  test('every option is explained in its section, or named there and explained for all', () => {
    const section = sectionOf(page, name) ?? '';
    const missing = options.filter((option) => {
      if (option === '--help') return false;
      const isNamed = new RegExp(`\`${option}(?![\\w-])`).test(section);
      return !isNamed || !new RegExp(`^\\| [^|]*\`${option}(?![\\w-])`, 'm').test(`${section}\n${shared}`);
    });
    expect(missing).toEqual([]);
  });

  test('no option is explained that the program does not have', () => {
    const section = sectionOf(page, name) ?? '';
    const told = [...section.matchAll(/`(?:-\w, )?(--[a-z-]+)/g)].map(([, option = '']) => option);
    expect(told.filter((option) => !options.includes(option))).toEqual([]);
  });
});

test('every environment variable that is read is explained', () => {
  const folder = join(ROOT, 'src', 'cli');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  const text = files.map((file) => readFileSync(join(folder, file), 'utf8')).join('\n');
  const read = new Set(text.match(/\b(?:TWINWARD|IOTHUB)_[A-Z_]+\b|\bNO_COLOR\b|\bFORCE_COLOR\b/g));
  const section = sectionOf(page, 'Environment variables') ?? '';
  expect(read.size).toBeGreaterThan(5);
  expect([...read].filter((name) => !section.includes(`\`${name}\``))).toEqual([]);
});

test('the table of metrics is that of the program', () => {
  const told = [...page.text.matchAll(/^\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) \|/gm)];
  const known = Object.entries(METRICS).map(([name, { type, labels }]) => [
    name,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
  ]);
  expect(told.map(([, ...row]) => row)).toEqual(known);
});

test('the table of exit codes is that of the program', () => {
  const rows = [...(sectionOf(page, 'Exit codes') ?? '').matchAll(/^\| (\d+) \| `(\w+)` \|/gm)];
  expect(Object.fromEntries(rows.map(([, code, name]) => [name, Number(code)]))).toEqual(EXIT);
});

const COMMON_FIELDS: ReadonlySet<string> = new Set(['hub', 'deviceId', 'moduleId', 'reason']);
const HOLDS: ReadonlySet<string> = new Set(HOLD_REASONS);
const eventRows = (sectionOf(page, 'Data of events') ?? '').split('\n').filter((line) => line.startsWith('| '));

test.each(Object.entries(SAMPLES))('the data of the event %s is explained', (reason, [event]) => {
  const name = isWriteEvent(event) ? 'each write' : HOLDS.has(reason) ? 'each reason of `Hold`' : `\`${reason}\``;
  const [, fields = ''] = eventRows.find((row) => row.split(' | ')[0]?.includes(name))?.split(' | ') ?? [];
  const data = Object.keys(event).filter((key) => !COMMON_FIELDS.has(key));
  expect(data.filter((key) => !new RegExp(`\`${key}(\\[\\])?\``).test(fields))).toEqual([]);
});
