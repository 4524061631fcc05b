// How long a lease is good for, by the size of the hub.
import { expect, test } from 'vitest';
import { leaseMs } from '../../../src/controller/lease/lease-duration.ts';

test('on a small hub it is good for longer, so that renewing takes little of the day', () => {
  expect(leaseMs(undefined)).toBe(90_000);
  expect(leaseMs({ tier: 'S1', units: 1 })).toBe(90_000);
  expect(leaseMs({ tier: 'F1', units: 1 })).toBe(648_000);
});
