// Every condition of docs/cli.md comes about in a real controller: a row for each, and no row for another.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ControllerStatus } from '../../../src/controller/status/status.ts';
import { HubError, SourceError } from '../../../src/model/errors.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, manifests, PROD, startOn, type Fleet } from '../fixture.ts';

const GOOD = manifests({ base: `${PROD}, settings: {usb: block}` });
const CONFLICT = manifests({
  base: `${PROD}, settings: {usb: block}`,
  other: 'selector: {matchTags: {site: lyon}}, settings: {usb: allow}',
});

interface Situation {
  readonly text?: string | undefined | Error;
  /** What is read after the first turn. */
  readonly second?: string | undefined | Error;
  readonly hub?: (fleet: Fleet) => Partial<Hub>;
  readonly options?: Parameters<typeof startOn>[2];
}

const hangs = (): Promise<never> => new Promise(() => {});
const refuse = (): Promise<never> => Promise.reject(new HubError('Unavailable', 'nobody listens'));

const SITUATIONS: Readonly<Record<string, Situation>> = {
  'SourceReady/Loaded': {},
  'SourceReady/NotRead': { options: { source: { read: hangs, watch: async () => async () => {} } } },
  'SourceReady/ReadFailed': { second: new SourceError('Unreadable', 'permission denied') },
  'SourceReady/InvalidManifests': { second: 'kind: [' },
  'SourceReady/SourceEmpty': { second: undefined },
  'Ready/Succeeded': {},
  'Ready/Progressing': {
    hub: () => ({ countDevices: hangs, listDevices: () => ({ [Symbol.asyncIterator]: () => ({ next: hangs }) }) }),
  },
  'Ready/ConnectFailed': { options: { connect: refuse } },
  'Ready/ListFailed': { hub: () => ({ listDevices: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }) }) },
  'Ready/ListEmpty': { hub: () => ({ listDevices: () => nothing(), listModuleTwins: () => nothing() }) },
  'Ready/TwinsFailing': { hub: () => ({ patchModuleTwin: refuse }) },
  'Ready/TwinsHeld': { text: CONFLICT },
  'Ready/GuardRefused': { text: GOOD.replace('mode: Enforce', 'mode: Enforce, guards: {maxChanged: 0}') },
  'Ready/WaitingForLease': { options: { holder: 'second@host/2' } },
  'Ready/WaitingForSource': { text: 'kind: [' },
};

async function* nothing(): AsyncGenerator<readonly never[]> {}

const PAGE = readFileSync(new URL('../../../docs/cli.md', import.meta.url), 'utf8');
const TOLD = [...PAGE.matchAll(/^\| `(SourceReady|Ready)` \| `(\w+)` \| (True|False|Unknown): /gm)].map(
  ([, type = '', reason = '', status = '']) => ({ type, reason, status }),
);

async function statusIn(name: string): Promise<ControllerStatus> {
  const situation = SITUATIONS[name] ?? {};
  const { hub: hubOf = () => ({}), options = {} } = situation;
  const fleet = createFleet(2);
  fleet.tag('d1', { site: 'lyon' });
  const rival = options.holder === undefined ? undefined : await startOn(fleet, GOOD, { holder: 'first@host/1' });
  const hub = { ...fleet.hub, ...hubOf(fleet) };
  const text = 'text' in situation ? situation.text : GOOD;
  const { controller, source } = await startOn(fleet, text, { hub, ...options });
  if ('second' in situation) source.set(situation.second);
  await fleet.clock.flush();
  const status = controller.status();
  const stopping = Promise.all([controller.stop(), rival?.controller.stop()]);
  await fleet.clock.advance(20_000);
  await stopping;
  return status;
}

describe('a condition of the controller', () => {
  test.each(TOLD)('$type $reason comes about', async ({ type, reason, status }) => {
    const { conditions, hubs } = await statusIn(`${type}/${reason}`);
    const found = [...conditions, ...hubs.flatMap((hub) => hub.conditions)].filter((one) => one.type === type);
    expect(found.map((one) => `${one.status} ${one.reason}`)).toContain(`${status} ${reason}`);
  });

  test('has a row here, and no other has', () => {
    expect(Object.keys(SITUATIONS)).toEqual(TOLD.map(({ type, reason }) => `${type}/${reason}`));
  });
});
