// Every word that the docs have for a twin comes about: a row for each action with its reason, for each cause and for each
// acknowledgement, and no row for another.
import { describe, expect, test } from 'vitest';
import { stateOf } from '../src/controller/twins/twin-state.ts';
import type { Declared } from '../src/model/declared.ts';
import { invariant } from '../src/model/errors.ts';
import type { JsonObject } from '../src/model/json.ts';
import type { AcknowledgementState, Twin } from '../src/model/twin.ts';
import {
  differencesOf,
  heldInstead,
  type ActionType,
  type ChangeCause,
  type REASONS,
  type TwinAction,
} from '../src/model/action.ts';
import { createPlanner, wrapPlanner, type Planner } from '../src/plan/planner.ts';
import { asPlanned } from '../src/plan/report/saved-plan.ts';
import { NO_OTHER_WRITERS, type OtherWriters } from '../src/plan/twin/other-writers.ts';
import {
  declare,
  deviceOf,
  LEAF,
  MODULE,
  NOW_MS,
  plan,
  profileOf,
  settled,
  tampered,
  targetFor,
  twinOf,
  type Configurations,
} from './plan/fixture.ts';
import { readPage, tableIn } from './docs/markdown.ts';

type Told = { [T in ActionType]: `${T}/${(typeof REASONS)[T][number]}` }[ActionType];

const A = { base: { set: { a: 1 } } };
/** A twin that has A, and the record of it. */
const WRITTEN = settled(declare(A), twinOf());
const DRIFTED = tampered(WRITTEN, { g: { a: 7 } });
const LAB = { device: deviceOf({ env: 'lab' }) };
const INCIDENT = { exceptions: { inc: { set: { a: 5 } } } };

/** What is planned where `was` had been written. */
function after(was: Configurations, is: Configurations, options: Parameters<typeof plan>[2] = {}): TwinAction {
  return plan(declare(is), settled(declare(was), twinOf()), options);
}

function planWith(declared: Declared, live: Twin, wrap: (planner: Planner) => Planner, around = NO_OTHER_WRITERS) {
  const hub = declared.hubs[0];
  invariant(hub !== undefined, 'there is always a hub');
  const planner = wrap(createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' }));
  const device = deviceOf();
  return planner.plan(planner.targetFor(device, MODULE), device, live, NOW_MS, around);
}

const planBeside = (around: Partial<OtherWriters>): TwinAction =>
  planWith(declare(A), { ...twinOf(), configurations: { auto: { status: 'Applied' } } }, (planner) => planner, {
    ...NO_OTHER_WRITERS,
    ...around,
  });

function contested(): TwinAction {
  let twin = WRITTEN;
  for (let round = 0; round < 5; round += 1) twin = settled(declare(A), tampered(twin, { g: { a: 7 } }));
  return plan(declare(A), tampered(twin, { g: { a: 7 } }));
}

/** Another writer wrote a foreign key, and the agent reports its default since. */
function forgotten(): TwinAction {
  const profile = profileOf('forgetful', {
    section: ['g'],
    nudge: true,
    defaults: { a: 0 },
    acknowledgement: { type: 'Mirror' },
  });
  const declared = declare({ base: { profile, set: { a: 1 } } });
  const twin = tampered(settled(declared, twinOf()), { theirs: 1 });
  const reported = { g: { a: 0 }, $metadata: { g: { $lastUpdated: '2026-02-01T00:00:00Z' } } };
  return plan(declared, { ...twin, properties: { ...twin.properties, reported } });
}

const RULED = profileOf('ruled', {
  section: ['g'],
  rules: [
    {
      type: 'NotGreater',
      lesser: 'low',
      greater: 'high',
      as: 'number',
      severity: 'error',
      message: 'low is above high',
    },
  ],
});
const GONE = profileOf('gone', { section: ['g'] });

const ACTIONS: Readonly<Record<Told, () => TwinAction>> = {
  'Equal/InSync': () => after(A, A),
  'Patch/FirstConfiguration': () => plan(declare(A), twinOf()),
  'Patch/ConfigurationChanged': () => after(A, { base: { set: { a: 2 } } }),
  'Patch/Drift': () => plan(declare(A), DRIFTED),
  'Patch/SettingRemoved': () => after({ base: { set: { a: 1, b: 1 } } }, A),
  'Patch/OwnerRemoved': () => after({ base: { set: { a: 1 }, remove: true } }, {}),
  'Patch/LeftGroup': () =>
    after(
      { prod: { env: 'prod', set: { a: 1 } }, all: { set: { b: 1 } } },
      { prod: { env: 'prod', set: { a: 1 } }, all: { set: { b: 1 } } },
      LAB,
    ),
  'Patch/ExceptionEnded': () => plan(declare(A), settled(declare(A, INCIDENT), WRITTEN)),
  'Patch/Nudge': forgotten,
  'Record/Adopted': () => plan(declare(A), twinOf({ desired: { g: { a: 1 } } })),
  'Record/OwnerChanged': () => after(A, { renamed: A.base }),
  'Record/Released': () => after(A, {}),
  'Create/ModuleMissing': () => plan(declare({ base: { set: { a: 1 }, whenMissing: 'Create' } }), undefined),
  'Observe/ModeObserve': () => plan(declare({ base: { set: { a: 1 }, mode: 'Observe' } }), twinOf()),
  'Observe/Contested': contested,
  'Wait/ModuleMissing': () => plan(declare(A), undefined),
  'Skip/ModuleMissing': () => plan(declare({ base: { set: { a: 1 }, whenMissing: 'Skip' } }), undefined),
  'Keep/Unassigned': () =>
    after({ base: { set: { a: 1 }, env: 'prod' } }, { base: { set: { a: 1 }, env: 'prod' } }, LAB),
  'Keep/OutOfInput': () => plan(declare({}, { partial: true }), WRITTEN),
  'Keep/SourceEmpty': () => plan(declare({}, { hasHub: false }), WRITTEN),
  'Keep/Suspended': () => plan(declare({ base: { set: { a: 1 }, suspend: true } }), DRIFTED),
  'Hold/Conflicted': () => plan(declare({ ...A, other: { set: { a: 2 } } }), twinOf()),
  'Hold/ProfilesOverlap': () => plan(declare({ ...A, other: { profile: GONE, set: { b: 1 } } }), twinOf()),
  'Hold/RulesViolated': () => plan(declare({ base: { profile: RULED, set: { low: 2, high: 1 } } }), twinOf()),
  'Hold/ExceptionTooWide': () =>
    plan(declare(A, { exceptions: { inc: { set: { a: 5 }, maxDevices: 1 } } }), WRITTEN, {
      fleet: [deviceOf(), { ...deviceOf(), deviceId: 'd2' }],
    }),
  'Hold/RecordNewer': () => plan(declare(A), twinOf({ tags: { twinward: { default: { v: 2, own: {} } } } })),
  'Hold/ProfileUnknown': () => {
    const live = settled(declare({ base: { profile: GONE, set: { a: 1 }, remove: true } }), twinOf());
    return plan(declare({}, { profiles: [LEAF] }), live);
  },
  'Hold/TwinTooLarge': () => plan(declare(A), twinOf({ desired: { theirs: Array(10).fill('x'.repeat(3_500)) } })),
  'Hold/ManagedByEdge': () => planBeside({ identity: { managedBy: 'iotEdge' } }),
  'Hold/AutomaticConfiguration': () =>
    planBeside({
      automatic: [
        { id: 'auto', priority: 1, targetCondition: '', writes: [{ moduleId: undefined, path: ['g', 'a'] }] },
      ],
    }),
  'Hold/GuardRefused': () =>
    planWith(declare(A), twinOf(), (planner) =>
      wrapPlanner(planner, (inner) => (...twin) => {
        const refused = { reason: 'GuardRefused', refusedBy: 'Guards' } as const;
        return heldInstead(inner(...twin), refused, 'Too much.');
      }),
    ),
  'Hold/PlanStale': () => planWith(declare(A), twinOf(), (planner) => asPlanned(planner, new Map(), () => 'none')),
};

const CAUSES: Readonly<Record<ChangeCause, () => TwinAction>> = {
  FirstConfiguration: ACTIONS['Patch/FirstConfiguration'],
  ConfigurationChanged: ACTIONS['Patch/ConfigurationChanged'],
  Drift: ACTIONS['Patch/Drift'],
  SettingRemoved: ACTIONS['Patch/SettingRemoved'],
  OwnerRemoved: ACTIONS['Patch/OwnerRemoved'],
  LeftGroup: ACTIONS['Patch/LeftGroup'],
  ExceptionEnded: ACTIONS['Patch/ExceptionEnded'],
  Contested: ACTIONS['Observe/Contested'],
};

const MIRRORED = profileOf('mirrored', { section: ['g'], acknowledgement: { type: 'Mirror' } });
const DAY_MS = 86_400_000;

/** What the agent says about `{a: 1}`, in a report that is newer than the last write, or in none. */
function answer(report: JsonObject | undefined, fields: Partial<Twin> = {}, nowMs = NOW_MS): string {
  const declared = declare({ base: { profile: MIRRORED, set: { a: 1 } } });
  const twin = settled(declared, twinOf());
  const { desired } = twin.properties;
  const writtenAt = { $lastUpdated: '2026-11-23T17:39:00Z' };
  const reported =
    report === undefined ? {} : { g: report, $metadata: { g: { $lastUpdated: '2026-11-23T17:40:00Z' } } };
  const live: Twin = {
    ...twin,
    connectionState: 'Connected',
    properties: { desired: { ...desired, $metadata: { ...writtenAt, g: writtenAt } }, reported },
    ...fields,
  };
  const target = targetFor(declared);
  return stateOf(plan(declared, live), target, live, nowMs)?.acknowledgement ?? 'none';
}

const ACKNOWLEDGEMENTS: Readonly<Record<AcknowledgementState, () => string>> = {
  Written: () => answer(undefined),
  Applied: () => answer({ a: 1 }),
  Rejected: () => answer({ a: 2 }),
  NotAcknowledged: () => answer(undefined, {}, NOW_MS + DAY_MS),
  Unsupported: () => answer({ b: 1 }),
  Unreachable: () => answer(undefined, { connectionState: 'Disconnected' }),
};

const PAGE = readPage('docs/reasons.md');
const TOLD_ACTIONS = tableIn(PAGE, 'Actions and reasons').map(([type, reason]) => `${type}/${reason}`);
const TOLD_CAUSES = tableIn(PAGE, 'Causes of a change').map(([cause = '']) => cause);

describe('an action in docs/reasons.md', () => {
  test.each(TOLD_ACTIONS)('comes about: %s', (told) => {
    const { type, reason, message } = ACTIONS[told as Told]();
    expect(`${type}/${reason}`).toBe(told);
    const isExplained = type === 'Hold' || type === 'Keep';
    expect(isExplained ? message : 'Told.').toMatch(/^.+\.$/);
  });

  test('has a row here, and no other has', () => {
    expect(Object.keys(ACTIONS)).toEqual(TOLD_ACTIONS);
  });
});

describe('a cause in docs/reasons.md', () => {
  test.each(TOLD_CAUSES)('comes about: %s', (told) => {
    expect(differencesOf(CAUSES[told as ChangeCause]()).map(({ cause }) => cause)).toContain(told);
  });

  test('has a row here, and no other has', () => {
    expect(Object.keys(CAUSES)).toEqual(TOLD_CAUSES);
  });
});

describe('an acknowledgement in docs/glossary.md', () => {
  const row = /^\| \*\*acknowledgement\*\* \| (.+) \|$/m.exec(readPage('docs/glossary.md').text)?.[1] ?? '';
  const told = [...row.matchAll(/`(\w+)`/g)].map(([, state = '']) => state);

  test.each(told)('comes about: %s', (state) => {
    expect(ACKNOWLEDGEMENTS[state as AcknowledgementState]()).toBe(state);
  });

  test('has a row here, and no other has', () => {
    expect(Object.keys(ACKNOWLEDGEMENTS)).toEqual(told);
  });
});
