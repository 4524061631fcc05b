import { describe, expect, test } from 'vitest';
import { inspectHub } from '../../../src/controller/once/inspect.ts';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';
import { notesOf, rulesOf, type HubContext } from '../../../src/controller/context/hub-context.ts';
import type { Row } from '../../../src/controller/pass/list-fleet.ts';
import { makePass, type PassEnd } from '../../../src/controller/pass/pass.ts';
import { stateOf } from '../../../src/controller/twins/twin-state.ts';
import { HubError } from '../../../src/model/errors.ts';
import type { Twin } from '../../../src/model/twin.ts';
import type { Hub, UnreadableRow } from '../../../src/ports/hub.ts';
import {
  createFleet,
  createLog,
  createMetrics,
  createContext,
  manifests,
  MODULE,
  NEVER,
  plannerFor,
  PROD,
  type Fleet,
} from '../fixture.ts';

const BASE = manifests({ base: `${PROD}, settings: {scan: PT1H}` });

async function listFleet(
  context: HubContext,
  visit: (row: Row) => void,
  signal: AbortSignal,
): Promise<PassEnd['kind']> {
  return (await makePass(context, { onRow: (row) => visit(row) }, signal)).kind;
}

/** The rows of one pass in short: `d1 Patch`, `d2 ?` where only a direct read can tell. */
async function rowsOf(context: HubContext): Promise<string[]> {
  const rows: string[] = [];
  await listFleet(context, (row) => void rows.push(short(row)), NEVER);
  return rows.toSorted();
}

function short({ ref, planned }: Row): string {
  return `${ref.deviceId} ${planned?.action.type ?? '?'}`;
}

/** A pass whose rows are remembered, as the loop does. */
async function passOver(context: HubContext): Promise<void> {
  await listFleet(
    context,
    ({ key, planned, twin }) => {
      if (planned !== undefined)
        context.twins.setState(key, stateOf(planned.action, planned.target, twin, context.clock.now()));
    },
    NEVER,
  );
}

function listing(fleet: Fleet, lists: { devices?: readonly string[]; twins?: readonly Twin[] }): Hub {
  return {
    ...fleet.hub,
    async *listDevices(signal) {
      for await (const page of fleet.hub.listDevices(signal)) {
        yield page.filter(({ deviceId }) => lists.devices?.includes(deviceId) ?? true);
      }
    },
    async *listModuleTwins(moduleIds, signal) {
      if (lists.twins === undefined) yield* fleet.hub.listModuleTwins(moduleIds, signal);
      else yield lists.twins;
    },
  };
}

/** The same lists, in which these rows can't be read. */
function unreadable(hub: Hub, rows: { devices?: readonly UnreadableRow[]; twins?: readonly UnreadableRow[] }): Hub {
  const isOf = (list: readonly UnreadableRow[] = [], { deviceId }: { deviceId: string }): boolean =>
    list.some((row) => row.deviceId === deviceId);
  return {
    ...hub,
    async *listDevices(signal, options) {
      for (const row of rows.devices ?? []) options?.onUnreadable?.(row);
      for await (const page of hub.listDevices(signal)) yield page.filter((device) => !isOf(rows.devices, device));
    },
    async *listModuleTwins(moduleIds, signal, options) {
      for (const row of rows.twins ?? []) options?.onUnreadable?.(row);
      for await (const page of hub.listModuleTwins(moduleIds, signal))
        yield page.filter((twin) => !isOf(rows.twins, twin));
    },
  };
}

describe('a row that can not be read', () => {
  test('of a twin leaves that to a direct read, and is told', async () => {
    const fleet = createFleet(3);
    const log = createLog();
    const hub = unreadable(fleet.hub, { twins: [{ deviceId: 'd2', moduleId: MODULE }] });
    const context = createContext(fleet, BASE, { hub, log });
    expect(await rowsOf(context)).toEqual(['d1 Patch', 'd2 ?', 'd3 Patch']);
    expect(notesOf(context)).toEqual([expect.stringContaining(`1 row in the hub's list of module twins`)]);
    expect(notesOf(context)[0]).toContain(`d2/${MODULE}`);
    expect(log.lines).toEqual([expect.objectContaining({ level: 'warn', message: notesOf(context)[0] })]);
  });

  test('of a twin that it does not name may be that of any module that is not listed', async () => {
    const fleet = createFleet(2);
    fleet.addDevice('bare', { module: false });
    const hub = unreadable(fleet.hub, { twins: [{ deviceId: undefined, moduleId: MODULE }] });
    const context = createContext(fleet, BASE, { hub });
    expect(await rowsOf(context)).toEqual(['bare ?', 'd1 Patch', 'd2 Patch']);
    expect(await rowsOf({ ...context, hub: fleet.hub })).toEqual(['bare Wait', 'd1 Patch', 'd2 Patch']);
  });

  test('of a device leaves what was known of it, and without that a direct read', async () => {
    const fleet = createFleet(2);
    const hub = unreadable(fleet.hub, { devices: [{ deviceId: 'd1', moduleId: undefined }] });
    expect(await rowsOf(createContext(fleet, BASE, { hub }))).toEqual(['d1 ?', 'd2 Patch']);
    const context = createContext(fleet, BASE);
    await passOver(context);
    expect(await rowsOf({ ...context, hub })).toEqual(['d1 Patch', 'd2 Patch']);
    expect(context.devices.listedCount).toBe(2);
  });

  test('is told once, and no more once all can be read again', async () => {
    const fleet = createFleet(1);
    const log = createLog();
    const hub = unreadable(fleet.hub, { devices: [{ deviceId: undefined, moduleId: undefined }] });
    const context = createContext(fleet, BASE, { hub, log });
    for (let pass = 0; pass < 3; pass += 1) await passOver(context);
    expect(log.lines).toHaveLength(1);
    await passOver({ ...context, hub: fleet.hub });
    expect(notesOf(context)).toEqual([]);
  });
});

describe('a list without twins', () => {
  test('is believed where nothing is managed any more and the records are gone', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    context.rules = rulesOf(plannerFor(manifests({})));
    expect(await listFleet(context, () => {}, NEVER)).toBe('Complete');
  });

  test('is not believed where a twin still carries a record', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    for (const id of fleet.ids()) fleet.iot.patchTwin({ deviceId: id, moduleId: MODULE }, { tags: { twinward: {} } });
    context.rules = rulesOf(plannerFor(manifests({})));
    expect(await listFleet({ ...context, hub: listing(fleet, { twins: [] }) }, () => {}, NEVER)).toBe('ListEmpty');
  });
});

describe('a pass', () => {
  test('visits every managed twin once, listed or missing, and no other', async () => {
    const fleet = createFleet(2);
    fleet.addDevice('bare', { module: false });
    fleet.addDevice('lab', { tags: { env: 'lab' }, module: false });
    fleet.iot.putModule('d1', 'theirs', { deviceId: 'd1', moduleId: 'theirs' }, undefined);
    const context = createContext(fleet, BASE);
    expect(await rowsOf(context)).toEqual(['bare Wait', 'd1 Patch', 'd2 Patch']);
    expect(context.devices.size).toBe(4);
    expect(fleet.reads).toEqual({ device: 0, module: 0 });
  });

  test('visits a twin once though the pages name it twice', async () => {
    const fleet = createFleet(1);
    const [twins = []] = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    expect(await rowsOf(createContext(fleet, BASE, { hub: listing(fleet, { twins: [...twins, ...twins] }) }))).toEqual([
      'd1 Patch',
    ]);
  });

  test('visits twins that carry our record though nobody declares them any more', async () => {
    const fleet = createFleet(2);
    await reconcile(createContext(fleet, BASE), `d1/${MODULE}`, NEVER);
    expect(await rowsOf(createContext(fleet, manifests({})))).toEqual(['d1 Record']);
  });

  test('plans nothing for a twin whose device was not listed: only a direct read can tell', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE, { hub: listing(fleet, { devices: ['d2'] }) });
    expect(await rowsOf(context)).toEqual(['d1 ?', 'd2 Patch']);
  });

  test('asks again about twins it knew and that no list mentions', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    fleet.iot.deleteDevice('d1', '*');
    expect(await rowsOf(context)).toEqual(['d1 ?', 'd2 Patch']);
    expect(context.twins.state(`d1/${MODULE}`)).toBeDefined();
  });

  test('goes on where planning one row throws', async () => {
    const fleet = createFleet(3);
    const [twins = []] = await Array.fromAsync(fleet.hub.listModuleTwins([MODULE], NEVER));
    const poisoned = twins.map((twin) =>
      twin.deviceId !== 'd2'
        ? twin
        : Object.defineProperty({ ...twin }, 'tags', {
            get: () => {
              throw new TypeError('what?');
            },
          }),
    );
    const hub = listing(fleet, { twins: poisoned });
    expect(await rowsOf(createContext(fleet, BASE, { hub }))).toEqual(['d1 Patch', 'd2 ?', 'd3 Patch']);
    const look = inspectHub(
      {
        planner: plannerFor(BASE),
        hub,
        hubName: 'dev',
        clock: fleet.clock,
        log: createLog(),
        metrics: createMetrics(),
        signal: NEVER,
      },
      () => {},
    );
    await expect(look).rejects.toThrow('what?');
  });
});

describe('a list that is not believed', () => {
  test('names no device though the hub counts some, at the first look too', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE, { hub: listing(fleet, { devices: [] }) });
    const rows: string[] = [];
    expect(await listFleet(context, (row) => void rows.push(short(row)), NEVER)).toBe('ListEmpty');
    expect(rows).toEqual([]);
  });

  test('names no device though there were some: they stay known', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    expect(await listFleet({ ...context, hub: listing(fleet, { devices: [] }) }, () => {}, NEVER)).toBe('ListEmpty');
    expect(context.devices.size).toBe(2);
  });

  test('is believed where the hub counts none either', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    for (const id of fleet.ids()) fleet.iot.deleteDevice(id, '*');
    expect(await listFleet(context, () => {}, NEVER)).toBe('Complete');
    expect(context.devices.size).toBe(0);
  });

  test('names no twin though one that we know is still there', async () => {
    const fleet = createFleet(2);
    const context = createContext(fleet, BASE);
    await passOver(context);
    const hub = listing(fleet, { twins: [] });
    expect(await listFleet({ ...context, hub }, () => {}, NEVER)).toBe('ListEmpty');
    for (const id of fleet.ids()) fleet.iot.deleteModule(id, MODULE, '*');
    expect(await listFleet({ ...context, hub }, () => {}, NEVER)).toBe('Complete');
  });
});

describe('a list that fails midway', () => {
  const broken = new HubError('Unavailable', 'cut off');

  test('of devices counts for nothing', async () => {
    const fleet = createFleet(3);
    const context = createContext(fleet, BASE);
    await passOver(context);
    fleet.addDevice('d4');
    const hub: Hub = {
      ...fleet.hub,
      async *listDevices(signal) {
        for await (const page of fleet.hub.listDevices(signal)) {
          yield page.slice(0, 1);
          throw broken;
        }
      },
    };
    await expect(listFleet({ ...context, hub }, () => {}, NEVER)).rejects.toBe(broken);
    expect(context.devices.size).toBe(3);
  });

  test('of twins is no reason to take the others for missing', async () => {
    const fleet = createFleet(3);
    const context = createContext(fleet, BASE);
    const rows: string[] = [];
    const hub: Hub = {
      ...fleet.hub,
      async *listModuleTwins(moduleIds, signal) {
        for await (const page of fleet.hub.listModuleTwins(moduleIds, signal)) {
          yield page.slice(0, 1);
          throw broken;
        }
      },
    };
    await expect(listFleet({ ...context, hub }, (row) => void rows.push(short(row)), NEVER)).rejects.toBe(broken);
    expect(rows).toEqual(['d1 Patch']);
  });
});
