// The device side: what is delivered, in which order, and what reports do.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../src/model/json.ts';
import { hubWithModule, MODULE, refusal, START_MS, type TestHub } from './new-hub.ts';

function listen({ hub }: TestHub): { heard: JsonObject[]; connection: ReturnType<TestHub['hub']['connect']> } {
  const heard: JsonObject[] = [];
  return { heard, connection: hub.connect(MODULE, (patch) => heard.push(patch)) };
}

describe('delivery', () => {
  const rows: [
    sentence: string,
    before: JsonObject,
    write: 'patchTwin' | 'replaceTwin',
    body: JsonObject,
    want: JsonObject[],
  ][] = [
    ['a changed value', { a: 1, b: 2 }, 'patchTwin', { properties: { desired: { a: -1 } } }, [{ a: -1, $version: 3 }]],
    [
      'unchanged values too',
      { a: 1, b: 2 },
      'patchTwin',
      { properties: { desired: { a: 1, b: 2 } } },
      [{ a: 1, b: 2, $version: 3 }],
    ],
    [
      'nulls as sent',
      { a: { b: 1 } },
      'patchTwin',
      { properties: { desired: { a: { b: null } } } },
      [{ a: { b: null }, $version: 3 }],
    ],
    ['a null for an absent key', {}, 'patchTwin', { properties: { desired: { a: null } } }, [{ a: null, $version: 3 }]],
    [
      'a replacement, with nulls for what is gone',
      { a: 1, b: 2 },
      'replaceTwin',
      { properties: { desired: { a: 1, c: 100 } } },
      [{ a: 1, b: null, c: 100, $version: 3 }],
    ],
    [
      'without the hub’s own keys',
      {},
      'patchTwin',
      { properties: { desired: { a: 1, $version: 7, $metadata: {} } } },
      [{ a: 1, $version: 3 }],
    ],
    ['nothing for tags alone', {}, 'patchTwin', { tags: { a: 1 } }, []],
  ];
  test.each(rows)('%s', (_sentence, before, write, body, want) => {
    const test = hubWithModule();
    test.hub.patchTwin(MODULE, { properties: { desired: before } });
    const { heard } = listen(test);
    test.hub[write](MODULE, body);
    expect(heard).toEqual(want);
  });

  test('is to this module alone', () => {
    const test = hubWithModule();
    const { heard } = listen(test);
    test.hub.patchTwin({ deviceId: 'd' }, { properties: { desired: { a: 1 } } });
    expect(heard).toEqual([]);
  });

  test('nothing is kept for who was away', () => {
    const test = hubWithModule();
    test.hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    const { heard, connection } = listen(test);
    expect(heard).toEqual([]);
    expect(connection.getTwin()).toEqual({ desired: { a: 1, $version: 2 }, reported: { $version: 1 } });
  });

  test('a refused write delivers nothing', () => {
    const test = hubWithModule();
    const { heard } = listen(test);
    refusal(() => test.hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } }, '"stale"'));
    refusal(() => test.hub.patchTwin(MODULE, { properties: { desired: { a: 1 } }, tags: { 'b.c': 1 } }));
    expect(heard).toEqual([]);
  });

  test('what is heard and read is the listener’s to change', () => {
    const { hub } = hubWithModule();
    const connection = hub.connect(MODULE, (patch) => {
      (patch['a'] as JsonObject)['b'] = 'spoilt';
    });
    hub.patchTwin(MODULE, { properties: { desired: { a: { b: 1 } } } });
    (connection.getTwin().desired['a'] as JsonObject)['b'] = 'spoilt';
    expect(connection.getTwin().desired).toEqual({ a: { b: 1 }, $version: 2 });
  });

  test('a report made inside it sees the write, and the write’s answer does not see the report', () => {
    const { hub } = hubWithModule();
    const connection = hub.connect(MODULE, () =>
      connection.report({ seen: connection.getTwin().desired['a'] ?? null }),
    );
    const answer = hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    expect(answer).toMatchObject({ version: 3, properties: { reported: { $version: 1 } } });
    expect(hub.getTwin(MODULE)).toMatchObject({ version: 4, properties: { reported: { seen: 1, $version: 2 } } });
  });

  test('writes made inside it are heard afterwards, in order', () => {
    const { hub } = hubWithModule();
    const log: string[] = [];
    hub.connect(MODULE, (patch) => {
      const version = patch['$version'] as number;
      log.push(`start ${version}`);
      if (version < 4) hub.patchTwin(MODULE, { properties: { desired: { a: version } } });
      log.push(`end ${version}`);
    });
    hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    expect(log).toEqual(['start 2', 'end 2', 'start 3', 'end 3', 'start 4', 'end 4']);
  });

  test('a listener that fails loses its own turn only', () => {
    const test = hubWithModule();
    const { hub } = test;
    let fails = true;
    const heard: JsonObject[] = [];
    hub.connect(MODULE, (patch) => {
      if (fails) throw new Error('agent bug');
      heard.push(patch);
    });
    expect(() => hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } })).toThrow('agent bug');
    fails = false;
    hub.patchTwin(MODULE, { properties: { desired: { a: 2 } } });
    expect(heard).toEqual([{ a: 2, $version: 3 }]);
  });
});

describe('connection state', () => {
  test('follows connections and reports', () => {
    const { hub, time } = hubWithModule();
    time.now = START_MS + 1000;
    const connection = hub.connect(MODULE, () => {});
    expect(hub.getTwin(MODULE)).toMatchObject({
      connectionState: 'Connected',
      lastActivityTime: '2026-11-23T17:40:01Z',
    });
    time.now = START_MS + 2000;
    connection.report({ a: 1 });
    expect(hub.getTwin(MODULE)).toMatchObject({ lastActivityTime: '2026-11-23T17:40:02Z' });
    time.now = START_MS + 3000;
    connection.close();
    connection.close();
    expect(hub.getModule('d', 'm')).toMatchObject({
      connectionState: 'Disconnected',
      connectionStateUpdatedTime: '2026-11-23T17:40:03Z',
    });
  });

  test('moves no counter of the twin and no identity etag', () => {
    const { hub } = hubWithModule();
    const { etag, deviceEtag, version } = hub.getTwin(MODULE);
    hub.connect(MODULE, () => {}).close();
    expect(hub.getTwin(MODULE)).toMatchObject({ etag, deviceEtag, version } as JsonObject);
  });

  test('counts devices, not modules', () => {
    const { hub } = hubWithModule();
    hub.connect(MODULE, () => {});
    expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 0 });
    const device = hub.connect({ deviceId: 'd' }, () => {});
    expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 1 });
    device.close();
    expect(hub.serviceStatistics()).toEqual({ connectedDeviceCount: 0 });
  });

  test('the last connection wins', () => {
    const test = hubWithModule();
    const old = listen(test);
    const next = listen(test);
    test.hub.patchTwin(MODULE, { properties: { desired: { a: 1 } } });
    expect([old.heard.length, next.heard.length]).toEqual([0, 1]);
    expect(refusal(() => old.connection.report({}))).toMatchObject({ code: 'DeviceNotOnline', envelope: 2 });
    old.connection.close();
    expect(test.hub.getTwin(MODULE)['connectionState']).toBe('Connected');
    expect(next.connection.report({})).toBe(2);
  });
});

describe('a connection ends', () => {
  const rows: [sentence: string, end: (test: TestHub) => void][] = [
    ['with its module', ({ hub }) => hub.deleteModule('d', 'm', '*')],
    ['with its device', ({ hub }) => hub.deleteDevice('d', '*')],
    ['when its device is disabled', ({ hub }) => hub.putDevice('d', { status: 'disabled' }, '*')],
    [
      'when the module is recreated',
      ({ hub }) => {
        hub.deleteModule('d', 'm', '*');
        hub.putModule('d', 'm', {}, undefined);
      },
    ],
  ];
  test.each(rows)('%s', (_sentence, end) => {
    const test = hubWithModule();
    const { connection } = listen(test);
    end(test);
    expect(refusal(() => connection.report({ a: 1 }))).toMatchObject({ status: 404, code: 'DeviceNotOnline' });
    expect(refusal(() => connection.getTwin())).toMatchObject({ status: 404 });
    connection.close();
  });

  test('on a disabled device shows in the twin', () => {
    const test = hubWithModule();
    listen(test);
    test.hub.putDevice('d', { status: 'disabled' }, '*');
    expect(test.hub.getTwin(MODULE)['connectionState']).toBe('Disconnected');
  });
});

test('who does not exist or is disabled cannot connect', () => {
  const { hub } = hubWithModule();
  expect(refusal(() => hub.connect({ deviceId: 'x' }, () => {}))).toMatchObject({
    code: 'DeviceNotFound',
    envelope: 2,
  });
  expect(refusal(() => hub.connect({ deviceId: 'd', moduleId: 'x' }, () => {}))).toMatchObject({
    code: 'ModuleNotFound',
  });
  hub.putDevice('d', { status: 'disabled' }, '*');
  expect(refusal(() => hub.connect(MODULE, () => {}))).toMatchObject({ status: 403, code: 'DeviceDisabled' });
});

test('reports merge, count up and are stamped without versions', () => {
  const { hub } = hubWithModule();
  const connection = hub.connect(MODULE, () => {});
  expect(connection.report({ a: 1, b: { c: 1 } })).toBe(2);
  expect(connection.report({ a: null })).toBe(3);
  expect(connection.report({ b: { c: 1 } })).toBe(4);
  expect(connection.getTwin().reported).toEqual({ b: { c: 1 }, $version: 4 });
  expect(JSON.stringify(hub.getTwin(MODULE))).not.toContain('$lastUpdatedVersion');
  expect(refusal(() => connection.report([] as unknown as JsonObject))).toMatchObject({ status: 400, envelope: 2 });
});
