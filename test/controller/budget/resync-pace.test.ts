// How often a fleet is compared, by what a pass costs and what the hub has.
import { expect, test } from 'vitest';
import type { Connection } from '../../../src/controller/loop/connection.ts';
import { affordablePeriodMs } from '../../../src/controller/budget/resync-pace.ts';
import type { Hub } from '../../../src/ports/hub.ts';
import { createFleet, manifests, PROD, startOn } from '../fixture.ts';

const MINUTE_MS = 60_000;
const TENTH = { throttle: 0.4, dailyMessages: 0.1 };

test.each([
  { fleet: 'a small fleet', messages: 10, capacity: { tier: 'S1', units: 1 }, minutes: 5 },
  // 5,700 of 20,000 a day that comparing may use: 3.5 passes.
  { fleet: '11,400 twins of 2 KB on S1', messages: 5_700, capacity: { tier: 'S1', units: 1 }, minutes: 410.4 },
  { fleet: 'the same on S3', messages: 5_700, capacity: { tier: 'S3', units: 1 }, minutes: 5 },
  { fleet: 'any fleet on a hub without limits', messages: 1e9, capacity: undefined, minutes: 5 },
  { fleet: 'a pass that cost nothing', messages: 0, capacity: { tier: 'F1', units: 1 }, minutes: 5 },
])('$fleet is compared every $minutes minutes', ({ messages, capacity, minutes }) => {
  expect(affordablePeriodMs(5 * MINUTE_MS, messages, capacity, TENTH) / MINUTE_MS).toBeCloseTo(minutes);
});

test('passes that would use up the daily messages become rarer, and that is said once', async () => {
  const fleet = createFleet(3);
  let spent = 0;
  let lists = 0;
  const hub: Hub = {
    ...fleet.hub,
    listDevices(signal) {
      lists += 1;
      spent += 100;
      return fleet.hub.listDevices(signal);
    },
    messagesSpent: () => spent,
  };
  const connect = async (): Promise<Connection> => ({ hub, mode: 'Enforce', capacity: { tier: 'F1', units: 1 } });
  const { controller, log } = await startOn(fleet, manifests({ base: `${PROD}, settings: {scan: PT1H}` }), { connect });
  await fleet.clock.advance(60_000);
  lists = 0;
  // 100 of the 400 messages a day that comparing may use: four passes a day.
  await fleet.clock.advance(24 * 60 * MINUTE_MS);
  expect(lists).toBeGreaterThanOrEqual(3);
  expect(lists).toBeLessThanOrEqual(4);
  expect(log.lines.filter(({ message }) => message.startsWith('The fleet is compared less often'))).toHaveLength(1);
  await controller.stop();
});
