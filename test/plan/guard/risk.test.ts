// Which risks a write carries, and which writes are alike.
import { describe, expect, test } from 'vitest';
import {
  CHANGE_CAUSES,
  type ActionType,
  type ChangeCause,
  type ReasonOf,
  type SettingChange,
  type TwinAction,
} from '../../../src/model/action.ts';
import { RISK, riskContext, risksOf, shapeOf } from '../../../src/plan/guard/risk.ts';
import type { Json } from '../../../src/model/json.ts';
import type { Twin } from '../../../src/model/twin.ts';
import { actionOf } from '../actions.ts';
import { declare } from '../fixture.ts';

function change(cause: ChangeCause, fields: Partial<SettingChange> = {}): SettingChange {
  return {
    name: 'usb',
    path: ['guard', 'usb'],
    before: 'allow',
    after: 'block',
    owner: 'SecurityConfiguration/a',
    cause,
    sensitive: false,
    ...fields,
  };
}

function action<T extends ActionType>(
  type: T,
  reason: ReasonOf<T>,
  changes: readonly SettingChange[] = [],
): TwinAction {
  return actionOf(type, reason, { changes });
}

function recorded(...owners: string[]): Twin {
  const own = Object.fromEntries(owners.map((owner) => [owner, {}]));
  return {
    deviceId: 'd1',
    moduleId: 'm',
    etag: 'AAAAAAAAAAE=',
    tags: { twinward: { default: { v: 1, own } } },
    properties: { desired: {}, reported: {} },
  };
}

const patch = (...changes: readonly SettingChange[]): TwinAction => action('Patch', 'ConfigurationChanged', changes);
const whole = riskContext({ declared: declare({ a: {} }), instance: 'default' });
const part = riskContext({ declared: declare({ a: {} }, { partial: true }), instance: 'default' });

describe('a write', () => {
  const gone = { after: undefined };
  const rows: [sentence: string, action: TwinAction, risks: number][] = [
    ['that corrects drift carries none', patch(change('Drift'), change('Drift', gone)), 0],
    ['that ends an exception carries none: its end was agreed with it', patch(change('ExceptionEnded', gone)), 0],
    ['that configures for the first time changes', patch(change('FirstConfiguration')), RISK.changes],
    [
      'that changes one setting beside drift changes',
      patch(change('Drift'), change('ConfigurationChanged')),
      RISK.changes,
    ],
    ['that removes changes too', patch(change('SettingRemoved', gone)), RISK.changes | RISK.removes],
    ['after a departure departs', patch(change('LeftGroup', gone)), RISK.changes | RISK.removes | RISK.departs],
    ['that creates creates, and changes nothing', action('Create', 'ModuleMissing'), RISK.creates],
    ['of the record alone carries none', action('Record', 'Adopted'), 0],
  ];
  test.each(rows)('%s', (_sentence, one, risks) => {
    expect(risksOf(one, recorded('SecurityConfiguration/a'), whole)).toBe(risks);
  });

  test.each(CHANGE_CAUSES.filter((cause) => !['Drift', 'ExceptionEnded'].includes(cause)))(
    'for %s is limited',
    (cause) => {
      expect(risksOf(patch(change(cause)), undefined, whole) & RISK.changes).toBe(RISK.changes);
    },
  );

  const owners: [sentence: string, owner: string, context: typeof whole, orphans: number][] = [
    ['knows a configuration that the source lacks', 'SecurityConfiguration/gone', whole, RISK.orphans],
    ['does not mind one whose part of the source was not given', 'SecurityConfiguration/gone', part, 0],
    ['does not mind an exception that is over', 'SecurityException/gone', whole, 0],
    ['knows one with a dot in its name', 'SecurityConfiguration/a%2Eb', whole, RISK.orphans],
  ];
  test.each(owners)('to a twin whose record %s', (_sentence, owner, context, orphans) => {
    expect(risksOf(action('Record', 'Released'), recorded(owner), context)).toBe(orphans);
    expect(risksOf(action('Equal', 'InSync'), recorded(owner), context)).toBe(0);
  });
});

test('a device that nothing selects any more departs though nothing is written', () => {
  expect(risksOf(action('Keep', 'Unassigned'), recorded(), whole)).toBe(RISK.departs);
  expect(risksOf(action('Keep', 'Suspended'), recorded(), whole)).toBe(0);
});

describe('writes are alike', () => {
  const one = change('ConfigurationChanged');
  const other = change('ConfigurationChanged', { name: 'scan', path: ['guard', 'scan'], after: 'PT1H' });
  const shape = (...changes: readonly SettingChange[]): string => shapeOf(patch(...changes));

  test.each<[string, string, string]>([
    ['in any order', shape(one, other), shape(other, one)],
    ['whatever they replace', shape(one), shape({ ...one, before: 'what' })],
    ['whatever drift they correct', shape(one), shape(one, change('Drift', { path: ['guard', 'x'] }))],
    [
      'whatever secret they write',
      shape({ ...one, sensitive: true }),
      shape({ ...one, sensitive: true, after: 'other' }),
    ],
  ])('%s', (_sentence, a, b) => {
    expect(a).toBe(b);
  });

  test.each<[string, Partial<SettingChange>]>([
    ['another value', { after: 'audit' }],
    ['a removal', { after: undefined }],
    ['a null in a list', { after: [null] as Json }],
    ['another place', { path: ['guard', 'usb2'] }],
    ['another owner', { owner: 'SecurityConfiguration/b' }],
  ])('but not with %s', (_sentence, fields) => {
    expect(shape({ ...one, ...fields })).not.toBe(shape(one));
  });
});
