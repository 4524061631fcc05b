// Parsing change events, for any content.
import { expect, test } from 'vitest';
import { asChange } from '../../src/model/change.ts';

const REF = { deviceId: 'd', moduleId: 'm' };
const PATCHED = { ...REF, opType: 'updateTwin' };
const NOTHING_NAMED = { hubName: undefined, tags: undefined, desiredVersion: undefined };

test.each<[row: string, source: unknown, properties: Parameters<typeof asChange>[1], body: unknown, change: unknown]>([
  ['telemetry', 'Telemetry', REF, {}, undefined],
  ['a connection', 'deviceConnectionStateEvents', REF, {}, undefined],
  ['no source', undefined, REF, {}, undefined],
  ['no device', 'twinChangeEvents', {}, {}, undefined],
  ['an id that is no text', 'twinChangeEvents', { deviceId: 7 }, {}, undefined],
  ['an id that no hub has', 'twinChangeEvents', { deviceId: 'd/m' }, {}, undefined],
  ['a module id that no hub has', 'twinChangeEvents', { deviceId: 'd', moduleId: '' }, {}, undefined],
  [
    'a body that can not be read',
    'twinChangeEvents',
    PATCHED,
    undefined,
    { ...REF, isLifecycle: false, isReplaced: false, ...NOTHING_NAMED },
  ],
  [
    'members of other types',
    'twinChangeEvents',
    PATCHED,
    { tags: [1], properties: { desired: { $version: '2' } } },
    { ...REF, isLifecycle: false, isReplaced: false, ...NOTHING_NAMED },
  ],
  [
    'a life-cycle event, whose twin is that of the first day',
    'deviceLifecycleEvents',
    { deviceId: 'd' },
    { tags: { a: 1 }, properties: { desired: { $version: 1 } } },
    { deviceId: 'd', moduleId: undefined, isLifecycle: true, isReplaced: false, ...NOTHING_NAMED },
  ],
  [
    'a twin that is replaced',
    'twinChangeEvents',
    { ...REF, hubName: 'acme', opType: 'replaceTwin' },
    { tags: {}, properties: { desired: { $version: 3 } } },
    { ...REF, isLifecycle: false, isReplaced: true, hubName: 'acme', tags: {}, desiredVersion: 3 },
  ],
  [
    'an operation that is not known, which may have replaced the twin',
    'twinChangeEvents',
    REF,
    {},
    { ...REF, isLifecycle: false, isReplaced: true, ...NOTHING_NAMED },
  ],
])('%s', (_row, source, properties, body, change) => {
  expect(asChange(source, properties, body)).toEqual(change);
});
