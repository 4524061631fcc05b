// The real processes, started as people start them, on folders of their own. Nothing here waits for a fixed time.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventHubFeed } from '../../src/adapters/event-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { getLocal, ROOT, startProgram, type Running } from '../support/program.ts';

const DEVICES = 40;

let folder: string;
const running: Running[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'twinward-e2e-'));
  mkdirSync(join(folder, 'tmp'));
  cpSync(join(ROOT, 'manifests'), join(folder, 'manifests'), { recursive: true });
});

afterEach(async () => {
  for (const process of running.splice(0)) {
    process.kill('SIGTERM');
    await process.ended;
  }
  rmSync(folder, { recursive: true });
});

function start(argv: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
  const one = startProgram(argv, { cwd: folder, env: { TMPDIR: join(folder, 'tmp'), ...env } });
  running.push(one);
  return one;
}

function edit(name: string, from: string, to: string): void {
  const path = join(folder, 'manifests', name);
  const text = readFileSync(path, 'utf8');
  expect(text).toContain(from);
  writeFileSync(path, text.replace(from, to));
}

describe('demo', () => {
  test('--once converges, sums up and ends', async () => {
    const demo = start(['demo', '--once', '--devices', String(DEVICES)]);
    expect(await demo.ended).toBe(0);
    const sum = /(\d+) written = (.+?) {3}/.exec(demo.stdout());
    const terms = [...(sum?.[2] ?? '').matchAll(/\d+/g)].map(([count]) => Number(count));
    expect(terms.reduce((total, count) => total + count, 0)).toBe(Number(sum?.[1]));
    expect(Number(sum?.[1])).toBeGreaterThan(DEVICES / 2);
    expect(demo.stdout()).toContain('second pass: 0 writes');
    expect(demo.stdout()).toMatch(/REJECTED {2}kiosk-\d\d.* {2}usbPolicy: firmware 1\.2 does not know "audit"/);
    expect(demo.text()).not.toMatch(/SharedAccessKey=|demo-token-of/);
  });

  test('keeps watching: an edit is applied, a hand edit corrected, a mistake told; SIGTERM ends it', async () => {
    const demo = start(['demo', '--port', '0', '--devices', String(DEVICES)]);
    const [, endpoint = ''] = await demo.printed(/hub +(https:\S+)/);
    await demo.printed(/watch /);

    const [, tampered = ''] = await demo.printed(/npx twinward demo tamper (\S+)/);
    const tamper = start(['demo', 'tamper', tampered], { TWINWARD_HUB_ENDPOINT: endpoint });
    expect(await tamper.ended).toBe(0);
    expect(tamper.stdout()).toMatch(/changed by hand: .*\ncorrected after /);
    await demo.printed(new RegExp(`Drift  ${tampered}/`));

    const before = demo.text().length;
    edit('baseline.yaml', 'Process_MessageFrequency: Medium', 'Process_MessageFrequency: Low');
    await demo.printed(/ConfigurationChanged {2}/, before);

    const { length } = demo.text();
    edit('baseline.yaml', 'profile: defender-micro-agent', 'profile: defender-micro-agnt');
    await demo.printed(/Did you mean|TW1203 manifests\/baseline\.yaml:\d+: .*still decides/, length);

    demo.kill('SIGTERM');
    expect(await demo.ended).toBe(0);
  });

  test('tells twins that are held, with the reason, and a second one in the folder is refused', async () => {
    const demo = start(['demo', '--port', '0', '--devices', String(DEVICES)]);
    const [, endpoint = ''] = await demo.printed(/hub +(https:\S+)/);
    await demo.printed(/watch /);
    const { length } = demo.text();
    // The manifests alone do not prove the overlap.
    const rival = `apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: rival}
spec:
  priority: 10
  selector: {matchExpressions: [{key: deviceId, operator: Exists}]}
  profile: defender-micro-agent
  settings: {Process_MessageFrequency: High}
`;
    writeFileSync(join(folder, 'manifests', 'rival.yaml'), rival);
    await demo.printed(/HELD {2}\d+ twins.*\n.*\/DefenderIotMicroAgent.* {2}Conflicted: .*rival/, length);

    const second = start(['demo', '--port', '0']);
    expect(await second.ended).toBe(1);
    expect(second.text()).toContain(`Another demo runs in this folder, at ${endpoint}`);
    const names = ['ca.pem', 'connection-string', 'endpoint', 'token'];
    expect(readdirSync(join(folder, '.twinward')).toSorted()).toEqual(names);

    demo.kill('SIGTERM');
    expect(await demo.ended).toBe(0);
    expect(readdirSync(join(folder, '.twinward'))).toEqual([]);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s twice, as npm hands it on, leaves nothing behind',
    async (signal) => {
      const hub = start(['hub', '--port', '0', '-o', 'json']);
      await hub.printed(/\}\n/);
      expect(readdirSync(join(folder, 'tmp'))).toHaveLength(1);
      hub.kill(signal);
      hub.kill(signal);
      expect(await hub.ended).toBe(0);
      expect(readdirSync(join(folder, 'tmp'))).toEqual([]);
    },
  );

  test('a port in use ends it with the way out', async () => {
    const hub = start(['hub', '--port', '0', '-o', 'json']);
    const [, port = ''] = await hub.printed(/127\.0\.0\.1:(\d+)/);
    const demo = start(['demo', '--port', port]);
    expect(await demo.ended).toBe(1);
    expect(demo.text()).toContain(`port ${port} on 127.0.0.1 is in use`);
  });
});

interface HubFacts {
  readonly endpoint: string;
  readonly hostName: string;
  readonly connectionString: string;
  readonly caFile: string;
  readonly eventsConnectionString?: string;
}

async function startHub(
  ...argv: readonly string[]
): Promise<{ hub: Running; facts: HubFacts; env: Record<string, string> }> {
  const hub = start(['hub', '--port', '0', '-o', 'json', ...argv]);
  await hub.printed(/\}\n/);
  expect(hub.stdout().trim().split('\n')).toHaveLength(1);
  const facts = JSON.parse(hub.stdout()) as HubFacts;
  const events = argv.includes('--events-port') ? ['eventsConnectionString'] : [];
  expect(Object.keys(facts)).toEqual(['endpoint', 'hostName', 'connectionString', 'caFile', ...events]);
  const env = {
    IOTHUB_CONNECTION_STRING: facts.connectionString,
    TWINWARD_HUB_ENDPOINT: facts.endpoint,
    TWINWARD_HUB_CA: facts.caFile,
  };
  return { hub, facts, env };
}

describe('hub and run', () => {
  test('the controller converges the hub, serves probes and metrics, and ends on SIGTERM', async () => {
    const { env } = await startHub('--fleet', String(DEVICES));
    const run = start(['run', '--bind-address', '127.0.0.1:0', '--resync-period', '1s'], env);
    const [, port = ''] = await run.printed(/"port":(\d+)/);
    await run.printed(/Revision applied/);
    expect(await getLocal(port, '/livez')).toEqual({ status: 200, body: 'ok' });
    expect(await getLocal(port, '/readyz')).toEqual({ status: 200, body: 'ok' });
    const { body } = await getLocal(port, '/metrics');
    expect(body).toMatch(/twinward_patches_total\{hub="demo",result="written"\} [1-9]/);
    expect(body).toContain('workqueue_depth{');

    const plan = start(['plan', '--detailed-exitcode'], env);
    expect(await plan.ended).toBe(0);
    run.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    const lines = run
      .text()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { level: string; msg: string });
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'Stopped' });
    expect(run.text()).not.toContain(env['IOTHUB_CONNECTION_STRING']?.split('SharedAccessKey=')[1]);
  });

  test('of two controllers one writes and the other waits; no other process writes, and uninstall leaves no record', async () => {
    const { env } = await startHub('--fleet', String(DEVICES));
    const argv = ['run', '--bind-address', '127.0.0.1:0', '--resync-period', '1s'];
    const first = start(argv, { ...env, USER: 'first', HOSTNAME: 'one' });
    await first.printed(/Revision applied/);
    const second = start(argv, { ...env, USER: 'second', HOSTNAME: 'two' });
    await second.printed(/first@one.*Waiting for the lease/);
    edit('baseline.yaml', 'Process_MessageFrequency: Medium', 'Process_MessageFrequency: Low');
    const refused = start(['apply', '--yes', '--whole', '-f', 'manifests/hub.yaml'], env);
    expect(await refused.ended).toBe(5);
    expect(refused.text()).toContain('first@one');
    expect(second.text()).not.toContain('Revision applied');
    first.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    const last = start(['uninstall', '--hub', 'demo', '--yes', '--force'], env);
    expect(await last.ended).toBe(0);
    expect(last.stdout()).toMatch(/[1-9]\d* records of instance default removed/);
  });

  test('the controller looks at once at what the hub says was changed, and doctor sees that it does', async () => {
    const { env: known, facts } = await startHub('--fleet', String(DEVICES), '--events-port', '0');
    const env = { ...known, EVENTS: facts.eventsConnectionString ?? '' };
    edit('hub.yaml', '\n  mode: Enforce', '\n  events: {secretRef: {env: EVENTS}}\n  mode: Enforce');
    const run = start(['run', '--bind-address', '127.0.0.1:0', '--resync-period', '1h'], env);
    await run.printed(/Revision applied/);
    await run.printed(/Change events are followed/);
    const tamper = start(['demo', 'tamper', 'atm-gdansk-0001'], env);
    expect(await tamper.ended).toBe(0);
    expect(tamper.stdout()).toMatch(/changed by hand: .*\ncorrected after /);
    await run.printed(/atm-gdansk-0001.*Drift corrected/);
    const doctor = start(['doctor'], env);
    expect(await doctor.ended).toBe(0);
    expect(doctor.stdout()).toMatch(/ok {7}change events: the last change of a twin is of /);
    run.kill('SIGTERM');
    expect(await run.ended).toBe(0);
    expect(run.text() + doctor.text()).not.toContain(/SharedAccessKey=([^;]+)/.exec(env.EVENTS)?.[1]);
  });

  test('a hub ends at once even with a reader of its change events', async () => {
    const { hub, facts } = await startHub('--events-port', '0');
    const connectionString = facts.eventsConnectionString ?? '';
    const feed = eventHubFeed({ connectionString, timeoutMs: 10_000, lossNoticedMs: 50, clock: systemClock });
    const { promise: isOpen, resolve: onOpen } = Promise.withResolvers<void>();
    const { signal } = new AbortController();
    const ended = feed.watch({ onOpen, onChange: () => {} }, signal).catch((error: unknown) => error);
    await isOpen;
    hub.kill('SIGTERM');
    expect(await hub.ended).toBe(0);
    expect(await ended).toMatchObject({ code: 'Unavailable' });
  });

  test('a hub with --data is the same hub after it was killed', async () => {
    const first = await startHub('--data', 'hub-data', '--fleet', String(DEVICES));
    const apply = start(['apply', '--yes'], first.env);
    expect(await apply.ended).toBe(0);
    first.hub.kill('SIGKILL');
    await first.hub.ended;

    const second = await startHub('--data', 'hub-data');
    expect(second.facts.connectionString).toBe(first.facts.connectionString);
    const plan = start(['plan', '--detailed-exitcode'], second.env);
    expect(await plan.ended).toBe(0);
    expect(plan.stdout()).not.toContain('to change');
    expect(plan.stdout()).toMatch(/= \d+ equal/);
  });

  test('a hub that is only observed is not written', async () => {
    const { env } = await startHub('--fleet', String(DEVICES));
    edit('hub.yaml', '\n  mode: Enforce', '\n  mode: Observe');
    const apply = start(['apply', '--yes'], env);
    expect(await apply.ended).toBe(0);
    expect(apply.stdout()).toContain('nothing was written');
    const plan = start(['plan'], env);
    expect(await plan.ended).toBe(0);
    expect(plan.stdout()).toContain('mode Observe: nothing is written');
  });
});
