// How a resource stands, from the counts of its twins.
import { describe, expect, test } from 'vitest';
import { RESOURCE_CONDITIONS, resourceConditions } from '../../../src/controller/status/resource-conditions.ts';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';
import type { FleetCounts } from '../../../src/controller/status/status.ts';
import { readPage, tableIn } from '../../docs/markdown.ts';

const NONE = new TwinTable().counts;

interface Counts {
  readonly actions?: Partial<FleetCounts['actions']>;
  readonly acknowledgements?: Partial<FleetCounts['acknowledgements']>;
  readonly drifted?: number;
  readonly contested?: number;
}

function factsOf({
  actions = {},
  acknowledgements = {},
  drifted = 0,
  contested = 0,
}: Counts): Parameters<typeof resourceConditions>[0] {
  const byType = { ...NONE.actions, ...actions };
  return {
    twins: Object.values({ ...byType, Skip: 0 }).reduce((sum, count) => sum + count, 0),
    actions: byType,
    acknowledgements: { ...NONE.acknowledgements, ...acknowledgements },
    drifted,
    contested,
  };
}

describe('a resource is', () => {
  const rows: [sentence: string, given: Counts, want: string[]][] = [
    [
      'ready with all twins in sync, those offline too',
      { actions: { Equal: 5 }, acknowledgements: { Applied: 3, Unreachable: 2 } },
      ['Ready True Succeeded 5 twins in sync, 2 of them offline.'],
    ],
    [
      'ready without any twin',
      { actions: { Wait: 2, Skip: 3 } },
      ['Ready True NoTwins No module that it selects exists.'],
    ],
    [
      'not ready while something is to be written',
      { actions: { Equal: 1, Patch: 1, Record: 1, Skip: 4 }, acknowledgements: { Applied: 1 }, drifted: 1 },
      [
        'Ready False Progressing 2 twins of 3 to write.',
        'Reconciling True Progressing 2 twins to write.',
        'DriftDetected True Drift 1 twin changed by somebody else.',
      ],
    ],
    [
      'not ready while a twin is held, whatever else there is',
      { actions: { Hold: 1, Patch: 1, Equal: 1 }, acknowledgements: { Rejected: 1 } },
      [
        'Ready False TwinsHeld 1 twin held until a person decides.',
        'Reconciling True Progressing 1 twin to write.',
        'Stalled True TwinsHeld 1 twin held until a person decides.',
      ],
    ],
    [
      'not ready while an agent refuses',
      { actions: { Equal: 3 }, acknowledgements: { Rejected: 1, NotAcknowledged: 1, Applied: 1 } },
      ['Ready False AgentsRefuse 2 twins whose agent refuses or keeps silent.'],
    ],
    [
      'not ready where it differs and is only observed, or contested',
      { actions: { Observe: 2, Equal: 1 }, acknowledgements: { Applied: 1 }, contested: 1 },
      [
        'Ready False OnlyObserved 2 twins of 3 different and not written.',
        'Contested True OtherWriter 1 twin with settings another writer keeps changing.',
      ],
    ],
    ['not ready where it is frozen', { actions: { Keep: 1 } }, ['Ready False Frozen 1 twin of 1 left as they are.']],
  ];
  test.each(rows)('%s', (_sentence, given, want) => {
    const conditions = resourceConditions(factsOf(given));
    expect(conditions.map(({ type, status, reason, message }) => `${type} ${status} ${reason} ${message}`)).toEqual(
      want,
    );
    for (const { type, reason } of conditions) expect(RESOURCE_CONDITIONS[type]).toContain(reason);
  });

  test('each condition with each of its reasons somewhere above', () => {
    const told = rows.flatMap(([, , want]) => want.map((text) => text.split(' ')));
    const shown = new Set(told.map(([type, , reason]) => `${type}/${reason}`));
    const known = Object.entries(RESOURCE_CONDITIONS).flatMap(([type, all]) => all.map((one) => `${type}/${one}`));
    expect(shown).toEqual(new Set(known));
  });
});

test('docs/reasons.md has every condition with its reasons, in order', () => {
  const told = tableIn(readPage('docs/reasons.md'), 'Conditions');
  const known = Object.entries(RESOURCE_CONDITIONS).flatMap(([type, reasons]) =>
    reasons.map((reason) => [type, reason]),
  );
  expect(told.map(([type, reason]) => [type, reason])).toEqual(known);
  for (const [, , when] of told) expect(when).toMatch(/\.$/);
});
