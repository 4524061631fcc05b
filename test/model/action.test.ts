// Actions as a closed union: what has no meaning does not compile, and what a type lacks is read as nothing.
import { expect, test } from 'vitest';
import {
  changesOf,
  differencesOf,
  heldInstead,
  writes,
  type SettingChange,
  type TwinAction,
} from '../../src/model/action.ts';
import { actionOf } from '../plan/actions.ts';

const ABOUT = { deviceId: 'd1', moduleId: 'm', owners: [], observed: [], message: undefined } as const;
const WRITE = { etag: 'AAAAAAAAAAE=', needs: { moduleTwin: false, deviceTwin: false } } as const;
const PATCH = { tags: {}, properties: { desired: {} } };
const CHANGE: SettingChange = {
  name: 'a',
  path: ['a'],
  before: 1,
  after: 2,
  owner: 'SecurityConfiguration/x',
  cause: 'Drift',
  sensitive: false,
};

test('what has no meaning does not compile', () => {
  const strange: readonly TwinAction[] = [
    // @ts-expect-error A twin in sync has not drifted.
    { ...ABOUT, type: 'Equal', reason: 'Drift' },
    // @ts-expect-error What is equal has nothing to send.
    { ...ABOUT, type: 'Equal', reason: 'InSync', patch: PATCH },
    // @ts-expect-error A patch without anything to send.
    { ...ABOUT, ...WRITE, type: 'Patch', reason: 'Drift', changes: [], patch: undefined },
    // @ts-expect-error A patch that leaves the record as it is.
    { ...ABOUT, ...WRITE, type: 'Patch', reason: 'Drift', changes: [], patch: { properties: { desired: {} } } },
    // @ts-expect-error A write that does not say of which state of the twin.
    { ...ABOUT, type: 'Patch', reason: 'Drift', changes: [], patch: PATCH, needs: WRITE.needs },
    // @ts-expect-error A write of the record that changes settings.
    { ...ABOUT, ...WRITE, type: 'Record', reason: 'Adopted', patch: PATCH, changes: [CHANGE] },
    // @ts-expect-error A twin is not held for having drifted.
    { ...ABOUT, type: 'Hold', reason: 'Drift' },
    // @ts-expect-error The guards refuse, and it does not say which part of them.
    { ...ABOUT, type: 'Hold', reason: 'GuardRefused' },
    // @ts-expect-error Only the guards have parts.
    { ...ABOUT, type: 'Hold', reason: 'PlanStale', refusedBy: 'Guards' },
    // @ts-expect-error An owner is one of the kinds that there are.
    { ...ABOUT, type: 'Equal', reason: 'InSync', owners: ['Hub/dev'] },
  ];
  expect(strange).toHaveLength(10);
});

test('changes are read of every action, and only writes that change settings have any', () => {
  expect(changesOf(actionOf('Patch', 'Drift', { changes: [CHANGE] }))).toEqual([CHANGE]);
  expect(changesOf(actionOf('Create', 'ModuleMissing', { changes: [CHANGE] }))).toEqual([CHANGE]);
  expect(changesOf(actionOf('Record', 'Adopted'))).toEqual([]);
  expect(changesOf(actionOf('Observe', 'ModeObserve', { observed: [CHANGE] }))).toEqual([]);
});

test('what is held instead keeps who decided and what it would have changed, and can not be written', () => {
  const other = { ...CHANGE, name: 'b' };
  const action = actionOf('Patch', 'Drift', {
    owners: ['SecurityConfiguration/x'],
    changes: [CHANGE],
    observed: [other],
    message: 'before',
  });
  const held = heldInstead(action, { reason: 'GuardRefused', refusedBy: 'NotCounted' }, 'after');
  expect(held).toEqual({
    type: 'Hold',
    reason: 'GuardRefused',
    refusedBy: 'NotCounted',
    deviceId: 'd1',
    moduleId: 'm',
    owners: ['SecurityConfiguration/x'],
    observed: [other, CHANGE],
    message: 'after',
  });
  expect(writes(held)).toBe(false);
  expect(differencesOf(held)).toEqual([other, CHANGE]);
});

test('a twin is held by its name alone where no action was kept', () => {
  expect(heldInstead({ deviceId: 'd1', moduleId: 'm' }, { reason: 'PlanStale' }, undefined)).toEqual({
    type: 'Hold',
    reason: 'PlanStale',
    deviceId: 'd1',
    moduleId: 'm',
    owners: [],
    observed: [],
    message: undefined,
  });
});
