// The embedded hub with a million devices, each with one module: loaded, listed and written over HTTPS, as any client would.
// The hub is `twinward hub` in a process of its own; this process is the client.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { createSeededRandom } from '../src/model/seeded-random.ts';
import { HOST_NAME, SEED } from './fleet.ts';
import { type Access, askAll, type Asked, connectClient, type HubClient } from './hub-client.ts';
import { atLeast, atMost, cpuMs, cpuMsOf, exactly, firstLineOf, median, note, pathOf, type Figure } from './measure.ts';

const DEVICES = 1_000_000;
const LOAD_SECONDS_MAX = 120;
const PEAK_MIB_MAX = 3 * 1024;
const PAGE_MS_MAX = 10;
const UPDATES_PER_SECOND_MIN = 2_500;

const BULK = 100;
const LOADING = 4;
const PAGES = 1_000;
const UPDATES = 20_000;
const ROUNDS = 5;
const CONNECTIONS = 64;
/** Size of the answer to an update of these twins. */
const ANSWER_BYTES = 1_300;

const MODULE_ID = 'azureiotsecurity';
const SECTION = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const LIST = JSON.stringify({ query: 'SELECT * FROM devices.modules' });

type Child = ChildProcessByStdio<Writable, Readable, null>;

/** Memory only. The promised figures are for the whole million. */
export async function benchHubScale(devices: number = DEVICES): Promise<readonly Figure[]> {
  const { figures } = await withHub(devices, [], measureAll);
  return figures;
}

/** The same with a data directory, and a restart on it. */
export async function benchHubScaleData(devices: number = DEVICES): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-bench-'));
  try {
    const first = await withHub(devices, ['--data', folder], measureAll);
    const again = await withHub(devices, ['--data', folder], async () => []);
    return [
      ...first.figures.map(({ what, value }) => note(what, value)),
      note('end: all written to one snapshot', seconds(first.endMs)),
      note('restart: from the snapshot to answering', seconds(again.startMs)),
      note('restart: peak memory', `${again.peakMib.toFixed(0)} MiB`),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface Run {
  readonly figures: readonly Figure[];
  readonly startMs: number;
  readonly endMs: number;
  readonly peakMib: number;
}

interface Hub {
  readonly client: HubClient;
  readonly pid: number;
  readonly devices: number;
}

async function withHub(
  devices: number,
  options: readonly string[],
  measure: (hub: Hub) => Promise<readonly Figure[]>,
): Promise<Run> {
  const flags = ['--port', '0', '-o', 'json', '--host-name', HOST_NAME, '--identities-max', String(2 * devices)];
  const startedAtMs = performance.now();
  const child = start('../src/main.ts', ['hub', ...flags, ...options]);
  const facts = JSON.parse(await firstLineOf(child)) as Access & { caFile: string };
  const startMs = performance.now() - startedAtMs;
  const pid = child.pid ?? 0;
  const client = connectClient({ ...facts, ca: readFileSync(facts.caFile, 'utf8') }, CONNECTIONS);
  try {
    const figures = await measure({ client, pid, devices });
    const peakMib = peakMibOf(pid);
    client.close();
    const endedAtMs = performance.now();
    await ended(child, () => child.kill('SIGTERM'));
    return { figures, startMs, endMs: performance.now() - endedAtMs, peakMib };
  } finally {
    client.close();
    child.kill('SIGKILL');
  }
}

async function measureAll(hub: Hub): Promise<readonly Figure[]> {
  return [...(await measureLoad(hub)), ...(await measurePages(hub)), ...(await measureUpdates(hub))];
}

async function measureLoad({ client, pid, devices }: Hub): Promise<readonly Figure[]> {
  const startedAtMs = performance.now();
  const times = await askAll(client, bulks(devices, deviceEntry), LOADING);
  times.push(...(await askAll(client, bulks(devices, moduleEntry), LOADING)));
  const loadMs = performance.now() - startedAtMs;
  const isWhole = devices === DEVICES;
  const peak = peakMibOf(pid);
  return [
    note('devices, modules', `${devices}, ${devices}`),
    isWhole ? atMost('load: time', loadMs / 1_000, LOAD_SECONDS_MAX, ' s') : note('load: time', seconds(loadMs)),
    note(`load: calls of ${BULK} entries, the longest`, `${times.length}, ${ms(Math.max(...times))}`),
    note('load: CPU of the hub', seconds(cpuMsOf(pid))),
    isWhole
      ? atMost('load: peak memory', peak, PEAK_MIB_MAX, ' MiB')
      : note('load: peak memory', `${peak.toFixed(0)} MiB`),
  ];
}

/** First all pages in order, which also gives every continuation; then random ones, one at a time. */
async function measurePages({ client, devices }: Hub): Promise<readonly Figure[]> {
  const random = createSeededRandom(SEED);
  const places: string[] = [];
  let rows = 0;
  let bytes = 0;
  const startedAtMs = performance.now();
  for (let asked: Asked | undefined = pageAt(undefined); asked !== undefined;) {
    const { text, continuation } = await client.ask(asked);
    rows += text.split('"moduleId":').length - 1;
    bytes = Math.max(bytes, text.length);
    if (continuation !== undefined) places.push(continuation);
    asked = continuation === undefined ? undefined : pageAt(continuation);
  }
  const walkMs = performance.now() - startedAtMs;
  const asked = Array.from({ length: PAGES }, () => pageAt(places[Math.floor(random.next() * places.length)]));
  const times = (await askAll(client, asked, 1)).toSorted((a, b) => a - b);
  return [
    note('all modules, page by page', seconds(walkMs)),
    exactly('all modules: rows', rows, devices),
    atMost(`page of 100 (${Math.round(bytes / 1_000)} kB): median`, median(times), PAGE_MS_MAX, ' ms'),
    note('page of 100: 99th percentile', ms(times[Math.floor(times.length * 0.99)] ?? 0)),
  ];
}

interface Rate {
  readonly perSecond: number;
  readonly serverUs: number;
  readonly clientUs: number;
  readonly longestMs: number;
}

/** Alternates rounds of the hub and of HTTPS alone, with the same requests, so that a busy machine slows both. */
async function measureUpdates({ client, pid, devices }: Hub): Promise<readonly Figure[]> {
  const bare = start('children/bare-https.ts', [String(ANSWER_BYTES)]);
  const facts = JSON.parse(await firstLineOf(bare)) as { endpoint: string; ca: string };
  const bareClient = connectClient({ ...facts, hostName: HOST_NAME, connectionString: '' }, CONNECTIONS);
  try {
    const random = createSeededRandom(SEED);
    const hubs: Rate[] = [];
    const bares: Rate[] = [];
    for (let round = 0; round <= ROUNDS; round += 1) {
      const updates = Array.from({ length: UPDATES }, () =>
        updateOf(Math.floor(random.next() * devices), random.next()),
      );
      const hubRate = await rateOf(client, pid, updates);
      const bareRate = await rateOf(bareClient, bare.pid ?? 0, updates);
      // The first round warms both up.
      if (round === 0) continue;
      hubs.push(hubRate);
      bares.push(bareRate);
    }
    const middle = (rates: readonly Rate[], read: (rate: Rate) => number): number => median(rates.map(read));
    const hubUs = middle(hubs, (rate) => rate.serverUs);
    const bareUs = middle(bares, (rate) => rate.serverUs);
    return [
      atLeast(
        `updates a second, ${CONNECTIONS} at a time`,
        middle(hubs, (r) => r.perSecond),
        UPDATES_PER_SECOND_MIN,
      ),
      note('update: the longest', ms(Math.max(...hubs.map((rate) => rate.longestMs)))),
      note('update: CPU of the hub, of the client', `${us(hubUs)}, ${us(middle(hubs, (rate) => rate.clientUs))}`),
      note('HTTPS alone: answers a second', middle(bares, (rate) => rate.perSecond).toFixed(0)),
      note('HTTPS alone: CPU of the server', us(bareUs)),
      note('update: CPU of the hub / HTTPS alone', `${(hubUs / bareUs).toFixed(1)}×`),
    ];
  } finally {
    bareClient.close();
    bare.stdin.end();
  }
}

async function rateOf(client: HubClient, pid: number, asked: readonly Asked[]): Promise<Rate> {
  const [server, own, startedAtMs] = [cpuMsOf(pid), cpuMs(), performance.now()];
  const times = await askAll(client, asked, CONNECTIONS);
  const wallMs = performance.now() - startedAtMs;
  return {
    perSecond: (asked.length / wallMs) * 1_000,
    serverUs: ((cpuMsOf(pid) - server) / asked.length) * 1_000,
    clientUs: ((cpuMs() - own) / asked.length) * 1_000,
    longestMs: Math.max(...times),
  };
}

function* bulks(devices: number, entry: (index: number) => object): Generator<Asked, void, undefined> {
  for (let first = 0; first < devices; first += BULK) {
    const length = Math.min(BULK, devices - first);
    const entries = Array.from({ length }, (_, offset) => entry(first + offset));
    yield { method: 'POST', path: '/devices', body: JSON.stringify(entries) };
  }
}

function idOf(index: number): string {
  return `atm-${String(index).padStart(7, '0')}`;
}

/** With the tags that selectors use. */
function deviceEntry(index: number): object {
  const tags = {
    site: ['lyon', 'porto', 'gdansk'][index % 3],
    env: index % 7 === 0 ? 'test' : 'prod',
    ring: String(index % 4),
    hw: ['atm', 'gate'][index % 2],
  };
  return { id: idOf(index), importMode: 'create', tags };
}

/** With two settings already, as a hand would have left them. */
function moduleEntry(index: number): object {
  const settings = { eventPriorityLogin: { value: 'High' }, highPriorityMessageFrequency: { value: 'PT10M' } };
  const properties = { desired: { [SECTION]: settings } };
  return { id: idOf(index), moduleId: MODULE_ID, importMode: 'create', properties };
}

/** One leaf. */
function updateOf(index: number, chance: number): Asked {
  const value = `PT${1 + Math.floor(chance * 59)}M`;
  return {
    method: 'PATCH',
    path: `/twins/${idOf(index)}/modules/${MODULE_ID}`,
    body: JSON.stringify({ properties: { desired: { [SECTION]: { highPriorityMessageFrequency: { value } } } } }),
    headers: { 'if-match': '"*"' },
  };
}

function pageAt(continuation: string | undefined): Asked {
  const place = continuation === undefined ? {} : { 'x-ms-continuation': continuation };
  return { method: 'POST', path: '/devices/query', body: LIST, headers: { 'x-ms-max-item-count': '100', ...place } };
}

function start(script: string, args: readonly string[]): Child {
  return spawn(process.execPath, [pathOf(script), ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function ended(child: Child, end: () => void): Promise<void> {
  await new Promise((resolve) => {
    child.once('exit', resolve);
    end();
  });
}

/** Linux only. */
function peakMibOf(pid: number): number {
  const [, kib = 'NaN'] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kib) / 1_024;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1_000).toFixed(1)} s`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(1)} ms`;
}

function us(microseconds: number): string {
  return `${microseconds.toFixed(0)} µs`;
}
