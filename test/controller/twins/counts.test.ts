import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { FleetView } from '../../../src/controller/twins/fleet-view.ts';
import { gaugeDevices, OFFENDERS_MAX, tally } from '../../../src/controller/twins/counts.ts';
import type { TwinState } from '../../../src/controller/twins/twin-state.ts';
import { REASONS, type ActionType } from '../../../src/model/action.ts';
import { createMetrics } from '../fixture.ts';

const GOOD: TwinState = {
  type: 'Equal',
  reason: 'InSync',
  acknowledgement: 'Applied',
  detail: undefined,
  failure: undefined,
};
const HELD: TwinState = { ...GOOD, type: 'Hold', reason: 'Conflicted', acknowledgement: undefined, detail: 'why' };
const WAITING: TwinState = { ...GOOD, type: 'Wait', reason: 'ModuleMissing', acknowledgement: undefined };
const UNASSIGNED: TwinState = { ...GOOD, type: 'Keep', reason: 'Unassigned', acknowledgement: undefined };

function viewOf(states: readonly TwinState[]): FleetView {
  const view = new FleetView();
  for (const [index, state] of states.entries()) view.note(`d${index}/m`, state);
  return view;
}

describe('offenders', () => {
  test('come worst first, each under what is worst about it', () => {
    const { offenders, moreOffenders, failing, held } = tally(
      viewOf([
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
      ]),
    );
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
    expect([moreOffenders, failing, held]).toEqual([0, 1, 2]);
  });

  test('are ten at most, and the others are counted', () => {
    const many = tally(viewOf([...Array.from({ length: 30 }, () => WAITING), HELD]));
    expect(many.offenders).toHaveLength(OFFENDERS_MAX);
    expect(many.offenders[0]?.reason).toBe('Conflicted');
    expect(many.moreOffenders).toBe(21);
  });

  test('are the same ten while nothing changes', () => {
    const view = viewOf(Array.from({ length: 30 }, () => WAITING));
    const before = tally(view).offenders;
    for (let index = 29; index >= 0; index -= 1) view.note(`d${index}/m`, { ...WAITING });
    expect(tally(view).offenders).toEqual(before);
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

test('the counts add up, whatever the states', () => {
  fc.assert(
    fc.property(fc.array(anyState, { maxLength: 60 }), (states) => {
      const tallied = tally(viewOf(states));
      const { counts, failing, held, offenders, moreOffenders } = tallied;
      const sum = (record: Readonly<Record<string, number>>): number =>
        Object.values(record).reduce((total, count) => total + count, 0);
      expect(counts.twins).toBe(states.length - counts.actions.Skip);
      expect(sum(counts.actions)).toBe(states.length);
      expect(sum(counts.acknowledgements)).toBe(counts.actions.Equal);
      expect(failing).toBe(states.filter(({ failure }) => failure !== undefined).length);
      expect(held).toBe(counts.actions.Hold);
      expect(offenders.length).toBeLessThanOrEqual(OFFENDERS_MAX);
      expect(offenders.length + moreOffenders).toBeLessThanOrEqual(states.length);
      const metrics = createMetrics();
      gaugeDevices(metrics, 'dev', tallied);
      expect(metrics.total('twinward_devices')).toBe(states.length);
    }),
    { numRuns: 100 },
  );
});
