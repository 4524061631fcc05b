import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeclaredGuards, Limit } from '../../../src/model/declared.ts';
import { GUARDS } from '../../../src/model/guard.ts';
import {
  decideGuards,
  guardedRisks,
  guardsOver,
  type PassFacts,
  type RiskGroup,
} from '../../../src/plan/guard/guards.ts';
import { RISK } from '../../../src/plan/guard/risk.ts';

const NO_LIMITS: DeclaredGuards = {
  maxChanged: undefined,
  maxRemoved: undefined,
  maxUnassigned: undefined,
  maxCreated: undefined,
};

function factsOf(fields: Partial<PassFacts>): PassFacts {
  return { devices: 100, devicesCounted: 100, owners: 0, ownersMissing: [], groups: [], ...fields };
}

function group(risks: number, twins: number, shape = `shape-${risks}`): RiskGroup {
  return { risks, shape, twins };
}

function hubWith(guards: Partial<DeclaredGuards> = {}, approval?: string) {
  const [fingerprint = '', count = '0'] = approval?.split('@') ?? [];
  return {
    name: 'prod',
    guards: { ...NO_LIMITS, ...guards },
    approval: approval === undefined ? undefined : { fingerprint, count: Number(count) },
  };
}

const share = (value: number): Limit => ({ share: value });
const count = (value: number): Limit => ({ count: value });

describe('a guard', () => {
  const names = ['SecurityConfiguration/a', 'SecurityConfiguration/b'];
  const rows: [sentence: string, facts: Partial<PassFacts>, guards: Partial<DeclaredGuards>, refusedBy: string[]][] = [
    [
      'lets a first configuration of the whole fleet pass where no limit is declared',
      { groups: [group(1, 100)] },
      {},
      [],
    ],
    ['lets removals everywhere pass where no limit is declared', { groups: [group(3, 100)] }, {}, []],
    ['refuses more changes than a count', { groups: [group(1, 11)] }, { maxChanged: count(10) }, ['TooManyChanged']],
    ['passes as many as the count', { groups: [group(1, 10)] }, { maxChanged: count(10) }, []],
    ['refuses more changes than a share', { groups: [group(1, 26)] }, { maxChanged: share(0.25) }, ['TooManyChanged']],
    ['passes as many as the share', { groups: [group(1, 25)] }, { maxChanged: share(0.25) }, []],
    ['rounds a share up', { devices: 3, devicesCounted: 3, groups: [group(1, 1)] }, { maxChanged: share(0.25) }, []],
    ['refuses the first one at a limit of 0', { groups: [group(1, 1)] }, { maxChanged: share(0) }, ['TooManyChanged']],
    ['takes no seven hundredths for eight', { groups: [group(1, 8)] }, { maxChanged: share(0.07) }, ['TooManyChanged']],
    ['adds up groups', { groups: [group(1, 6), group(3, 5)] }, { maxChanged: count(10) }, ['TooManyChanged']],
    ['counts removals alone', { groups: [group(1, 6), group(3, 5)] }, { maxRemoved: count(5) }, []],
    ['refuses removals', { groups: [group(3, 6)] }, { maxRemoved: count(5) }, ['TooManyRemoved']],
    ['refuses departures', { groups: [group(4, 6)] }, { maxUnassigned: count(5) }, ['TooManyUnassigned']],
    ['refuses creations', { groups: [group(8, 6)] }, { maxCreated: count(5) }, ['TooManyCreated']],
    ['does not take creations for changes', { groups: [group(8, 6)] }, { maxChanged: count(5) }, []],
    [
      'believes a source that lost one of one',
      { owners: 1, ownersMissing: names.slice(1), groups: [group(16, 9)] },
      {},
      [],
    ],
    [
      'believes a source that lost one of two',
      { owners: 2, ownersMissing: names.slice(1), groups: [group(16, 9)] },
      {},
      [],
    ],
    [
      'does not believe one that lost two of two',
      { owners: 2, ownersMissing: names, groups: [group(16, 9)] },
      {},
      ['SourceShrunk'],
    ],
    [
      'does not believe one that lost two of four',
      { owners: 4, ownersMissing: names, groups: [group(16, 9)] },
      {},
      ['SourceShrunk'],
    ],
    ['believes one that lost two of five', { owners: 5, ownersMissing: names, groups: [group(16, 9)] }, {}, []],
    ['believes a list that lacks a tenth', { devices: 90, groups: [group(3, 9)] }, {}, []],
    ['does not believe one that lacks more', { devices: 89, groups: [group(3, 9)] }, {}, ['ListShort']],
    ['believes one that has more than is counted', { devices: 120, groups: [group(3, 9)] }, {}, []],
    [
      'asks nothing of a list that nobody counted',
      { devices: 1, devicesCounted: undefined, groups: [group(3, 9)] },
      {},
      [],
    ],
  ];
  test.each(rows)('%s', (_sentence, facts, guards, refusedBy) => {
    const decision = decideGuards(factsOf(facts), hubWith(guards));
    expect(decision.refusedBy).toEqual(refusedBy);
    expect(decision.checks.map(({ guard }) => guard)).toEqual(GUARDS);
    expect(decision.message === undefined).toBe(refusedBy.length === 0);
    for (const guard of refusedBy) expect(decision.message).toContain(`${guard}: `);
  });

  test.each([
    [
      2,
      'SourceShrunk: 2 of the 4 configurations on twins are missing from the source (c1, c2); is a part of it lost? Then put it back.',
    ],
    [3, '(c1, c2, c3); is a part of it lost? Then put it back.'],
    [4, '(c1, c2, c3 and 1 more); is a part of it lost? Then put it back.'],
  ])('names three of %i missing configurations at most', (missing, text) => {
    const ownersMissing = Array.from({ length: missing }, (_, index) => `c${index + 1}`);
    expect(decideGuards(factsOf({ owners: 4, ownersMissing, groups: [group(16, 9)] }), hubWith()).message).toContain(
      text,
    );
  });

  test('of each kind refuses somewhere above', () => {
    expect(new Set(rows.flatMap(([, , , refusedBy]) => refusedBy))).toEqual(new Set<string>(GUARDS));
  });

  test('that refuses holds the risk it is about, and no other', () => {
    const groups = [group(RISK.changes, 50), group(RISK.creates, 3), group(RISK.changes | RISK.removes, 2)];
    const { refusedRisks, twins } = decideGuards(factsOf({ groups }), hubWith({ maxChanged: count(10) }));
    expect(refusedRisks).toBe(RISK.changes);
    expect(twins).toBe(52);
  });

  test('whose list is short holds what takes away, not what adds', () => {
    const groups = [group(RISK.changes, 50), group(RISK.changes | RISK.removes, 2), group(RISK.departs, 1)];
    const { refusedRisks, twins } = decideGuards(factsOf({ devices: 10, groups }), hubWith());
    expect(refusedRisks & RISK.changes).toBe(0);
    expect(twins).toBe(3);
  });

  test('can refuse only what a pass has to be waited for', () => {
    expect(guardedRisks(NO_LIMITS)).toBe(RISK.removes | RISK.departs | RISK.orphans);
    expect(guardedRisks({ ...NO_LIMITS, maxChanged: count(1), maxCreated: count(1) })).toBe(31);
  });
});

test.each<[risks: number, guards: Partial<DeclaredGuards>, those: readonly string[]]>([
  [RISK.changes, {}, []],
  [RISK.changes, { maxChanged: share(1), maxRemoved: count(0) }, ['TooManyChanged']],
  [RISK.changes | RISK.removes, { maxChanged: count(9) }, ['ListShort', 'TooManyChanged']],
  [RISK.changes | RISK.removes, { maxRemoved: count(9) }, ['ListShort', 'TooManyRemoved']],
  [RISK.departs, { maxUnassigned: count(9) }, ['ListShort', 'TooManyUnassigned']],
  [RISK.creates, { maxCreated: count(9) }, ['TooManyCreated']],
  [RISK.orphans, { maxChanged: count(9) }, ['SourceShrunk', 'ListShort']],
  [0, { maxChanged: count(0), maxRemoved: count(0), maxUnassigned: count(0), maxCreated: count(0) }, []],
])('over a write with the risks %i, with %j, are %j', (risks, guards, those) => {
  expect(guardsOver(risks, { ...NO_LIMITS, ...guards })).toEqual(those);
});

describe('an approval', () => {
  const limits = { maxChanged: count(10) };
  const groups = [group(1, 30, 'a'), group(3, 20, 'b')];
  const asked = decideGuards(factsOf({ groups }), hubWith(limits));
  const wanted = asked.approval ?? '';

  test('is told in the message, word for word', () => {
    expect(wanted).toMatch(/^[0-9a-f]{12}@50$/);
    expect(asked.message).toContain(`Hub "prod" approves it with the annotation twinward.dev/approve: ${wanted}.`);
  });

  test('releases exactly that change', () => {
    expect(decideGuards(factsOf({ groups }), hubWith(limits, wanted))).toMatchObject({
      isApproved: true,
      refusedRisks: 0,
      refusedBy: ['TooManyChanged'],
      message: undefined,
    });
  });

  const others: [sentence: string, groups: RiskGroup[], approval: string, told: string][] = [
    ['another shape', [group(1, 30, 'a'), group(3, 20, 'c')], wanted, 'another change'],
    ['one shape more', [...groups, group(1, 1, 'c')], wanted, 'another change'],
    ['one twin more', [group(1, 31, 'a'), group(3, 20, 'b')], wanted, '50 twins of it at most'],
    ['another fingerprint', groups, 'aaaaaaaaaaaa@50', 'another change'],
    ['a smaller count', groups, wanted.replace('@50', '@49'), '49 twins of it at most'],
  ];
  test.each(others)('does not release %s, and the message says why', (_sentence, found, approval, told) => {
    const decision = decideGuards(factsOf({ groups: found }), hubWith(limits, approval));
    expect(decision).toMatchObject({ isApproved: false, refusedRisks: RISK.changes, idleApproval: undefined });
    expect(decision.message).toContain(
      `twinward.dev/approve: ${decision.approval}. The one it has, ${approval}, is for ${told}. TooManyChanged: `,
    );
  });

  test('does nothing where nothing is refused, and that is told', () => {
    const decide = (twins: number, approval?: string) =>
      decideGuards(factsOf({ groups: [group(1, twins, 'a')] }), hubWith(limits, approval)).idleApproval;
    expect(decide(10, wanted)).toBe(
      `The approval ${wanted} of Hub "prod" does nothing now, as no change is refused: remove it once its change is written.`,
    );
    expect(decide(10)).toBeUndefined();
    expect(decideGuards(factsOf({ groups }), hubWith(limits, wanted)).idleApproval).toBeUndefined();
    expect(asked.message).not.toContain('The one it has');
  });

  test('reaches fewer twins than it says', () => {
    const fewer = [group(1, 20, 'a'), group(3, 20, 'b')];
    expect(decideGuards(factsOf({ groups: fewer }), hubWith(limits, wanted)).isApproved).toBe(true);
  });

  test('goes on for what is left of it, where it is remembered, and for nothing else', () => {
    const fingerprint = wanted.slice(0, 12);
    const earlier = { fingerprint, shapes: asked.shapes };
    const left = [group(1, 30, 'a')];
    const decide = (found: RiskGroup[], approval: string, memory?: typeof earlier) =>
      decideGuards(factsOf({ groups: found }), hubWith(limits, approval), memory).isApproved;
    expect(decide(left, wanted)).toBe(false);
    expect(decide(left, wanted, earlier)).toBe(true);
    expect(decide([...left, group(1, 1, 'c')], wanted, earlier)).toBe(false);
    expect(decide([group(1, 51, 'a')], wanted, earlier)).toBe(false);
    expect(decide(left, 'aaaaaaaaaaaa@50', earlier)).toBe(false);
  });

  test('has the same fingerprint whatever the order in which twins were seen', () => {
    const groupOf = fc.record({
      risks: fc.integer({ min: 1, max: 31 }),
      shape: fc.constantFrom('a', 'b', 'c', 'd'),
      twins: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(
        fc
          .array(groupOf, { minLength: 1, maxLength: 8 })
          .chain((found) => fc.tuple(fc.constant(found), fc.shuffledSubarray(found, { minLength: found.length }))),
        ([found, shuffled]) => {
          const hub = hubWith({ maxChanged: count(0), maxRemoved: count(0), maxCreated: count(0) });
          const [one, other] = [found, shuffled].map((list) => decideGuards(factsOf({ groups: list }), hub));
          expect(one?.approval).toBe(other?.approval);
        },
      ),
      { numRuns: 100 },
    );
  });
});

test('no decision refuses and approves: what is refused is held, and what is approved passes', () => {
  const anyGroup = fc.record({
    risks: fc.integer({ min: 1, max: 31 }),
    shape: fc.constantFrom('a', 'b'),
    twins: fc.nat(50),
  });
  const anyLimit = fc.option(fc.oneof(fc.nat(60).map(count), fc.constantFrom(0, 0.1, 0.5, 1).map(share)), {
    nil: undefined,
  });
  fc.assert(
    fc.property(
      fc.array(anyGroup, { maxLength: 6 }),
      fc.record({ maxChanged: anyLimit, maxRemoved: anyLimit, maxUnassigned: anyLimit, maxCreated: anyLimit }),
      fc.nat(120),
      (groups, guards, devices) => {
        const facts = factsOf({ groups, devices });
        const refused = decideGuards(facts, hubWith(guards));
        expect(refused.refusedRisks === 0).toBe(refused.refusedBy.length === 0);
        for (const { risks } of groups) {
          const isHeld = (risks & refused.refusedRisks) !== 0;
          const known = guardsOver(risks, guards).filter((guard) => refused.refusedBy.includes(guard));
          expect(known.length > 0).toBe(isHeld);
        }
        if (refused.approval === undefined) return;
        const approved = decideGuards(facts, hubWith(guards, refused.approval));
        expect(approved).toMatchObject({ isApproved: true, refusedRisks: 0, message: undefined });
      },
    ),
    { numRuns: 200 },
  );
});
