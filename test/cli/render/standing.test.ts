// `status` and `describe` on any twins: all numbers add up to the number of twins, worst first.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { conditionRows, countStanding, stateCounts } from '../../../src/cli/render/standing.ts';
import type { InspectedTwin } from '../../../src/controller/once/inspect.ts';
import type { TwinState } from '../../../src/controller/twins/twin-state.ts';
import { REASONS, type ActionReason, type ActionType } from '../../../src/model/action.ts';

/** The ranking by severity; anything not listed is not an offence. */
const WORST_FIRST: readonly (readonly string[])[] = [
  REASONS.Hold,
  ['Contested'],
  ['Rejected'],
  ['Unsupported'],
  ['NotAcknowledged'],
  ['Unassigned'],
  ['ModuleMissing'],
];
const REFUSED = 4;

interface Sample {
  readonly state: TwinState;
  readonly cause: 'Drift' | 'ConfigurationChanged' | undefined;
  readonly risks: number;
}

const inSync: fc.Arbitrary<Sample> = fc
  .constantFrom('Written', 'Applied', 'Rejected', 'NotAcknowledged', 'Unsupported', 'Unreachable')
  .map((acknowledgement) => sample('Equal', 'InSync', { acknowledgement: acknowledgement as 'Written' }));
const others: fc.Arbitrary<Sample> = fc
  .constantFrom(...Object.entries(REASONS).filter(([type]) => type !== 'Equal'))
  .chain(([type, reasons]) =>
    fc
      .record({
        reason: fc.constantFrom<ActionReason>(...reasons),
        cause: fc.constantFrom('Drift' as const, 'ConfigurationChanged' as const, undefined),
        risks: fc.constantFrom(0, REFUSED, 1),
      })
      .map(({ reason, cause, risks }) => {
        const action = type as ActionType;
        const differs = action === 'Patch' || action === 'Observe' || action === 'Hold';
        return {
          ...sample(action, reason, { isDrifted: differs && cause === 'Drift' }),
          cause: differs ? cause : undefined,
          risks: action === 'Patch' || action === 'Record' || action === 'Create' ? risks : 0,
        };
      }),
  );

function sample(type: ActionType, reason: ActionReason, more: Partial<TwinState> = {}): Sample {
  const none = { owners: [], isDrifted: false, acknowledgement: undefined, detail: undefined, failure: undefined };
  const state = { type, reason, ...none, ...more } as TwinState;
  return { state, cause: undefined, risks: 0 };
}

/** No more of an inspected twin than is counted. */
function inspected({ state, cause, risks }: Sample, index: number): InspectedTwin {
  const changes = cause === undefined ? [] : [{ cause }];
  const ref = { deviceId: `d${Math.floor(index / 2)}`, moduleId: `m${index % 2}` };
  return { ref, state, action: { changes, observed: [] }, risks } as unknown as InspectedTwin;
}

const sum = (counts: Iterable<number>): number => [...counts].reduce((total, count) => total + count, 0);

test('whatever the twins are', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(inSync, others), { maxLength: 60 }), fc.boolean(), (twins, isRefusing) => {
      const count = countStanding();
      for (const [index, one] of twins.entries()) count.add(inspected(one, index));
      const refusedRisks = isRefusing ? REFUSED : 0;
      count.judge({ refusedRisks, message: 'too much' } as Parameters<typeof count.judge>[0]);
      const { counts, conditions, offenders, moreOffenders } = count.result();

      const isHeld = ({ state, risks }: Sample): boolean => state.type === 'Hold' || (risks & refusedRisks) !== 0;
      const present = twins.length - counts.actions.Skip;
      expect(counts.twins).toBe(present);
      const there = twins.flatMap(({ state }, index) => (state.type === 'Skip' ? [] : [Math.floor(index / 2)]));
      expect(counts.devices).toBe(new Set(there).size);
      expect(sum(Object.values(counts.actions))).toBe(twins.length);
      expect(sum(stateCounts(counts).map(([, number]) => number))).toBe(present);
      expect(counts.actions.Hold).toBe(twins.filter(isHeld).length);

      // A condition never counts more twins than there are, and totals are the same everywhere.
      for (const [, , , message = ''] of conditionRows(conditions)) {
        const [, part = '0', whole = present] = /(\d+) twins?(?: of (\d+))?/.exec(message) ?? [];
        expect(Number(part)).toBeLessThanOrEqual(present);
        expect(Number(whole)).toBe(present);
      }

      const words = twins.map((one) =>
        isHeld(one) ? (one.state.type === 'Hold' ? one.state.reason : 'GuardRefused') : wordOf(one.state),
      );
      const ranked = words
        .map((word) => WORST_FIRST.findIndex((list) => list.includes(word)))
        .filter((rank) => rank !== -1)
        .toSorted((a, b) => a - b);
      expect(offenders.map(({ reason }) => WORST_FIRST.findIndex((list) => list.includes(reason)))).toEqual(
        ranked.slice(0, 10),
      );
      expect(offenders.length + moreOffenders).toBe(ranked.length);
    }),
    { numRuns: 300 },
  );
});

/** The word under which a twin is an offence; any other word is not. */
function wordOf({ type, reason, acknowledgement }: TwinState): string {
  if (acknowledgement !== undefined) return acknowledgement;
  const isOffence = type === 'Wait' || (type === 'Keep' && reason === 'Unassigned') || reason === 'Contested';
  return isOffence ? reason : type;
}
