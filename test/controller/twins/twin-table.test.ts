import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { setDeviceGauges } from '../../../src/controller/status/device-gauges.ts';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';
import type { TwinState } from '../../../src/controller/twins/twin-state.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import { REASONS, type ActionType } from '../../../src/model/action.ts';
import { NO_MEMORY } from '../../../src/plan/record/record.ts';
import { createMetrics } from '../fixture.ts';

const OFFENDERS_MAX = 10;

const HOUR_MS = 3_600_000;
const BASE = configurationOwner('base');
const ATM = configurationOwner('atm');

const GOOD: TwinState = {
  type: 'Equal',
  reason: 'InSync',
  owners: [BASE],
  isDrifted: false,
  acknowledgement: 'Applied',
  detail: undefined,
  failure: undefined,
};
const HELD: TwinState = { ...GOOD, type: 'Hold', reason: 'Conflicted', acknowledgement: undefined, detail: 'why' };
const WAITING: TwinState = { ...GOOD, type: 'Wait', reason: 'ModuleMissing', acknowledgement: undefined };
const UNASSIGNED: TwinState = { ...GOOD, type: 'Keep', reason: 'Unassigned', acknowledgement: undefined };

function tableOf(states: readonly TwinState[]): TwinTable {
  const twins = new TwinTable();
  for (const [index, state] of states.entries()) twins.setState(`d${index}/m`, state);
  return twins;
}

describe('states', () => {
  test('that are equal are kept once, however many twins are in them', () => {
    const twins = tableOf(Array.from({ length: 1_000 }, () => ({ ...GOOD })));
    expect(new Set([...twins.states()].map(([, one]) => one)).size).toBe(1);
    twins.setState('d1/m', { ...GOOD, acknowledgement: 'Rejected', detail: 'usb' });
    expect(twins.state('d1/m')).toEqual({ ...GOOD, acknowledgement: 'Rejected', detail: 'usb' });
    expect(twins.state('d2/m')).toEqual(GOOD);
  });

  test.each([
    { name: 'a failure', fields: { failure: 'Timeout' } },
    { name: 'a detail', fields: { detail: 'usb' } },
    { name: 'an acknowledgement', fields: { acknowledgement: 'Written' } },
    { name: 'a reason', fields: { type: 'Hold', reason: 'Conflicted' } },
    { name: 'an owner', fields: { owners: [BASE, ATM] } },
    { name: 'drift', fields: { isDrifted: true } },
  ] as const)('that differ in $name are kept apart', ({ fields }) => {
    const twins = tableOf([GOOD, { ...GOOD, ...fields }]);
    expect([twins.state('d0/m'), twins.state('d1/m')]).toEqual([GOOD, { ...GOOD, ...fields }]);
  });

  test('are notified where they change, and only there', () => {
    const seen: string[] = [];
    const twins = new TwinTable((key, state) => void seen.push(`${key} ${state?.reason}`));
    for (const state of [GOOD, { ...GOOD }, HELD, undefined, undefined]) twins.setState('a/m', state);
    expect(seen).toEqual(['a/m InSync', 'a/m Conflicted', 'a/m undefined']);
  });

  test('of twins that are no longer ours are gone', () => {
    const twins = tableOf([GOOD]);
    twins.setState('d0/m', undefined);
    expect([[...twins.states()], twins.counts.twins]).toEqual([[], 0]);
  });
});

describe('offenders', () => {
  test('come worst first, each under what is worst about it', () => {
    const twins = tableOf([
      WAITING,
      UNASSIGNED,
      { ...GOOD, acknowledgement: 'NotAcknowledged' },
      { ...GOOD, acknowledgement: 'Unsupported' },
      { ...GOOD, acknowledgement: 'Rejected', detail: 'usb: no' },
      HELD,
      { ...HELD, failure: 'Timeout' },
      GOOD,
      { ...GOOD, acknowledgement: 'Unreachable' },
      { ...GOOD, acknowledgement: 'Written' },
      { ...UNASSIGNED, reason: 'Suspended' },
    ]);
    const offenders = twins.offenders();
    expect(offenders.map(({ deviceId, reason }) => `${deviceId} ${reason}`)).toEqual([
      'd6 Timeout',
      'd5 Conflicted',
      'd4 Rejected',
      'd3 Unsupported',
      'd2 NotAcknowledged',
      'd1 Unassigned',
      'd0 ModuleMissing',
    ]);
    expect(offenders[2]).toEqual({ deviceId: 'd4', moduleId: 'm', reason: 'Rejected', detail: 'usb: no' });
    expect([twins.offenderCount, twins.counts.failing, twins.counts.actions.Hold]).toEqual([7, 1, 2]);
  });

  test('are ten at most, and the others are counted', () => {
    const many = tableOf([...Array.from({ length: 30 }, () => WAITING), HELD]);
    expect(many.offenders()).toHaveLength(OFFENDERS_MAX);
    expect(many.offenders()[0]?.reason).toBe('Conflicted');
    expect(many.offenderCount).toBe(31);
  });

  test('are the same ten while nothing changes', () => {
    const twins = tableOf(Array.from({ length: 30 }, () => WAITING));
    const before = twins.offenders();
    for (let index = 29; index >= 0; index -= 1) twins.setState(`d${index}/m`, { ...WAITING });
    expect(twins.offenders()).toEqual(before);
  });

  test('show what is wrong now', () => {
    const twins = tableOf([HELD]);
    twins.setState('d0/m', { ...HELD, detail: 'another' });
    expect(twins.offenders()).toEqual([{ deviceId: 'd0', moduleId: 'm', reason: 'Conflicted', detail: 'another' }]);
  });
});

const anyState: fc.Arbitrary<TwinState> = fc.oneof(
  fc
    .constantFrom('Written', 'Applied', 'Rejected', 'NotAcknowledged', 'Unsupported', 'Unreachable')
    .map((acknowledgement): TwinState => ({
      ...GOOD,
      acknowledgement: acknowledgement as TwinState['acknowledgement'],
    })),
  fc
    .constantFrom(...(Object.keys(REASONS) as ActionType[]).filter((type) => type !== 'Equal'))
    .map((type): TwinState => ({ ...GOOD, type, reason: REASONS[type][0], acknowledgement: undefined })),
  fc.constantFrom<TwinState>({ ...HELD, failure: 'Timeout' }, { ...GOOD, failure: 'Bug' }),
);

/** A walk over all states, which the table never makes. */
function countAll(states: readonly TwinState[], passes: (state: TwinState) => boolean): number {
  return states.filter(passes).length;
}

test('the counts are those of a walk over the fleet, whatever the states were before', () => {
  const owned = fc
    .tuple(anyState, fc.subarray([BASE, ATM]), fc.boolean())
    .map(([state, owners, isDrifted]): TwinState => ({ ...state, owners, isDrifted }));
  const change = fc.tuple(fc.nat({ max: 20 }), fc.option(owned, { nil: undefined }));
  fc.assert(
    fc.property(fc.array(change, { maxLength: 80 }), (changes) => {
      const twins = new TwinTable();
      const model = new Map<string, TwinState>();
      for (const [index, state] of changes) {
        const key = `d${index}/m`;
        twins.setState(key, state);
        if (state === undefined) model.delete(key);
        else model.set(key, state);
      }
      const states = [...model.values()];
      expect(new Map(twins.states())).toEqual(model);
      for (const [counts, those] of [
        [twins.counts, states],
        [twins.countsOf(ATM) ?? new TwinTable().counts, states.filter(({ owners }) => owners.includes(ATM))],
      ] as const) {
        expect(counts.twins).toBe(countAll(those, ({ type }) => type !== 'Skip'));
        for (const type of Object.keys(REASONS) as ActionType[]) {
          expect(counts.actions[type]).toBe(countAll(those, (state) => state.type === type));
        }
        expect(counts.acknowledgements.Applied).toBe(countAll(those, (state) => state.acknowledgement === 'Applied'));
        expect(counts.failing).toBe(countAll(those, ({ failure }) => failure !== undefined));
        expect(counts.drifted).toBe(countAll(those, ({ isDrifted }) => isDrifted));
        expect(counts.contested).toBe(countAll(those, ({ reason }) => reason === 'Contested'));
        expect([...counts.heldBy.values()].reduce((sum, count) => sum + count, 0)).toBe(counts.actions.Hold);
      }
      expect(twins.offenders()).toHaveLength(Math.min(OFFENDERS_MAX, twins.offenderCount));
      const metrics = createMetrics();
      setDeviceGauges(metrics, 'dev', twins.counts);
      expect(metrics.total('twinward_devices')).toBe(states.length);
    }),
    { numRuns: 200 },
  );
});

describe('what is remembered beside the state', () => {
  test('does not disturb it, and leaves nothing behind', () => {
    const twins = tableOf([GOOD]);
    twins.setHinted('d0/m');
    twins.setHintOnly('d0/m', true);
    twins.setUncounted('d0/m', true);
    twins.setWarning('d0/m', 'Rejected');
    expect(twins.state('d0/m')).toEqual(GOOD);
    twins.setState('d0/m', HELD);
    expect([twins.isHinted('d0/m'), twins.warning('d0/m'), twins.uncounted]).toEqual([true, 'Rejected', 1]);
    twins.setHintOnly('d0/m', false);
    twins.setWarning('d0/m', undefined);
    twins.setUncounted('d0/m', false);
    twins.beginPass(0);
    twins.endPass([]);
    expect([twins.state('d0/m'), twins.isHinted('d0/m'), twins.uncounted, twins.hintedCount]).toEqual([
      HELD,
      false,
      0,
      0,
    ]);
  });

  test('of a twin without a state goes with its end', () => {
    const twins = new TwinTable();
    twins.setHintOnly('a/m', true);
    twins.setHintOnly('a/m', false);
    expect([...twins.states()]).toEqual([]);
  });

  test('a write of ours is remembered for three hours', () => {
    const twins = new TwinTable();
    const first = { ...NO_MEMORY, desiredVersion: 1 };
    const second = { ...NO_MEMORY, desiredVersion: 2 };
    twins.endWrite('a/m', first, 0);
    twins.endWrite('b/m', first, HOUR_MS);
    twins.endWrite('a/m', second, 2 * HOUR_MS);
    twins.beginPass(4 * HOUR_MS - 1);
    expect([twins.writtenMemory('a/m'), twins.writtenMemory('b/m')]).toEqual([second, first]);
    twins.beginPass(4 * HOUR_MS);
    expect([twins.writtenMemory('a/m'), twins.writtenMemory('b/m')]).toEqual([second, undefined]);
    twins.beginPass(5 * HOUR_MS);
    expect(twins.writtenMemory('a/m')).toBeUndefined();
  });

  test('the last write is known by its etag, before and after it is answered', () => {
    const twins = new TwinTable();
    twins.endWrite('a/m', NO_MEMORY, 0);
    twins.beginWrite('a/m', 'E1', 1);
    expect([twins.writtenEtag('a/m'), twins.writtenMemory('a/m')]).toEqual(['E1', NO_MEMORY]);
    twins.endWrite('a/m', { ...NO_MEMORY, desiredVersion: 2 }, 2);
    expect([twins.writtenEtag('a/m'), twins.writtenEtag('b/m')]).toEqual(['E1', undefined]);
    twins.beginWrite('a/m', undefined, 3);
    expect(twins.writtenEtag('a/m')).toBeUndefined();
  });

  test('what a pass counted holds until the next whole pass, and not of one that broke off', () => {
    const twins = tableOf([GOOD]);
    const counted = { risks: 1, target: 'T' };
    twins.beginPass(0);
    twins.endPass([['d0/m', counted]]);
    twins.beginPass(1);
    expect(twins.counted('d0/m')).toEqual(counted);
    twins.endPass([]);
    expect(twins.counted('d0/m')).toBeUndefined();
  });

  test('a hint that comes during a pass is served by the next one', () => {
    const twins = new TwinTable();
    twins.setHinted('a/m');
    twins.beginPass(0);
    twins.setHinted('b/m');
    twins.setUncounted('b/m', true);
    twins.endPass([]);
    expect([twins.hintedKeys(), twins.uncounted]).toEqual([['b/m'], 1]);
    twins.beginPass(1);
    twins.endPass([]);
    expect([twins.hintedKeys(), twins.uncounted]).toEqual([[], 0]);
  });

  test('the identity of a module is believed for an hour', () => {
    const twins = new TwinTable();
    const identity = { managedBy: 'IotEdge', generationId: '1' };
    twins.setIdentity('a/m', identity, 0);
    twins.beginPass(HOUR_MS - 1);
    expect(twins.identity('a/m')).toEqual(identity);
    twins.beginPass(HOUR_MS);
    expect(twins.identity('a/m')).toBeUndefined();
  });
});
