// Configurations as clients keep them: one row for each rule of the service.
import { describe, expect, test } from 'vitest';
import type { IotHub } from '../../../../src/emulator/hub/iot-hub.ts';
import { newHub, refusal, START_MS } from '../new-hub.ts';

const CONTENT = { deviceContent: { 'properties.desired.cooling': { level: 3 } } };
const BODY = { id: 'c1', content: CONTENT, targetCondition: "tags.site = 'lyon'", priority: 10 };

/** This many nested objects. */
function nested(depth: number): object {
  let value: object = {};
  for (let level = 0; level < depth; level += 1) value = { a: value };
  return value;
}

function hubWithConfiguration(): ReturnType<typeof newHub> {
  const made = newHub();
  made.hub.putConfiguration('c1', BODY, undefined);
  return made;
}

describe('what a configuration looks like', () => {
  test('new, with nothing but content', () => {
    const { hub } = newHub();
    expect(hub.putConfiguration('c1', { content: CONTENT }, undefined)).toEqual({
      id: 'c1',
      schemaVersion: null,
      labels: null,
      content: CONTENT,
      targetCondition: '',
      createdTimeUtc: '2026-11-23T17:40:00Z',
      lastUpdatedTimeUtc: '2026-11-23T17:40:00Z',
      priority: 0,
      systemMetrics: {
        results: {},
        queries: {
          targetedCount: "select deviceId from devices where deviceId = ''",
          appliedCount: "select deviceId from devices where configurations.[[c1]].status = 'Applied'",
        },
      },
      metrics: { results: {}, queries: {} },
      etag: 'MQ==',
    });
  });

  const conditions: [sentence: string, content: object, condition: string, want: string][] = [
    ['a condition on devices', CONTENT, 'tags.a = 1', 'select deviceId from devices where tags.a = 1'],
    ['all devices', CONTENT, '*', 'select deviceId from devices'],
    [
      'modules',
      { moduleContent: { 'properties.desired': { a: 1 } } },
      "from devices.modules where moduleId = 'm'",
      "select deviceId, moduleId from devices.modules where moduleId = 'm'",
    ],
    [
      'edge devices',
      { modulesContent: { $edgeAgent: { 'properties.desired': { a: 1 } } } },
      'tags.a = 1 or tags.b = 2',
      'select deviceId from devices where capabilities.iotEdge = true and (tags.a = 1 or tags.b = 2)',
    ],
  ];
  test.each(conditions)('who is targeted: %s', (_sentence, content, targetCondition, want) => {
    const { hub } = newHub();
    const made = hub.putConfiguration('c1', { content, targetCondition }, undefined);
    expect(made).toMatchObject({ systemMetrics: { queries: { targetedCount: want } } });
  });

  test('the metrics of a deployment are queries that the hub takes', () => {
    const { hub } = newHub();
    const content = { modulesContent: { $edgeAgent: { 'properties.desired': { a: 1 } } } };
    const made = hub.putConfiguration('c1', { content, targetCondition: '*' }, undefined);
    const { queries } = made['systemMetrics'] as { queries: Record<string, string> };
    expect(queries['reportedSuccessfulCount']).toBe(
      "select deviceId from devices.modules where moduleId = '$edgeAgent' and configurations.[[c1]].status = 'Applied' " +
        'and properties.desired.$version = properties.reported.lastDesiredVersion ' +
        'and properties.reported.lastDesiredStatus.code = 200',
    );
    expect(Object.keys(queries)).toEqual([
      'targetedCount',
      'appliedCount',
      'reportedSuccessfulCount',
      'reportedFailedCount',
    ]);
    for (const text of Object.values(queries)) expect(hub.query(text).items).toEqual([]);
  });
});

describe('create and update', () => {
  test('create answers what get and list answer', () => {
    const { hub } = newHub();
    const made = hub.putConfiguration('c1', BODY, undefined);
    expect(hub.getConfiguration('c1')).toEqual(made);
    expect(hub.listConfigurations()).toEqual([made]);
  });

  test('an update moves the etag and the time, and keeps the rest', () => {
    const { hub, time } = hubWithConfiguration();
    time.now = START_MS + 60_000;
    const labels = { team: 'a' };
    const body = { ...BODY, priority: 20, targetCondition: '*', labels, schemaVersion: '2.0' };
    expect(hub.putConfiguration('c1', body, '"MQ=="')).toMatchObject({
      priority: 20,
      targetCondition: '*',
      labels,
      schemaVersion: '2.0',
      etag: 'Mg==',
      createdTimeUtc: '2026-11-23T17:40:00Z',
      lastUpdatedTimeUtc: '2026-11-23T17:41:00Z',
    });
  });

  test('changed content is answered with success and ignored', () => {
    const { hub } = hubWithConfiguration();
    const content = { deviceContent: { 'properties.desired.cooling': { level: 9 } } };
    expect(hub.putConfiguration('c1', { ...BODY, content }, '"*"')['content']).toEqual(CONTENT);
  });

  test('what was given is copied', () => {
    const { hub } = newHub();
    const body = structuredClone(BODY);
    hub.putConfiguration('c1', body, undefined);
    body.content.deviceContent['properties.desired.cooling'].level = 99;
    expect(hub.getConfiguration('c1')['content']).toEqual(CONTENT);
  });

  /** The refusal of a run; undefined if it succeeded. */
  const outcome = (run: () => unknown): string | undefined => {
    try {
      run();
      return undefined;
    } catch {
      return refusal(run).code;
    }
  };

  const etags: [sentence: string, ifMatch: string | undefined, want: string | undefined][] = [
    ['none is create alone', undefined, 'ConfigurationAlreadyExists'],
    ['a bare one is misread as none', 'MQ==', 'ConfigurationAlreadyExists'],
    ['a bare star too', '*', 'ConfigurationAlreadyExists'],
    ['a stale one', '"Mg=="', 'PreconditionFailed'],
    ['the right one', '"MQ=="', undefined],
    ['the star', '"*"', undefined],
  ];
  test.each(etags)('If-Match on an update: %s', (_sentence, ifMatch, want) => {
    const { hub } = hubWithConfiguration();
    expect(outcome(() => hub.putConfiguration('c1', BODY, ifMatch))).toBe(want);
  });

  const deletions: [sentence: string, ifMatch: string | undefined, want: string | undefined][] = [
    ['none', undefined, undefined],
    ['the right one', '"MQ=="', undefined],
    ['the star', '"*"', undefined],
    ['a stale one', '"Mg=="', 'PreconditionFailed'],
    ['a bare one says nothing', 'Mg==', undefined],
  ];
  test.each(deletions)('If-Match on a deletion: %s', (_sentence, ifMatch, want) => {
    const { hub } = hubWithConfiguration();
    expect(outcome(() => hub.deleteConfiguration('c1', ifMatch))).toBe(want);
    expect(hub.listConfigurations()).toHaveLength(want === undefined ? 0 : 1);
  });

  test.each<[string, (hub: IotHub) => unknown]>([
    ['read', (hub) => hub.getConfiguration('x')],
    ['updated', (hub) => hub.putConfiguration('x', { content: CONTENT }, '"*"')],
    ['deleted', (hub) => hub.deleteConfiguration('x', undefined)],
  ])('what is missing cannot be %s', (_sentence, run) => {
    expect(refusal(() => run(newHub().hub))).toMatchObject({ status: 404, number: 404301 });
  });

  test('the hub holds so many and no more; deleting makes room', () => {
    const { hub } = newHub({ limits: { configurationsMax: 2 } });
    for (const id of ['a', 'b']) hub.putConfiguration(id, { content: CONTENT }, undefined);
    const third = (): unknown => hub.putConfiguration('c', { content: CONTENT }, undefined);
    expect(refusal(third)).toMatchObject({ status: 413, number: 413101, code: 'ConfigurationCountLimitExceeded' });
    hub.deleteConfiguration('a', undefined);
    expect(third).not.toThrow();
    expect(hub.listConfigurations().map(({ id }) => id)).toEqual(['b', 'c']);
  });
});

describe('what is refused', () => {
  const module = { moduleContent: { 'properties.desired.a': 1 } };
  const rows: [sentence: string, body: unknown, code: string][] = [
    ['no content', { priority: 1 }, 'InvalidConfigurationContent'],
    ['empty content', { content: {} }, 'InvalidConfigurationContent'],
    ['content of an unknown kind', { content: { x: {} } }, 'InvalidConfigurationContent'],
    ['two kinds of content', { content: { ...CONTENT, ...module } }, 'InvalidConfigurationContent'],
    ['tags in content', { content: { deviceContent: { 'tags.a': 1 } } }, 'InvalidConfigurationContent'],
    [
      'reported in content',
      { content: { deviceContent: { 'properties.reported.a': 1 } } },
      'InvalidConfigurationContent',
    ],
    ['an empty path', { content: { deviceContent: { 'properties.desired.': 1 } } }, 'InvalidConfigurationContent'],
    [
      'a section that is no object',
      { content: { deviceContent: { 'properties.desired': 1 } } },
      'InvalidConfigurationContent',
    ],
    [
      'a key that twins refuse',
      { content: { deviceContent: { 'properties.desired.a': { 'b c': 1 } } } },
      'InvalidConfigurationContent',
    ],
    [
      'values without end',
      { content: { deviceContent: { 'properties.desired.a': nested(50_000) } } },
      'InvalidConfigurationContent',
    ],
    [
      'a deployment without the agent',
      { content: { modulesContent: { $edgeHub: {} } } },
      'InvalidConfigurationContent',
    ],
    [
      'a condition that does not parse',
      { content: CONTENT, targetCondition: 'tags.a =' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a condition on desired',
      { content: CONTENT, targetCondition: 'properties.desired.a = 1' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a condition on status',
      { content: CONTENT, targetCondition: "status = 'enabled'" },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a condition inside a function',
      { content: CONTENT, targetCondition: 'IS_DEFINED(etag)' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a condition that groups',
      { content: CONTENT, targetCondition: 'tags.a = 1 GROUP BY tags.b' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a modules condition for devices',
      { content: CONTENT, targetCondition: 'from devices.modules where tags.a = 1' },
      'InvalidConfigurationTargetCondition',
    ],
    [
      'a bare condition for modules',
      { content: module, targetCondition: 'tags.a = 1' },
      'InvalidConfigurationTargetCondition',
    ],
    ['all modules', { content: module, targetCondition: '*' }, 'InvalidConfigurationTargetCondition'],
    [
      'a metric that does not parse',
      { content: CONTENT, metrics: { queries: { m: 'SELECT' } } },
      'InvalidConfigurationCustomMetricsQuery',
    ],
    [
      'a metric on jobs',
      { content: CONTENT, metrics: { queries: { m: 'SELECT * FROM devices.jobs' } } },
      'InvalidConfigurationCustomMetricsQuery',
    ],
    [
      'six metrics',
      {
        content: CONTENT,
        metrics: {
          queries: Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, 'SELECT * FROM devices'])),
        },
      },
      'InvalidConfigurationCustomMetricsQuery',
    ],
    ['another id in the body', { id: 'c2', content: CONTENT }, 'ArgumentInvalid'],
    ['a priority that is no number', { content: CONTENT, priority: '1' }, 'ArgumentInvalid'],
    ['a label that is no text', { content: CONTENT, labels: { a: 1 } }, 'ArgumentInvalid'],
    ['no object', [], 'ArgumentInvalid'],
  ];
  test.each(rows)('%s', (_sentence, body, code) => {
    const { hub, records } = newHub();
    expect(refusal(() => hub.putConfiguration('c1', body, undefined))).toMatchObject({ status: 400, code });
    expect(records).toEqual([]);
  });

  test('depth counts from the section, however the path is written', () => {
    const at = (key: string, depth: number): unknown =>
      newHub().hub.putConfiguration('c1', { content: { deviceContent: { [key]: nested(depth) } } }, undefined);
    for (const [key, depth] of [
      ['properties.desired', 10],
      ['properties.desired.a.b', 8],
    ] as const) {
      expect(() => at(key, depth), key).not.toThrow();
      expect(refusal(() => at(key, depth + 1)).code, key).toBe('InvalidConfigurationContent');
    }
  });

  test('an update without content', () => {
    const { hub } = hubWithConfiguration();
    expect(refusal(() => hub.putConfiguration('c1', { priority: 1 }, '"*"')).code).toBe('InvalidConfigurationContent');
  });

  test.each(['Upper', 'a.b', 'a b', 'ä', '', 'x'.repeat(129)])('the id %j', (id) => {
    expect(refusal(() => newHub().hub.putConfiguration(id, { content: CONTENT }, undefined))).toMatchObject({
      status: 400,
      code: 'ArgumentInvalid',
    });
  });

  test("ids of a-z, 0-9 and -+%_*!' are taken", () => {
    expect(newHub().hub.putConfiguration("a-z0+%_*!'", { content: CONTENT }, undefined)['id']).toBe("a-z0+%_*!'");
  });
});

describe('testQueries', () => {
  const rows: [sentence: string, condition: string, isGood: boolean][] = [
    ['a bare condition', "tags.site = 'lyon' AND properties.reported.a > 1", true],
    ['a condition on the id', "deviceId IN ['a', 'b']", true],
    ['a condition for modules', "from devices.modules where tags.a = 'b'", true],
    ['keywords in capitals', "FROM devices.modules WHERE tags.a = 'b'", true],
    ['the star, though a configuration may have it', '*', false],
    ['nonsense', 'tags.a ==', false],
    ['desired properties', 'properties.desired.a = 1', false],
  ];
  test.each(rows)('%s', (_sentence, targetCondition, isGood) => {
    const { targetConditionError } = newHub().hub.testQueries({ targetCondition });
    expect(targetConditionError === null).toBe(isGood);
  });

  test('names each metric that is wrong, and creates nothing', () => {
    const { hub, records } = newHub();
    const customMetricQueries = { good: 'SELECT deviceId FROM devices', bad: 'SELECT nonsense FROM devices' };
    const answer = hub.testQueries({ targetCondition: 'tags.a = 1', customMetricQueries });
    expect(answer).toEqual({
      targetConditionError: null,
      customMetricQueryErrors: { bad: expect.any(String) as string },
    });
    expect(records).toEqual([]);
  });
});
