import { describe, expect, test } from 'vitest';
import { stateOf, type TwinState } from '../../../src/controller/twins/twin-state.ts';
import { deviceFacts } from '../../../src/model/twin.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import { createFleet, createContext, manifests, MODULE, NEVER, plannerFor, PROD } from '../fixture.ts';
import { reconcile } from '../../../src/controller/reconcile/reconcile.ts';

const SETTINGS = 'a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7';
const MIRRORED = manifests({ base: `${PROD}, settings: {${SETTINGS}}` }).replace(
  'section: /guard',
  'section: /guard, acknowledgement: {type: Mirror}',
);

/** The state of a twin in sync, a moment after its agent reported this. */
async function stateAfter(
  reported: JsonObject | undefined,
  text = MIRRORED,
  fleet = createFleet(1),
): Promise<TwinState | undefined> {
  await reconcile(createContext(fleet, text), `d1/${MODULE}`, NEVER);
  await fleet.clock.advance(1_000);
  if (reported !== undefined) fleet.report('d1', reported);
  const planner = plannerFor(text);
  const twin = await fleet.hub.getModuleTwin({ deviceId: 'd1', moduleId: MODULE }, NEVER);
  const device = deviceFacts(await fleet.hub.getDeviceTwin('d1', NEVER));
  const target = planner.targetFor(device, MODULE);
  return stateOf(planner.plan(target, device, twin, fleet.clock.now()), target, twin, fleet.clock.now());
}

const GOOD = { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6, g: 7 };

describe('a twin in sync', () => {
  test.each([
    {
      name: 'is unreachable while nobody is connected',
      reported: undefined,
      acknowledgement: 'Unreachable',
      detail: undefined,
    },
    {
      name: 'is applied where the agent says so',
      reported: { guard: GOOD },
      acknowledgement: 'Applied',
      detail: undefined,
    },
    {
      name: 'is rejected where the agent runs with something else, and names it',
      reported: { guard: { ...GOOD, b: 0, lastError: 'not today' } },
      acknowledgement: 'Rejected',
      detail: 'b: not today',
    },
    {
      name: 'is unsupported where the agent does not know a key',
      reported: { guard: { a: 1, b: 2, c: 3, d: 4, e: 5, f: 6 } },
      acknowledgement: 'Unsupported',
      detail: 'g',
    },
  ])('$name', async ({ reported, acknowledgement, detail }) => {
    expect(await stateAfter(reported)).toEqual({
      type: 'Equal',
      reason: 'InSync',
      owners: ['SecurityConfiguration/base'],
      isDrifted: false,
      acknowledgement,
      detail,
      failure: undefined,
    });
  });

  test('is rejected for what another writer put beside our settings, and says so', async () => {
    const text = MIRRORED.replace(
      'section: /guard',
      'section: /guard, schema: {properties: {theirs: {type: integer}}}',
    );
    const fleet = createFleet(1);
    fleet.tamper('d1', { guard: { theirs: 'seven' } });
    expect(await stateAfter({ guard: { ...GOOD, b: 0 } }, text, fleet)).toMatchObject({
      acknowledgement: 'Rejected',
      detail: 'the agent refuses what another writer put beside our settings: theirs',
    });
  });

  test('is told by the worse answer where two agents read it', async () => {
    const second = `---
apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: other-guard}
spec: {extends: generic, moduleId: ${MODULE}, section: /other, acknowledgement: {type: Mirror}}
---
apiVersion: twinward.dev/v1alpha1
kind: SecurityConfiguration
metadata: {name: other}
spec: {profile: other-guard, ${PROD}, settings: {h: 8}}
`;
    expect(await stateAfter({ guard: GOOD, other: { h: 8 } }, MIRRORED + second)).toMatchObject({
      acknowledgement: 'Applied',
    });
    for (const reported of [
      { guard: GOOD, other: { h: 0 } },
      { guard: { ...GOOD, a: 0 }, other: { h: 8 } },
    ]) {
      expect(await stateAfter(reported, MIRRORED + second)).toMatchObject({ acknowledgement: 'Rejected' });
    }
  });

  test('keeps little of what an agent says, whatever it says', async () => {
    const state = await stateAfter({
      guard: { ...GOOD, a: 0, b: 0, c: 0, d: 0, e: 0, f: 0, lastError: 'x'.repeat(3_000) },
    });
    expect(state?.detail).toHaveLength(200);
    expect(state?.detail).toMatch(/^a, b, c, d, e: x+…$/);
  });

  test('is written and no more where the agent never says anything', async () => {
    expect(await stateAfter(undefined, manifests({ base: `${PROD}, settings: {a: 1}` }))).toMatchObject({
      acknowledgement: 'Written',
    });
  });

  test('is none of our business where nothing is declared for it', async () => {
    expect(
      await stateAfter(undefined, manifests({ lab: 'selector: {matchTags: {env: lab}}, settings: {a: 1}' })),
    ).toBeUndefined();
  });
});
