import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { condition, hubConditions, readyOfAll, type HubFacts } from '../../../src/controller/status/conditions.ts';
import { CONDITION_REASONS, type Condition, type HubStatus } from '../../../src/controller/status/status.ts';

const GOOD: HubFacts = {
  problem: undefined,
  isApplied: true,
  pending: 0,
  uncounted: 0,
  failing: 0,
  held: 0,
  twins: 7,
  equal: 7,
};
const DOWN = { reason: 'ListFailed', message: 'nobody listens', isStalled: false } as const;

/** Conditions in short: `Ready=False/TwinsHeld 3 twins ...`. */
function short({ type, status, reason, message }: Condition): string {
  return `${type}=${status}/${reason} ${message}`;
}

describe('what is said about a hub', () => {
  const rows: readonly { name: string; facts: Partial<HubFacts>; says: readonly string[] }[] = [
    { name: 'all is well', facts: {}, says: ['Ready=True/Succeeded 7 of 7 twins in sync.'] },
    { name: 'one twin', facts: { twins: 1, equal: 1 }, says: ['Ready=True/Succeeded 1 of 1 twin in sync.'] },
    {
      name: 'nothing was listed yet',
      facts: { isApplied: false },
      says: [
        'Ready=Unknown/Progressing The hub is being listed.',
        'Reconciling=True/Progressing The hub is being listed.',
      ],
    },
    {
      name: 'a new revision is being worked on',
      facts: { isApplied: false, pending: 3 },
      says: ['Ready=Unknown/Progressing 3 twins to look at.', 'Reconciling=True/Progressing 3 twins to look at.'],
    },
    {
      name: 'drift is being corrected',
      facts: { pending: 1, equal: 6 },
      says: ['Ready=True/Succeeded 6 of 7 twins in sync.', 'Reconciling=True/Progressing 1 twin to look at.'],
    },
    {
      name: 'twins are held',
      facts: { held: 2, equal: 5 },
      says: ['Ready=False/TwinsHeld 2 twins held back until a person decides.'],
    },
    {
      name: 'twins fail, which is worse than to be held',
      facts: { failing: 1, held: 2 },
      says: ['Ready=False/TwinsFailing 1 twin could not be reconciled.'],
    },
    {
      name: 'the guards refuse a change, which says more than that twins are held',
      facts: { held: 2, refusal: 'TooManyChanged: 2 twins would change.' },
      says: ['Ready=False/GuardRefused TooManyChanged: 2 twins would change.'],
    },
    {
      name: 'another has the lease, and nothing is looked at',
      facts: { waitingFor: 'a@host/1 (run)', isApplied: false, problem: DOWN },
      says: ['Ready=Unknown/WaitingForLease Waiting for a@host/1 (run) to release the lease.'],
    },
    {
      name: 'the hub is down, which is worse than all else',
      facts: { problem: DOWN, failing: 5 },
      says: ['Ready=False/ListFailed nobody listens'],
    },
    {
      name: 'trying again does not help',
      facts: { problem: { ...DOWN, isStalled: true } },
      says: ['Ready=False/ListFailed nobody listens', 'Stalled=True/ListFailed nobody listens'],
    },
  ];
  test.each(rows)('where $name', ({ facts, says }) => {
    expect(hubConditions({ ...GOOD, ...facts }).map(short)).toEqual(says);
  });
});

describe('what is said about everything', () => {
  const loaded = condition('SourceReady', 'True', 'Loaded', 'Revision a is loaded.');
  const broken = condition('SourceReady', 'False', 'InvalidManifests', 'TW1001 a.yaml:1: no.');
  const hub = (name: string, facts: Partial<HubFacts> = {}): HubStatus =>
    ({ name, conditions: hubConditions({ ...GOOD, ...facts }) }) as unknown as HubStatus;
  const rows: readonly { name: string; source: Condition; hubs: readonly HubStatus[]; says: string }[] = [
    {
      name: 'every hub is ready',
      source: loaded,
      hubs: [hub('a'), hub('b')],
      says: 'Ready=True/Succeeded 2 hubs ready.',
    },
    { name: 'the only hub is ready', source: loaded, hubs: [hub('a')], says: 'Ready=True/Succeeded 1 hub ready.' },
    {
      name: 'one hub is not',
      source: loaded,
      hubs: [hub('a'), hub('b', { problem: DOWN })],
      says: 'Ready=False/ListFailed Hub b: nobody listens',
    },
    {
      name: 'a hub is still being listed',
      source: loaded,
      hubs: [hub('a', { isApplied: false })],
      says: 'Ready=Unknown/Progressing Hub a: The hub is being listed.',
    },
    {
      name: 'the manifests never were good',
      source: broken,
      hubs: [],
      says: 'Ready=False/WaitingForSource Nothing is done until the manifests can be used.',
    },
    {
      name: 'the manifests broke',
      source: broken,
      hubs: [hub('a')],
      says: 'Ready=False/InvalidManifests TW1001 a.yaml:1: no.',
    },
    {
      name: 'a hub and the manifests are in trouble',
      source: broken,
      hubs: [hub('a', { problem: DOWN })],
      says: 'Ready=False/ListFailed Hub a: nobody listens',
    },
  ];
  test.each(rows)('where $name', ({ source, hubs, says }) => {
    expect(short(readyOfAll(source, hubs))).toBe(says);
  });
});

test('docs/cli.md has every reason of the controller’s own conditions, in order', () => {
  const page = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| `(?:SourceReady|Ready)` \| `(\w+)` \| .+\. \|$/gm)];
  expect(rows.map(([, reason]) => reason)).toEqual(CONDITION_REASONS);
});
