// Plans that are saved: what makes them stale, and that nothing but what was planned is written.
import { describe, expect, test } from 'vitest';
import { changesOf, type SettingChange, type TwinAction } from '../../../src/model/action.ts';
import type { Planner } from '../../../src/plan/planner.ts';
import {
  actionDigest,
  asPlanned,
  readSavedPlan,
  savedTwin,
  staleness,
  type SavedTwin,
} from '../../../src/plan/report/saved-plan.ts';
import type { Twin } from '../../../src/model/twin.ts';
import { configurationOwner } from '../../../src/model/owner.ts';
import { actionOf, patchOf, type ActionParts } from '../actions.ts';
import { deviceOf } from '../fixture.ts';

const FIRST_ETAG = 'AAAAAAAAAAE=';

function change(after: string, fields: Partial<SettingChange> = {}): SettingChange {
  const path = ['guard', 'usbPolicy'];
  const common = { name: 'usbPolicy', path, before: undefined, owner: configurationOwner('x') };
  return { ...common, after, cause: 'FirstConfiguration', sensitive: false, ...fields };
}

const PLANNED: ActionParts = {
  deviceId: 'kiosk-01',
  moduleId: 'acmeGuard',
  owners: ['SecurityConfiguration/x'],
  etag: 'AAAAAAAAAAM=',
  changes: [change('block')],
  patch: { tags: {}, properties: { desired: { guard: { usbPolicy: 'block' } } } },
};
const EQUAL = actionOf('Equal', 'InSync', PLANNED);
const CREATE = actionOf('Create', 'ModuleMissing', { ...PLANNED, changes: [] });

function patch(parts: ActionParts = {}): TwinAction {
  return actionOf('Patch', 'FirstConfiguration', { ...PLANNED, ...parts });
}

const saved = savedTwin(patch()) as SavedTwin;

test('only what is written is saved, and no value is in it', () => {
  expect(saved).toEqual({
    deviceId: 'kiosk-01',
    moduleId: 'acmeGuard',
    action: 'Patch',
    etag: 'AAAAAAAAAAM=',
    digest: actionDigest(patch()),
  });
  expect(savedTwin(EQUAL)).toBeUndefined();
});

describe('a twin is stale', () => {
  test.each<[sentence: string, now: TwinAction | undefined, why: string | undefined, etag?: string]>([
    ['not where all is as it was', patch(), undefined],
    ['where it is gone', undefined, 'it is gone, or nothing is declared for it any more'],
    ['where another writer wrote to it', patch({ etag: 'AAAAAAAAAAQ=' }), 'it was written to since', 'AAAAAAAAAAQ='],
    ['where another value would be written', patch({ changes: [change('audit')] }), 'something else would be done now'],
    ['where other owners decide', patch({ owners: ['SecurityConfiguration/y'] }), 'something else would be done now'],
    ['where nothing is to be done any more', EQUAL, 'something else would be done now'],
  ])('%s', (_sentence, now, why, etag = 'AAAAAAAAAAM=') => {
    expect(staleness(saved, now, etag)).toBe(why);
  });
});

test('a digest says whether there was anything before, also of what is sensitive', () => {
  const digestOf = (before: string | undefined): string =>
    actionDigest(patch({ changes: [change('block', { before, sensitive: true })] }));
  expect(digestOf(undefined)).not.toBe(digestOf('allow'));
});

test('a digest does not depend on a sensitive value, as a short one could be guessed from it', () => {
  const digestOf = (after: string): string => actionDigest(patch({ changes: [change(after, { sensitive: true })] }));
  expect(digestOf('1234')).toBe(digestOf('9999'));
});

function plannerOf(action: TwinAction): Planner {
  return { plan: () => action } as unknown as Planner;
}

const keyOf = (deviceId: string, moduleId: string): string => `${deviceId}/${moduleId}`;

function decide(action: TwinAction, planned: readonly SavedTwin[], etag?: string): TwinAction {
  const known = new Map(planned.map((twin) => [keyOf(twin.deviceId, twin.moduleId), twin]));
  const live = etag === undefined ? undefined : ({ deviceId: 'kiosk-01', etag } as Twin);
  return asPlanned(plannerOf(action), known, keyOf).plan({} as never, deviceOf(), live, 0);
}

describe('the planner of a saved plan', () => {
  const created = {
    ...saved,
    action: 'Create',
    etag: null,
    digest: actionDigest(CREATE),
  } as const;

  test.each<
    [sentence: string, action: TwinAction, planned: readonly SavedTwin[], etag: string | undefined, type: string]
  >([
    ['writes what was planned', patch(), [saved], 'AAAAAAAAAAM=', 'Patch'],
    ['holds what somebody wrote to meanwhile', patch({ etag: 'AAAAAAAAAAQ=' }), [saved], 'AAAAAAAAAAQ=', 'Hold'],
    ['holds what is not in the plan', patch(), [], 'AAAAAAAAAAM=', 'Hold'],
    ['leaves alone what writes nothing', EQUAL, [], 'AAAAAAAAAAM=', 'Equal'],
    ['creates what was planned', CREATE, [created], undefined, 'Create'],
    ['configures what it has just created', patch({ etag: FIRST_ETAG }), [created], FIRST_ETAG, 'Patch'],
    [
      'holds a module that somebody else created and wrote to',
      patch({ etag: 'AAAAAAAAAAI=' }),
      [created],
      'AAAAAAAAAAI=',
      'Hold',
    ],
  ])('%s', (_sentence, action, planned, etag, type) => {
    const decided = decide(action, planned, etag);
    expect(decided.type).toBe(type);
  });

  test('says of what it holds what would be written, and sends none of it', () => {
    const held = decide(patch(), []);
    expect(held).toMatchObject({ type: 'Hold', reason: 'PlanStale' });
    expect([patchOf(held), changesOf(held)]).toEqual([undefined, []]);
    expect(held.observed).toEqual([change('block')]);
  });
});

describe('the file', () => {
  const plan = {
    revision: 'sha256:1',
    partial: false,
    instance: 'default',
    hubs: [{ name: 'dev', hostName: 'h', twins: [saved] }],
  };

  test('is read as it was written', () => {
    expect(readSavedPlan(JSON.parse(JSON.stringify(plan)))).toEqual(plan);
  });

  test.each<[what: string, value: unknown]>([
    ['text', 'plan'],
    ['no hubs', { ...plan, hubs: undefined }],
    ['a twin without an etag', { ...plan, hubs: [{ ...plan.hubs[0], twins: [{ ...saved, etag: undefined }] }] }],
    [
      'an action that there is not',
      { ...plan, hubs: [{ ...plan.hubs[0], twins: [{ ...saved, action: 'toString' }] }] },
    ],
  ])('with %s is none', (_what, value) => {
    expect(readSavedPlan(value)).toBeUndefined();
  });
});
