// What of the hub's changes is worth a look. Each look costs a message of its day.
import { describe, expect, test } from 'vitest';
import { DeviceList } from '../../../src/controller/twins/device-table.ts';
import { keysOfChange } from '../../../src/controller/hints/keys-of-change.ts';
import { Hints } from '../../../src/controller/twins/hints.ts';
import type { HubContext } from '../../../src/controller/context/hub-context.ts';
import type { Change } from '../../../src/model/change.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createFleet, createContext, manifests, MODULE } from '../fixture.ts';

const RINGS =
  'selector: {matchTags: {rollout.ring: "1"}, matchExpressions: [{key: tags.lab, operator: DoesNotExist}]}, settings: {scan: PT1H}';
const EXCEPTION = `---
apiVersion: twinward.dev/v1alpha1
kind: SecurityException
metadata: {name: inc-1}
spec:
  selector: {matchTags: {incident: "1"}}
  profile: acme-guard
  settings: {usb: allow}
  owner: us
  reason: INC-1
  expiresAt: "2027-01-01T00:00:00Z"
`;
const TAGS = { rollout: { ring: '1' }, site: 'a' };

function scopeOf(text = manifests({ rings: RINGS }) + EXCEPTION): HubContext & { readonly hints: Hints } {
  const created = createContext(createFleet(0), text);
  const context = { ...created, hints: new Hints(created.twins) };
  const list = new DeviceList();
  for (const [deviceId, tags] of Object.entries({ d: TAGS, bare: {}, bench: { site: 'b' } })) {
    list.add({ deviceId, status: 'enabled', iotEdge: false, tags });
  }
  context.devices.replace(list);
  return context;
}

const change = (more: Partial<Change>): Change => ({
  hubName: undefined,
  deviceId: 'd',
  moduleId: undefined,
  isLifecycle: false,
  isReplaced: false,
  tags: undefined,
  desiredVersion: undefined,
  ...more,
});
const keysOf = (more: Partial<Change>, context = scopeOf()): readonly string[] => keysOfChange(context, change(more));

describe('the tags of a device', () => {
  test.each<[row: string, tags: JsonObject | undefined, isLooked: boolean, more?: Partial<Change>]>([
    ['that a selector looks at', { rollout: { ring: '2' } }, true],
    ['that a selector looks at, and that the device has not', { lab: true }, true],
    ['that an exception looks at', { incident: '1' }, true],
    ['above one that a selector looks at', { rollout: null }, true],
    ['below one that a selector looks at', { lab: { room: 1 } }, true],
    ['that nobody looks at', { site: 'b' }, false],
    ['that nobody looks at, beside one that matters', { rollout: { wave: 3 } }, false],
    ['that nobody looks at, one of which goes', { site: null }, false],
    ['the first', { site: 'a' }, true, { deviceId: 'bare' }],
    ['the last, which goes', { site: null }, true, { deviceId: 'bench' }],
    ['of a device that is not known', { site: 'a' }, false, { deviceId: 'new' }],
    ['all that are left', { site: 'b' }, true, { isReplaced: true }],
    ['of which none is left', undefined, true, { isReplaced: true }],
    ['of which nothing is said', undefined, false],
  ])('%s', (_row, tags, isLooked, more = {}) => {
    const { deviceId = 'd' } = more;
    expect(keysOf({ tags, ...more })).toEqual(isLooked ? [`${deviceId}/${MODULE}`] : []);
  });
});

describe('a module', () => {
  const RECORD = { twinward: { default: { v: 1 } } };
  test.each<[row: string, more: Partial<Change>, isLooked: boolean]>([
    ['whose settings change', { desiredVersion: 2 }, true],
    ['whose record changes', { tags: RECORD }, true],
    ['whose record goes', { tags: { twinward: null } }, true],
    ['whose record of another installation changes', { tags: { twinward: { other: { v: 1 } } } }, false],
    ['whose tags change', { tags: { site: 'b' } }, false],
    ['that is replaced', { isReplaced: true, tags: {}, desiredVersion: 2 }, true],
    ['that comes', { isLifecycle: true }, true],
    ['that reports', {}, false],
    ['that nobody declares', { moduleId: 'another', desiredVersion: 2 }, false],
    ['that nobody declares, and that comes', { moduleId: 'another', isLifecycle: true }, false],
    ['of a device that nothing is declared for', { deviceId: 'bench', desiredVersion: 2 }, false],
    ['of a device that nothing is declared for, which is replaced', { deviceId: 'bench', isReplaced: true }, false],
    ['of a device that is not known', { deviceId: 'new', desiredVersion: 2 }, false],
  ])('%s', (_row, more, isLooked) => {
    expect(keysOf({ moduleId: MODULE, ...more })).toEqual(isLooked ? [`d/${MODULE}`] : []);
  });

  test('that is managed no more is looked at for its record alone', () => {
    const context = scopeOf();
    const state = { type: 'Keep', reason: 'Unassigned', acknowledgement: undefined, detail: undefined } as const;
    context.twins.setState(`bench/${MODULE}`, { ...state, owners: [], isDrifted: false, failure: undefined });
    const bench = { deviceId: 'bench', moduleId: MODULE };
    expect(keysOf({ ...bench, desiredVersion: 2 }, context)).toEqual([]);
    expect(keysOf({ ...bench, tags: { twinward: null } }, context)).toEqual([`bench/${MODULE}`]);
  });

  test('may be managed as long as nobody has listed the devices', () => {
    const created = createContext(createFleet(0), manifests({ rings: RINGS }));
    const context = { ...created, hints: new Hints(created.twins) };
    expect(keysOf({ moduleId: MODULE, desiredVersion: 2 }, context)).toEqual([`d/${MODULE}`]);
    expect(keysOf({ moduleId: 'another', desiredVersion: 2 }, context)).toEqual([]);
  });

  test('of a device that was just hinted at is looked at before anything is known of that', () => {
    const context = scopeOf();
    context.hints.add(`new/${MODULE}`);
    expect(keysOf({ deviceId: 'new', moduleId: MODULE, isLifecycle: true }, context)).toEqual([`new/${MODULE}`]);
  });

  describe('that we wrote to ourselves', () => {
    const own = (record: JsonObject, desiredVersion?: number): readonly string[] => {
      const context = scopeOf();
      context.twins.beginWrite(`d/${MODULE}`, 'E7', 0);
      return keysOf({ moduleId: MODULE, tags: { twinward: { default: record } }, desiredVersion }, context);
    };
    test.each<[row: string, record: JsonObject, desiredVersion: number | undefined, isOwn: boolean]>([
      ['settings, by the version that the record names', { desired: 7 }, 7, true],
      ['a record of before, with settings', { desired: 7, etag: 'E7' }, 8, false],
      ['settings whose record names no version', { etag: 'E7' }, 8, false],
      ['the record alone, by its etag', { etag: 'E7' }, undefined, true],
      ['the record alone, with that of before', { etag: 'E6', desired: 7 }, undefined, false],
      ['the record alone, without an etag', { desired: 7 }, undefined, false],
    ])('%s', (_row, record, desiredVersion, isOwn) => {
      expect(own(record, desiredVersion)).toEqual(isOwn ? [] : [`d/${MODULE}`]);
    });
  });
});
