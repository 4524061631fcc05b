// The journal on disk, cut where a crash may cut it.
import {
  appendFileSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import type { HubDump } from '../../../src/emulator/hub/journal.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { FileJournal } from '../../../src/emulator/store/file-journal.ts';
import { readLines } from '../../../src/emulator/store/lines.ts';
import { createTestClock } from '../../support/test-clock.ts';
import { stoppedClock } from '../rest/hub-fixture.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'twinward-journal-'));
});

afterEach(() => rmSync(directory, { recursive: true }));

function open(clock: Clock = stoppedClock()): { hub: IotHub; journal: FileJournal } {
  const journal = new FileJournal({ directory, onCompactionDue: () => {} });
  const options = { hostName: 'h.azure-devices.net', clock, random: createSeededRandom(1), journal };
  const hub = IotHub.restore(options, journal.readSnapshot(), journal.readRecords());
  journal.open();
  return { hub, journal };
}

test('a torn last record costs only itself, at every byte, and what comes next is whole', () => {
  const path = join(directory, 'journal.jsonl');
  const first = open();
  first.hub.createDevice('d', { deviceId: 'd' });
  const whole = statSync(path).size;
  const state = first.hub.dump();
  first.hub.patchTwin({ deviceId: 'd' }, { tags: { site: 'Gdańsk' }, properties: { desired: { level: 2 } } });
  first.journal.close();
  const bytes = readFileSync(path);
  expect(bytes.length).toBeGreaterThan(whole);
  for (let size = whole; size < bytes.length; size += 1) {
    writeFileSync(path, bytes.subarray(0, size));
    const second = open();
    expect(second.hub.dump(), `cut at ${size} of ${bytes.length}`).toEqual(state);
    second.hub.patchTwin({ deviceId: 'd' }, { tags: { site: 'Porto' } });
    second.journal.close();
    const third = open();
    expect(third.hub.dump()).toEqual(second.hub.dump());
    third.journal.close();
  }
});

test('nothing that was answered is lost, wherever the journal ends, configurations and jobs included', async () => {
  const path = join(directory, 'journal.jsonl');
  const clock = createTestClock();
  const first = open(clock);
  const { hub } = first;
  const content = { deviceContent: { 'properties.desired.level': 3 } };
  const update = { type: 'scheduleUpdateTwin', queryCondition: '*', updateTwin: { etag: '*', tags: { ring: 1 } } };
  const answered: { readonly size: number; readonly dump: HubDump }[] = [];
  const steps: (() => unknown)[] = [
    () => hub.createDevice('d', { deviceId: 'd' }),
    () => hub.putConfiguration('c', { content, targetCondition: '*' }, undefined),
    () => clock.advance(1000),
    () => hub.putConfiguration('c', { content, priority: 2 }, '"MQ=="'),
    () => hub.createJob('j', { jobId: 'j', ...update }),
    () => clock.advance(2000),
    () => hub.createJob('k', { jobId: 'k', ...update, startTime: '2026-11-24T00:00:00Z' }),
    () => hub.cancelJob('k'),
    () => hub.deleteConfiguration('c', undefined),
  ];
  for (const step of steps) {
    await step();
    answered.push({ size: statSync(path).size, dump: hub.dump() });
  }
  hub.close();
  first.journal.close();
  const bytes = readFileSync(path);
  for (const [index, { size, dump }] of answered.entries()) {
    // Complete, and with the first bytes of an unanswered write.
    const nextSize = answered[index + 1]?.size ?? size;
    for (const end of [size, size + 1, size + 40].filter((end) => end === size || end < nextSize)) {
      writeFileSync(path, bytes.subarray(0, end));
      const again = open(clock);
      expect(again.hub.dump(), `cut at ${end} of ${bytes.length}`).toEqual(dump);
      again.hub.close();
      again.journal.close();
    }
  }
});

test('a change that cannot be stored is not made', () => {
  const { hub, journal } = open();
  hub.createDevice('d', { deviceId: 'd' });
  journal.close();
  const before = hub.dump();
  expect(() => hub.patchTwin({ deviceId: 'd' }, { tags: { a: 1 } })).toThrow('is not open');
  expect(hub.dump()).toEqual(before);
});

test('lines that cross the pieces they are read in are whole', () => {
  const path = join(directory, 'lines');
  const lines = [1, 700_000, 0, 1_048_575, 1_048_576, 3_000_000, 5].map((size, index) => String(index).repeat(size));
  closeSync(openSync(path, 'w'));
  for (const line of lines) appendFileSync(path, `${line}\n`);
  appendFileSync(path, 'torn');
  const read = [...readLines(path)];
  expect(read.map(({ text }) => text.length)).toEqual(lines.map(({ length }) => length));
  expect(read.map(({ text }) => text)).toEqual(lines);
  expect(read.at(-1)?.end).toBe(statSync(path).size - 'torn'.length);
});
