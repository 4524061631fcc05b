// The loop among edits, other writers, re-created modules, lost answers, old lists and restarts: in the end the twins say
// what the manifests say, and nobody else's keys were touched.
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { HubError } from '../../src/model/errors.ts';
import { getPath } from '../../src/model/json.ts';
import { createSeededRandom } from '../../src/model/seeded-random.ts';
import type { DeviceFacts, Twin } from '../../src/model/twin.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { createFleet, manifests, MODULE, PERIOD_MS, PROD, startOn, type Fleet } from './fixture.ts';

const DEVICES = 4;
const VARIANTS: readonly Readonly<Record<string, string>>[] = [
  { scan: 'PT1H', usb: 'block' },
  { scan: 'PT2H', usb: 'block' },
  { usb: 'audit', log: 'all' },
  { log: 'none' },
];

function textOf(variant: number): string {
  const settings = Object.entries(VARIANTS[variant] ?? {}).map(([key, value]) => `${key}: ${value}`);
  return manifests({ base: `${PROD}, settings: {${settings.join(', ')}}` });
}

const device = fc.nat({ max: DEVICES - 1 }).map((index) => `d${index + 1}`);
const event = fc.oneof(
  fc.record({ what: fc.constant('edit' as const), variant: fc.nat({ max: VARIANTS.length - 1 }) }),
  fc.record({ what: fc.constant('break' as const) }),
  fc.record({ what: fc.constant('drift' as const), device, key: fc.constantFrom('scan', 'usb', 'log') }),
  fc.record({ what: fc.constant('foreign' as const), device }),
  fc.record({ what: fc.constant('retag' as const), device, env: fc.constantFrom('prod', 'lab') }),
  fc.record({ what: fc.constant('recreate' as const), device }),
  fc.record({ what: fc.constant('restart' as const) }),
  fc.record({ what: fc.constant('wait' as const), ms: fc.nat({ max: 2 * PERIOD_MS }) }),
);

/** A hub that fails as often as `share` says, in every way that a hub can, and whose lists may be old. */
function unkind(fleet: Fleet, seed: number): { readonly hub: Hub; readonly intrusions: string[]; share: number } {
  const random = createSeededRandom(seed);
  const state = { share: 0.3, hub: fleet.hub, intrusions: [] as string[] };
  const isHit = (): boolean => random.next() < state.share;
  const fail = (): never => {
    const codes = ['Unavailable', 'Timeout', 'Throttled', 'Malformed'] as const;
    throw new HubError(codes[Math.floor(random.next() * codes.length)] ?? 'Timeout', 'unkind');
  };
  let oldDevices: (readonly DeviceFacts[])[] = [];
  let oldTwins: (readonly Twin[])[] = [];
  state.hub = {
    ...fleet.hub,
    async *listDevices(signal) {
      if (isHit()) fail();
      const pages = isHit() ? oldDevices : await Array.fromAsync(fleet.hub.listDevices(signal));
      if (isHit()) oldDevices = pages;
      yield* pages;
    },
    async *listModuleTwins(moduleIds, signal) {
      const pages = isHit() ? oldTwins : await Array.fromAsync(fleet.hub.listModuleTwins(moduleIds, signal));
      if (isHit()) oldTwins = pages;
      for (const page of pages) {
        yield page.filter(() => !isHit());
        if (isHit()) fail();
      }
    },
    async getModuleTwin(ref, signal) {
      if (isHit()) fail();
      return fleet.hub.getModuleTwin(ref, signal);
    },
    async getDeviceTwin(deviceId, signal) {
      if (isHit()) fail();
      return fleet.hub.getDeviceTwin(deviceId, signal);
    },
    async patchModuleTwin(ref, patch, etag, signal) {
      if (isHit()) fail();
      if (isIntrusion(fleet, ref.deviceId)) state.intrusions.push(ref.deviceId);
      const answer = await fleet.hub.patchModuleTwin(ref, patch, etag, signal);
      if (isHit()) fail();
      return answer;
    },
  };
  return state;
}

/** True where a device that is not selected would be written to for the first time. */
function isIntrusion({ iot }: Fleet, deviceId: string): boolean {
  const isMember = getPath(iot.getTwin({ deviceId }), ['tags', 'env']) === 'prod';
  return !isMember && getPath(iot.getTwin({ deviceId, moduleId: MODULE }), ['tags', 'twinward']) === undefined;
}

test('in the end every twin says what the manifests say, and nobody else has lost anything', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 25 }), fc.nat(), async (events, seed) => {
      const fleet = createFleet(DEVICES);
      const world = unkind(fleet, seed);
      const foreign = new Map<string, number>();
      const members = new Set(fleet.ids());
      let variant = 0;
      let running = await startOn(fleet, textOf(variant), { hub: world.hub });
      for (const one of events) {
        if (one.what === 'edit') running.source.set(textOf((variant = one.variant)));
        else if (one.what === 'break') running.source.set('kind: [');
        else if (one.what === 'drift') fleet.tamper(one.device, { guard: { [one.key]: 'other' } });
        else if (one.what === 'foreign') {
          foreign.set(one.device, (foreign.get(one.device) ?? 0) + 1);
          fleet.tamper(one.device, { guard: { theirs: foreign.get(one.device) ?? 0 }, other: { keep: true } });
        } else if (one.what === 'retag') {
          fleet.tag(one.device, { env: one.env });
          if (one.env === 'prod') members.add(one.device);
          else members.delete(one.device);
        } else if (one.what === 'recreate') {
          fleet.iot.deleteModule(one.device, MODULE, '*');
          fleet.iot.putModule(one.device, MODULE, { deviceId: one.device, moduleId: MODULE }, undefined);
          foreign.delete(one.device);
        } else if (one.what === 'restart') {
          const stopping = running.controller.stop();
          await fleet.clock.advance(10_000);
          await stopping;
          running = await startOn(fleet, textOf(variant), { hub: world.hub });
        } else await fleet.clock.advance(one.ms);
        await fleet.clock.flush();
      }
      running.source.set(textOf(variant));
      world.share = 0;
      await fleet.clock.advance(4 * PERIOD_MS);

      const declared = VARIANTS[variant] ?? {};
      const wanted: object[] = [];
      const found: object[] = [];
      for (const id of fleet.ids()) {
        const theirs = foreign.get(id);
        expect(fleet.desired(id, 'guard', 'theirs')).toBe(theirs);
        expect(fleet.desired(id, 'other', 'keep')).toBe(theirs === undefined ? undefined : true);
        if (!members.has(id)) continue;
        const settings = without(fleet.desired(id, 'guard'), driftLeftOver(events, id, declared));
        wanted.push({ id, ...declared, ...(theirs === undefined ? {} : { theirs }) });
        found.push({ id, ...settings });
      }
      expect(found).toEqual(wanted);
      expect(world.intrusions).toEqual([]);
      expect(running.status()).toMatchObject({
        pending: 0,
        lastAppliedRevision: running.status().lastAttemptedRevision,
      });
      expect(running.metrics.total('controller_runtime_reconcile_panics_total')).toBe(0);
      const written = fleet.patches.length;
      await fleet.clock.advance(3 * PERIOD_MS);
      expect(fleet.patches).toHaveLength(written);
      await running.controller.stop();
      expect(fleet.clock.pending).toBe(0);
    }),
    { numRuns: 60 },
  );
});

type Event = typeof event extends fc.Arbitrary<infer T> ? T : never;

/** Keys that somebody else wrote while we did not own them are theirs: they stay. */
function driftLeftOver(
  events: readonly Event[],
  id: string,
  declared: Readonly<Record<string, string>>,
): readonly string[] {
  return events.flatMap((one) =>
    one.what === 'drift' && one.device === id && !Object.hasOwn(declared, one.key) ? [one.key] : [],
  );
}

function without(value: unknown, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !keys.includes(key)));
}
