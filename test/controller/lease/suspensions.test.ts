import { beforeEach, expect, test } from 'vitest';
import { ReservedStore } from '../../../src/controller/lease/reserved-store.ts';
import { withSuspension } from '../../../src/controller/lease/suspensions.ts';
import type { Suspension } from '../../../src/model/suspension.ts';
import { createFleet, NEVER, suspend, type Fleet } from '../fixture.ts';

let fleet: Fleet;

beforeEach(() => {
  fleet = createFleet(0);
});

const device = (name: string, untilMs?: number) => ({
  scope: 'Device' as const,
  name,
  who: 'me@here',
  reason: 'INC-1',
  untilMs,
});

const change = (to: Parameters<typeof suspend>[1]): Promise<unknown> => suspend(fleet, to);

const stored = async () => (await new ReservedStore(fleet.hub, 'default').read(NEVER)).suspensions;

test('the first makes the device that holds it, and the last leaves no list', async () => {
  await change((before) => withSuspension(before, device('d1')));
  expect(await stored()).toEqual([device('d1')]);
  await change(() => []);
  expect(fleet.iot.getTwin({ deviceId: 'twinward-default' })['tags'] ?? {}).not.toHaveProperty('twinward.suspensions');
});

test('one of the same thing takes the place of the one before, others stay', () => {
  const all: Suspension = { scope: 'All', who: 'a', reason: 'b', untilMs: undefined };
  const later = { ...device('d1'), reason: 'INC-2' };
  const named: Suspension = { ...device('d1'), scope: 'Configuration' };
  const before = [device('d1'), all, device('d2'), named];
  expect(withSuspension(before, later)).toEqual([all, device('d2'), named, later]);
});

test('those that have ended go with the next change', async () => {
  await change(() => [device('d1', fleet.clock.now() + 1_000), device('d2')]);
  await fleet.clock.advance(1_000);
  await change((before) => withSuspension(before, device('d3')));
  expect(await stored()).toEqual([device('d2'), device('d3')]);
});

test('two people at once lose neither’s', async () => {
  await Promise.all(['d1', 'd2', 'd3'].map((name) => change((before) => withSuspension(before, device(name)))));
  expect((await stored()).map((one) => ('name' in one ? one.name : '')).toSorted()).toEqual(['d1', 'd2', 'd3']);
});

test('more than the twin can hold are refused in words, before the hub refuses them', async () => {
  const many = Array.from({ length: 60 }, (_, index) => ({ ...device(`device-${index}`), reason: 'x'.repeat(200) }));
  await expect(change(() => many)).rejects.toMatchObject({
    code: 'TooLarge',
    message: expect.stringContaining('End some of them first'),
  });
  expect(await stored()).toEqual([]);
});
