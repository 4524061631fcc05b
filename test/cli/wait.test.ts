// `apply --wait=applied`: agents' answers, reported separately from writes.
import { setImmediate as settle } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DeviceConnection } from '../../src/emulator/hub/connections.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { folderOf, HUB, serveFleet, twinward, type Printed, type ServedHub } from './fixture.ts';

const MANIFESTS = `${HUB}---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, acknowledgement: {type: ACK}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: kiosk-guard}
spec:
  selector: {matchTags: {hw: kiosk}}
  profile: acme-guard
  settings: {usbPolicy: POLICY}
`;

let hub: ServedHub;
let ids: string[];

beforeAll(async () => {
  hub = await serveFleet(60);
  ids = hub.iot
    .query("SELECT deviceId FROM devices WHERE tags.hw = 'kiosk'")
    .items.map(({ deviceId }) => String(deviceId))
    .toSorted();
});
afterAll(() => hub.close());

/** The hub's clock advances while a command waits for agents; `onWait` makes changes meanwhile. */
function waitingClock(onWait: () => void): Clock {
  return {
    now: () => hub.clock.now(),
    schedule(delayMs, callback) {
      const isPause = delayMs < 30_000;
      let isWanted = isPause;
      if (isPause) {
        void settle().then(async () => {
          if (!isWanted) return;
          onWait();
          await hub.clock.advance(delayMs);
          callback();
        });
      }
      return () => {
        isWanted = false;
      };
    },
  };
}

async function apply(policy: string, options: string, onWait = () => {}, acknowledgement = 'Mirror'): Promise<Printed> {
  const manifests = folderOf({ 'all.yaml': MANIFESTS.replace('POLICY', policy).replace('ACK', acknowledgement) });
  const argv = ['apply', '--yes', '-f', manifests.path, ...options.split(' ')];
  const printed = await twinward(argv, { env: hub.env, clock: waitingClock(onWait) });
  manifests.remove();
  return printed;
}

const connections = new Map<string, DeviceConnection>();

function connect(deviceId: string): void {
  connections.set(
    deviceId,
    hub.iot.connect({ deviceId, moduleId: 'acmeGuard' }, () => {}),
  );
}

function report(deviceId: string, usbPolicy: string): void {
  connections.get(deviceId)?.report({ guard: { usbPolicy } });
}

test('devices that are not connected are counted and not waited for', async () => {
  const { code, out } = await apply('block', '--wait=applied');
  expect(out).toContain('  5 twins = 5 offline\n');
  expect(code).toBe(0);
});

test('it ends once the agents that can answer have answered', async () => {
  const [first = '', second = ''] = ids;
  connect(first);
  connect(second);
  const { code, out } = await apply('allow', '--wait=applied', () => {
    for (const id of [first, second]) report(id, 'allow');
  });
  expect(out).toContain('  5 twins = 3 offline + 2 Applied\n');
  expect(code).toBe(0);
});

test('an agent that is too slow is named by its answer, with exit code 6', async () => {
  const { code, out } = await apply('audit', '--wait=applied --timeout 20s -o json');
  expect(JSON.parse(out)).toMatchObject({ hubs: [{ agents: { counts: { Unreachable: 3, Waiting: 2 } } }] });
  expect(code).toBe(6);
});

test('an agent that never answers is not waited for, and without --wait no agent is', async () => {
  expect(await apply('one', '--wait=applied', undefined, 'None')).toMatchObject({
    code: 0,
    out: expect.stringContaining('  5 twins = 5 whose agent never answers\n') as string,
  });
  expect((await apply('two', '--wait=written')).out).not.toContain('offline');
});
