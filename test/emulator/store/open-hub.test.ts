// A hub in a directory: what is answered is there after a crash, and it is still the same hub.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import { connectionString } from '../../../src/emulator/rest/policies.ts';
import { generateIssuerKey } from '../../../src/emulator/rest/token-issuer.ts';
import { openHub, type OpenHub, type OpenHubOptions } from '../../../src/emulator/store/open-hub.ts';

const NOW_MS = Date.parse('2026-11-23T17:40:00Z');
const HOST = 'acme-test.azure-devices.net';
const REF = { deviceId: 'd', moduleId: 'm' };

let directory: string;
/** Scheduled callbacks, run by hand. */
let scheduled: (() => void)[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'twinward-store-'));
  scheduled = [];
});

afterEach(() => rmSync(directory, { recursive: true }));

const clock: Clock = {
  now: () => NOW_MS,
  schedule: (_delayMs, callback) => {
    scheduled.push(callback);
    return () => {
      scheduled = scheduled.filter((other) => other !== callback);
    };
  },
};

function open(more: Partial<OpenHubOptions> = {}): Promise<OpenHub> {
  return openHub({ hostName: HOST, clock, random: createSeededRandom(1), directory, ...more });
}

/** One device with one module whose twin has this `level`. */
function fill({ hub }: OpenHub): void {
  hub.createDevice('d', { deviceId: 'd' });
  hub.putModule('d', 'm', { deviceId: 'd', moduleId: 'm' }, undefined);
  hub.patchTwin(REF, { tags: { site: 'Gdańsk' }, properties: { desired: { level: 1 } } });
}

/** Two megabytes. */
function fillUp({ hub }: OpenHub): void {
  for (let count = 0; count < 70; count += 1) {
    hub.createDevice(`big-${count}`, {});
    const desired = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`key${index}`, 'x'.repeat(3900)]));
    hub.patchTwin({ deviceId: `big-${count}` }, { properties: { desired } });
  }
}

function journal(): string {
  return join(directory, 'journal.jsonl');
}

describe('after a crash', () => {
  test('every answered write is there', async () => {
    const before = await open();
    fill(before);
    const twin = before.hub.getTwin(REF);
    const keys = before.hub.identityKeys(REF);
    const after = await open();
    expect(after.hub.getTwin(REF)).toEqual(twin);
    expect(after.hub.identityKeys(REF)).toEqual(keys);
    expect(after.hub.dump()).toEqual(before.hub.dump());
  });

  test('nothing is connected', async () => {
    const before = await open();
    fill(before);
    before.hub.connect(REF, () => {});
    expect((await open()).hub.getTwin(REF)).toMatchObject({ connectionState: 'Disconnected' });
  });

  test('configurations and jobs are there too, from the journal and from a snapshot', async () => {
    const before = await open();
    fill(before);
    const content = { moduleContent: { 'properties.desired.level': 3 } };
    before.hub.putConfiguration('c', { content }, undefined);
    const updateTwin = { etag: '*', tags: { a: 1 } };
    before.hub.createJob('j', { type: 'scheduleUpdateTwin', queryCondition: '*', updateTwin });
    const after = await open();
    expect(after.hub.listConfigurations()).toEqual(before.hub.listConfigurations());
    expect(after.hub.listJobs()).toEqual(before.hub.listJobs());
    after.close();
    expect((await open()).hub.dump()).toEqual(before.hub.dump());
  });

  test('etags go on where they were', async () => {
    fill(await open());
    const { hub } = await open();
    expect(hub.patchTwin(REF, { tags: { a: 1 } }, '"AAAAAAAAAAI="')).toMatchObject({ etag: 'AAAAAAAAAAM=' });
  });

  test('a removed device stays removed', async () => {
    const before = await open();
    fill(before);
    before.hub.deleteDevice('d', '*');
    expect((await open()).hub.dump().identities).toEqual([]);
  });
});

describe('snapshots', () => {
  test('closing leaves a snapshot and an empty journal', async () => {
    const before = await open();
    fill(before);
    const state = before.hub.dump();
    before.close();
    before.close();
    expect(statSync(journal()).size).toBe(0);
    expect((await open()).hub.dump()).toEqual(state);
  });

  test('a long journal asks for one, once, and it holds all', async () => {
    const before = await open({ compactBytesMin: 4096 });
    fill(before);
    for (let level = 0; level < 50; level += 1) before.hub.patchTwin(REF, { properties: { desired: { level } } });
    expect(scheduled).toHaveLength(1);
    const grown = statSync(journal()).size;
    scheduled.shift()?.();
    expect(statSync(journal()).size).toBe(0);
    expect(grown).toBeGreaterThan(4096);
    before.hub.patchTwin(REF, { properties: { desired: { level: 99 } } });
    expect((await open()).hub.dump()).toEqual(before.hub.dump());
  });

  test('one that can not be written leaves the journal, and the hub goes on', async () => {
    const before = await open({ compactBytesMin: 1 });
    fill(before);
    mkdirSync(join(directory, 'snapshot.jsonl.new'));
    scheduled.shift()?.();
    before.hub.patchTwin(REF, { properties: { desired: { level: 99 } } });
    expect(() => before.close()).toThrow('snapshot.jsonl.new');
    expect((await open()).hub.dump()).toEqual(before.hub.dump());
  });

  test('a large one is written piece by piece: what is written meanwhile stays, and a crash after any piece costs nothing', async () => {
    const before = await open({ compactBytesMin: 1 });
    fill(before);
    fillUp(before);
    let pieces = 0;
    for (let step = scheduled.shift(); step !== undefined; step = scheduled.shift()) {
      step();
      pieces += 1;
      before.hub.patchTwin({ deviceId: `big-${pieces}` }, { tags: { pieces } });
      expect((await open()).hub.dump()).toEqual(before.hub.dump());
    }
    expect(pieces).toBeGreaterThan(1);
    expect(statSync(journal()).size).toBeLessThan(200_000);
    before.hub.deleteDevice('d', '*');
    expect((await open()).hub.dump()).toEqual(before.hub.dump());
  });

  test('closing in the middle of one writes another', async () => {
    const before = await open({ compactBytesMin: 1 });
    fill(before);
    fillUp(before);
    scheduled.shift()?.();
    before.hub.patchTwin(REF, { properties: { desired: { level: 99 } } });
    const state = before.hub.dump();
    before.close();
    expect(scheduled).toEqual([]);
    expect(statSync(journal()).size).toBe(0);
    expect((await open()).hub.dump()).toEqual(state);
  });

  test('a crash between snapshot and journal replays what the snapshot has', async () => {
    const before = await open();
    fill(before);
    before.hub.createDevice('gone', { deviceId: 'gone' });
    before.hub.deleteDevice('gone', '*');
    const records = readFileSync(journal());
    const state = before.hub.dump();
    before.close();
    writeFileSync(journal(), records);
    expect((await open()).hub.dump()).toEqual(state);
  });
});

describe('a damaged file', () => {
  test('is named with its line, and nothing of it is shown', async () => {
    fill(await open());
    const lines = readFileSync(journal(), 'utf8').split('\n');
    lines[1] = '{"primaryKey":"c2VjcmV0"';
    writeFileSync(journal(), lines.join('\n'));
    const failure = await open().catch((error: unknown) => error);
    expect(String(failure)).toContain('journal.jsonl:2 is damaged');
    expect(JSON.stringify(failure, Object.getOwnPropertyNames(failure))).not.toContain('c2VjcmV0');
  });

  test('settings of something else are refused', async () => {
    writeFileSync(join(directory, 'hub.json'), '{"name":"c2VjcmV0"}');
    const failure = await open().catch((error: unknown) => error);
    expect(String(failure)).toContain('does not contain an embedded hub');
    expect(String(failure)).not.toContain('c2VjcmV0');
  });
});

describe('identity of the hub', () => {
  test('name, policies and authority survive; a new certificate is issued', async () => {
    const before = await open();
    const after = await open({ hostName: 'other.azure-devices.net', random: createSeededRandom(2) });
    expect([before.isNew, after.isNew]).toEqual([true, false]);
    expect(after.hub.hostName).toBe(HOST);
    expect(connectionString(HOST, after.policies, 'service')).toBe(connectionString(HOST, before.policies, 'service'));
    expect(after.certificate.authority).toBe(before.certificate.authority);
    expect(after.certificate.certificate).not.toBe(before.certificate.certificate);
  });

  test('tokens of its issuer are good after a restart, of another issuer where one is given', async () => {
    const request = { principal: 'p', roles: ['IoT Hub Data Reader'] as const, nowMs: NOW_MS };
    const token = (await open()).issuer.issue(request);
    expect((await open()).issuer.verify(token, NOW_MS)).toMatchObject({ name: 'p' });
    const other = await open({ issuerKey: generateIssuerKey() });
    expect(other.issuer.verify(token, NOW_MS)).toBeUndefined();
    expect((await open()).issuer.verify(token, NOW_MS)).toMatchObject({ name: 'p' });
  });

  test('a directory of an older version, which knew no issuer, gets one that lasts', async () => {
    await open();
    const path = join(directory, 'hub.json');
    const { issuerKey: _none, ...old } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    writeFileSync(path, JSON.stringify(old));
    const token = (await open()).issuer.issue({ principal: 'p', roles: [], nowMs: NOW_MS });
    expect((await open()).issuer.verify(token, NOW_MS)).toMatchObject({ name: 'p' });
  });

  test('files are for their owner alone', async () => {
    const made = join(directory, 'made', 'below');
    const opened = await open({ directory: made });
    fill(opened);
    opened.close();
    expect(statSync(made).mode & 0o777).toBe(0o700);
    const modes = ['hub.json', 'journal.jsonl', 'snapshot.jsonl'].map(
      (name) => statSync(join(made, name)).mode & 0o777,
    );
    expect(modes).toEqual([0o600, 0o600, 0o600]);
  });

  test('without a directory nothing is written', async () => {
    const opened = await openHub({ hostName: HOST, clock, random: createSeededRandom(1) });
    fill(opened);
    opened.close();
    expect(opened.isNew).toBe(true);
    expect(opened.hub.getTwin(REF)).toMatchObject({ tags: { site: 'Gdańsk' } });
  });
});
