// azure-iot-sdk-node#683 on order: which nulls wipe, and what they leave.
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../../../src/model/json.ts';
import { hubWithModule, MODULE } from '../new-hub.ts';

const rows: [
  sentence: string,
  before: JsonObject,
  patch: JsonObject,
  isOn: boolean,
  want: JsonObject,
  moves: boolean,
][] = [
  ['a nested null for an absent key wipes its siblings', { a: { b: 1 } }, { a: { c: null } }, true, { a: {} }, false],
  [
    'what the patch sets beside it stays',
    { a: { b: 1, d: 2 } },
    { a: { c: null, d: 3 } },
    true,
    { a: { d: 3 } },
    false,
  ],
  ['what is beside the object stays', { a: { b: 1 }, e: 1 }, { a: { c: null } }, true, { a: {}, e: 1 }, false],
  ['deeper too', { a: { b: { c: 1 } } }, { a: { b: { x: null } } }, true, { a: { b: {} } }, false],
  ['not for a key that is there', { a: { b: 1, c: 2 } }, { a: { c: null } }, true, { a: { b: 1 } }, true],
  ['not at the root', { a: 1 }, { b: null }, true, { a: 1 }, true],
  ['not in an object that is new', { a: 1 }, { b: { c: null } }, true, { a: 1, b: {} }, true],
  ['never while the switch is off', { a: { b: 1 } }, { a: { c: null } }, false, { a: { b: 1 } }, true],
];

describe('the null hazard', () => {
  test.each(rows)('%s', (_sentence, before, patch, isOn, want, moves) => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: before } });
    hub.setNullHazard(isOn);
    const twin = hub.patchTwin(MODULE, { properties: { desired: patch } });
    const { desired } = twin['properties'] as { desired: JsonObject };
    const { $metadata: _metadata, $version, ...properties } = desired;
    expect(properties).toEqual(want);
    expect($version).toBe(moves ? 3 : 2);
  });

  test('leaves metadata of what is gone', () => {
    const { hub } = hubWithModule();
    hub.patchTwin(MODULE, { properties: { desired: { a: { b: 1 } } } });
    hub.setNullHazard(true);
    const twin = hub.patchTwin(MODULE, { properties: { desired: { a: { c: null } } } });
    expect(twin).toMatchObject({ properties: { desired: { $metadata: { a: { b: { $lastUpdatedVersion: 2 } } } } } });
  });
});
