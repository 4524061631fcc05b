// Real controllers on a lying hub: seeds that once failed, new ones, and a crash at every single call of a small story.
import { describe, expect, test } from 'vitest';
import { REGRESSION_SEEDS } from './regressions.ts';
import { runScenario } from './run.ts';
import { NOTHING, type Policy } from './policy.ts';
import { createScenario, type Event, type Scenario } from './scenario.ts';

const FIRST_SEED = 40_000;
const PIECES = 10;
const PIECE_SEEDS = 20;

describe('seeds', () => {
  // docs/reliability.md says what each found; seeds from before the scenarios changed live on as mutants.
  test.each(REGRESSION_SEEDS)('seed %i, which failed once', async (seed) => {
    expect((await runScenario(createScenario(seed))).violations).toEqual([]);
  });

  test.each(Array.from({ length: PIECES }, (_, piece) => FIRST_SEED + piece * PIECE_SEEDS))(
    'seeds from %i',
    async (first) => {
      for (let seed = first; seed < first + PIECE_SEEDS; seed += 1) {
        const { violations } = await runScenario(createScenario(seed));
        expect(violations, `npm run simulate -- --seeds 1 --seed ${seed}`).toEqual([]);
      }
    },
  );

  test('a seed replays exactly', async () => {
    const [first, second] = [await runScenario(createScenario(7)), await runScenario(createScenario(7))];
    expect(second.history).toEqual(first.history);
    expect(first.history.length).toBeGreaterThan(50);
  });
});

/** Five devices, a commit that changes, adds and removes, drift and a device that moves. */
function story(events: readonly Event[]): Scenario {
  const base = { ...createScenario(11), clockOffsetMs: 0 };
  const device = (index: number, profile: 'acme-guard' | 'defender-legacy', env: string) => ({
    deviceId: `d${index}`,
    profile,
    firmware: '2.0',
    tags: { env, site: 'lyon' },
    isOnline: true,
    hasModule: true,
    isThere: true,
    isManagedByEdge: false,
    slowMs: undefined,
  });
  const configuration = (
    name: string,
    profile: 'acme-guard' | 'defender-legacy',
    settings: Record<string, string | number>,
  ) =>
    ({
      name,
      profile,
      priority: name.length,
      tag: ['env', 'prod'],
      isGrouped: false,
      settings,
      policies: {},
      unset: [],
      state: 'Enforce',
      deletionPolicy: 'Remove',
    }) as const;
  const guard = configuration('guard', 'acme-guard', { scanInterval: 'PT1H', level: 1 });
  const legacy = configuration('legacy', 'defender-legacy', { eventPriorityLogin: 'High' });
  const policyOf = (configurations: Policy['configurations']): Policy => ({ ...NOTHING, configurations });
  const second = policyOf([
    configuration('guard', 'acme-guard', { scanInterval: 'PT6H', usbPolicy: 'block' }),
    configuration('legacy', 'defender-legacy', { eventPriorityLogin: 'Low', maxMessageSizeInBytes: 8192 }),
  ]);
  const plot: Event[] = [
    { atMs: 60_000, happening: { kind: 'commit', policy: second } },
    { atMs: 120_000, happening: { kind: 'drift', deviceId: 'd1', key: 'usbPolicy', value: 'allow' } },
    { atMs: 120_000, happening: { kind: 'retag', deviceId: 'd2', tags: { env: 'test', site: 'lyon' } } },
  ];
  return {
    ...base,
    devices: [
      device(1, 'acme-guard', 'prod'),
      device(2, 'acme-guard', 'prod'),
      device(3, 'defender-legacy', 'prod'),
      device(4, 'defender-legacy', 'prod'),
      device(5, 'acme-guard', 'test'),
    ],
    first: policyOf([guard, legacy]),
    events: [...events, ...plot].toSorted((a, b) => a.atMs - b.atMs),
    lengthMs: 20 * 60_000,
  };
}

describe('a crash between any two effects', () => {
  test('the story alone is good, and needs some calls', async () => {
    const { violations, counts } = await runScenario(story([]));
    expect(violations).toEqual([]);
    expect(counts.calls).toBeGreaterThan(40);
  });

  test('at every call to the hub: the next start finishes', async () => {
    for (let calls = 1; calls <= 60; calls += 1) {
      const crash = { atMs: 0, happening: { kind: 'crashAtCall', calls, downMs: 1_000 } } as const;
      const { violations } = await runScenario(story([crash]));
      expect(violations, `crash at call ${calls}`).toEqual([]);
    }
  });

  test.each(['before', 'after'] as const)('every call cut once, %s the hub did it', async (when) => {
    for (let skip = 0; skip < 60; skip += 1) {
      const rule = { skip, count: 1, fault: { kind: 'reset', when } } as const;
      const { violations } = await runScenario(story([{ atMs: 0, happening: { kind: 'fault', rule } }]));
      expect(violations, `call ${skip + 1} cut`).toEqual([]);
    }
  });
});
