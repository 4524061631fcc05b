// Many configurations: a thousand over ten thousand devices that no two selectors see alike, planned from parsed pages;
// and a hundred over a hundred devices, written to a hub that is throttled like the smallest paid one.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SILENT_LOG } from '../src/cli/connect/plan-hub.ts';
import { inspectHub } from '../src/controller/once/inspect.ts';
import { systemClock as clock } from '../src/adapters/system-clock.ts';
import { invariant } from '../src/model/errors.ts';
import { createSeededRandom } from '../src/model/seeded-random.ts';
import { deviceFacts, etagOfCounter, type Twin } from '../src/model/twin.ts';
import type { Hub } from '../src/ports/hub.ts';
import { declare, plannerFor, SEED } from './fleet.ts';
import { atMost, cpuMs, exactly, note, pathOf, type Figure } from './measure.ts';
import { HUB } from './sources.ts';

const DEVICES = 10_000;
const CONFIGURATIONS = 1_000;
const PAGE_ROWS = 100;
const CPU_SECONDS_MAX = 5;
const MODULE_ID = 'acmeGuard';
/** Each device has a value of each of these tags; each configuration is for one value of one. */
const TAGS = 10;

const HEAD = `${HUB}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: ${MODULE_ID}, section: /guard}
`;

function manifest(name: string, spec: object): string {
  return `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`;
}

export async function benchConfigurations(): Promise<readonly Figure[]> {
  return [...(await planThousand()), ...(await writeHundred())];
}

async function planThousand(): Promise<Figure[]> {
  const values = CONFIGURATIONS / TAGS;
  const source = Array.from({ length: CONFIGURATIONS }, (_, index) =>
    manifest(`c${index}`, {
      profile: 'acme-guard',
      priority: index,
      selector: { matchTags: { [`t${index % TAGS}`]: `v${Math.floor(index / TAGS)}` } },
      settings: { [`k${index % 7}`]: index, [`k${index % 11}`]: index, own: index },
    }),
  );
  const random = createSeededRandom(SEED);
  const devices = Array.from({ length: DEVICES }, (_, index) => ({
    deviceId: `d${index}`,
    status: 'enabled',
    capabilities: { iotEdge: false },
    tags: Object.fromEntries(
      Array.from({ length: TAGS }, (__, tag) => [`t${tag}`, `v${Math.floor(random.next() * values)}`]),
    ),
  }));
  const twins = devices.map(({ deviceId }) => ({
    deviceId,
    moduleId: MODULE_ID,
    etag: etagOfCounter(1n),
    connectionState: 'Disconnected',
    properties: { desired: { $version: 1 }, reported: { $version: 1 } },
  }));
  const pages = { devices: pagesOf(devices), twins: pagesOf(twins) };
  let lists = 0;
  const list = async function* <T>(texts: readonly string[], read: (row: unknown) => T): AsyncGenerator<T[]> {
    lists += 1;
    for (const text of texts) yield (JSON.parse(text) as unknown[]).map(read);
  };
  const hub = {
    listDevices: () => list(pages.devices, (row) => deviceFacts(row as Twin)),
    listModuleTwins: () => list(pages.twins, (row) => row as Twin),
    listConfigurations: async () => [],
    countDevices: async () => DEVICES,
    messagesSpent: () => 0,
  } as unknown as Hub;
  const planner = plannerFor(declare(HEAD + source.join('')));
  let patches = 0;
  const before = cpuMs();
  await inspectHub(
    {
      planner,
      hub,
      hubName: 'bench',
      clock,
      log: SILENT_LOG,
      metrics: { count() {}, gauge() {}, observe() {} },
      signal: new AbortController().signal,
    },
    ({ action }) => {
      if (action.type === 'Patch') patches += 1;
    },
  );
  const wholeMs = cpuMs() - before;
  const floorBefore = cpuMs();
  for (const text of [...pages.devices, ...pages.twins]) JSON.parse(text);
  const floorMs = cpuMs() - floorBefore;
  return [
    note('configurations × devices', `${CONFIGURATIONS} × ${DEVICES}`),
    exactly('list queries', lists, 2),
    exactly('twins to patch', patches, DEVICES),
    note('CPU: parsing the pages alone', `${floorMs.toFixed(0)} ms`),
    atMost('CPU: planning, beyond the parsing', (wholeMs - floorMs) / 1_000, CPU_SECONDS_MAX, ' s'),
  ];
}

function pagesOf(rows: readonly object[]): string[] {
  return Array.from({ length: Math.ceil(rows.length / PAGE_ROWS) }, (_, index) =>
    JSON.stringify(rows.slice(index * PAGE_ROWS, (index + 1) * PAGE_ROWS)),
  );
}

const SMALL = 100;
const WALL_SECONDS_MAX = 15;
const SITES = ['lyon', 'porto', 'gdansk'];
const RINGS = ['0', '1', '2', '3'];
const KEYS = ['Process_CacheSize', 'FileSystem_CacheSize', 'Peripheral_CacheSize', 'NetworkActivity_CacheSize'];

/** From a start to the end of the process, everything included. */
async function writeHundred(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'twinward-bench-'));
  const source = Array.from({ length: SMALL }, (_, index) =>
    manifest(`c${index}`, {
      profile: 'defender-micro-agent',
      module: { whenMissing: 'Skip' },
      priority: index,
      selector:
        index < KEYS.length
          ? { matchAll: true }
          : { matchTags: { site: SITES[index % SITES.length], ring: RINGS[index % RINGS.length] } },
      settings: { [KEYS[index % KEYS.length] ?? '']: 100 + index },
    }),
  );
  writeFileSync(join(folder, 'all.yaml'), source.join(''));
  const launcher = pathOf('../bin/twinward.js');
  const hub = spawn(
    process.execPath,
    [
      launcher,
      'hub',
      '--port',
      '0',
      '-o',
      'json',
      '--fleet',
      String(SMALL),
      '--throttle',
      '--tier',
      'S1',
      '--units',
      '1',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [line] = (await once(createInterface({ input: hub.stdout }), 'line')) as [string];
    const facts = JSON.parse(line) as Record<'endpoint' | 'connectionString' | 'caFile', string>;
    const env = {
      ...process.env,
      IOTHUB_CONNECTION_STRING: facts.connectionString,
      TWINWARD_HUB_ENDPOINT: facts.endpoint,
      TWINWARD_HUB_CA: facts.caFile,
    };
    const apply = async (): Promise<{ wallMs: number; written: number; unchanged: number }> => {
      const startedAtMs = performance.now();
      const child = spawn(process.execPath, [launcher, 'apply', '--yes', '-f', folder, '--whole', '-o', 'json'], {
        env,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number];
      invariant(code === 0, `apply ends well, not with ${code}`);
      const { summary } = JSON.parse(text) as { summary: { outcomes: Record<string, number> } };
      const { Written = 0, Unchanged = 0 } = summary.outcomes;
      return { wallMs: performance.now() - startedAtMs, written: Written, unchanged: Unchanged };
    };
    const first = await apply();
    const second = await apply();
    return [
      note('on a hub throttled as S1, 1 unit', `${SMALL} configurations, ${SMALL} devices`),
      note('twins written', String(first.written)),
      exactly('twins written by a second apply', second.written, 0),
      atMost('from cold to converged, whole process', first.wallMs / 1_000, WALL_SECONDS_MAX, ' s'),
    ];
  } finally {
    hub.kill('SIGTERM');
    rmSync(folder, { recursive: true });
  }
}
