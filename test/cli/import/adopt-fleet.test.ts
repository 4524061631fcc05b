// For any fleet: the manifests written for it change no desired property, and contain no secret.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { adoptFleet, type Fleet } from '../../../src/cli/import/adopt-fleet.ts';
import { loadManifests } from '../../../src/manifest/load.ts';
import { deepEqual, type Json, type JsonObject } from '../../../src/model/json.ts';
import type { Snapshot } from '../../../src/model/snapshot.ts';
import { patchOf } from '../../plan/actions.ts';
import { createPlanner } from '../../../src/plan/planner.ts';

const PROFILE = `apiVersion: twinward.dev/v1alpha1
kind: AgentProfile
metadata: {name: acme-guard}
spec: {extends: generic, moduleId: acmeGuard, section: /guard, sensitive: [badge], comparators: [{keys: [every], comparator: duration}]}
`;
const NOW_MS = Date.UTC(2026, 10, 24);
const HUB = { name: 'prod', hostName: 'acme.azure-devices.net', isNew: true, isOneOfSeveral: false };
const LEGACY = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const SNAPSHOT: Snapshot = {
  revision: 'sha256:p',
  files: [{ path: 'profile.yaml', bytes: bytesOf(PROFILE) }],
  partial: false,
};
const DECLARED = loadManifests(SNAPSHOT).declared;

/** An object in which each of these may be missing. */
function some(values: Readonly<Record<string, fc.Arbitrary<Json>>>): fc.Arbitrary<JsonObject> {
  return fc.record(values, { requiredKeys: [] }) as fc.Arbitrary<JsonObject>;
}

const frequency = fc.constantFrom('Low', 'Medium', 'High', 'high', 'Never');
const period = fc.constantFrom('PT15M', 'PT900S', 'PT5H', 'P1D', 'soon');
const wrapped = (value: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc.oneof({ weight: 9, arbitrary: value.map((inner) => ({ value: inner })) }, { weight: 1, arbitrary: value });

const legacy = some({
  eventPriorityLogin: wrapped(frequency),
  highPriorityMessageFrequency: wrapped(period),
  lowPriorityMessageFrequency: wrapped(period),
  hubResourceId: wrapped(fc.constant('/subscriptions/0')),
}).map((section) => ({ [LEGACY]: section }));

const micro = some({
  Process_MessageFrequency: frequency,
  Login_Disabled: fc.oneof(fc.boolean(), fc.constant('yes')),
  NetworkActivity_Devices: fc.constantFrom('eth0,eth1', 'eth1, eth0', ''),
  CollectorsCore_PriorityIntervals: fc.constantFrom('2,120,1440', '120,2,1440', '30,60,1440'),
  appTeam: fc.constant({ token: 's3cret' }),
});

const guard = some({
  every: period,
  mode: fc.oneof(fc.constantFrom<Json>('a', 'b', 1, true), some({ x: fc.integer(), y: fc.constantFrom('p', 'q') })),
  badge: fc.constant('s3cret'),
  password: fc.constant('s3cret'),
}).map((section) => ({ guard: section }));

const module = fc.oneof(
  fc.tuple(fc.constant('azureiotsecurity'), legacy),
  fc.tuple(fc.constant('DefenderIotMicroAgent'), micro),
  fc.tuple(fc.constant('acmeGuard'), guard),
);
const tags = some({
  hw: fc.constantFrom<Json>('atm', 'gate', 1, '1', { model: 'x' }),
  env: fc.constantFrom('prod', 'test'),
});

const fleets = fc.array(fc.tuple(tags, module), { minLength: 1, maxLength: 25 }).map((devices): Fleet => {
  const facts = devices.map(([own], index) => ({
    deviceId: `d${index}`,
    status: 'enabled',
    iotEdge: false,
    tags: own,
  }));
  return {
    devices: new Map(facts.map((device) => [device.deviceId, device])),
    twins: devices.map(([, [moduleId, desired]], index) => ({
      deviceId: `d${index}`,
      moduleId,
      etag: 'AAAAAAAAAAI=',
      properties: { desired, reported: {} },
    })),
  };
});

test('no desired property would change, and no secret is in the files', () => {
  fc.assert(
    fc.property(fleets, fc.subarray(['hw', 'env']), (fleet, groupBy) => {
      if (DECLARED === undefined) throw new Error('the profile is good');
      const source = { snapshot: SNAPSHOT, declared: DECLARED };
      const { files } = adoptFleet(fleet, source, HUB, { groupBy, instance: 'default', nowMs: NOW_MS });
      const text = files.map((file) => file.text).join('');
      expect(text).not.toContain('s3cret');
      for (const mode of ['Observe', 'Enforce'] as const) {
        const given = files.map((file) => ({
          path: file.path,
          bytes: bytesOf(file.text.replaceAll('mode: Observe', `mode: ${mode}`)),
        }));
        const { declared } = loadManifests({ ...SNAPSHOT, files: [...SNAPSHOT.files, ...given] });
        const [hub] = declared?.hubs ?? [];
        if (declared === undefined || hub === undefined) throw new Error('the manifests are good');
        const planner = createPlanner(declared, { hub, hubMode: mode, instance: 'default' });
        for (const twin of fleet.twins) {
          const device = fleet.devices.get(twin.deviceId);
          if (device === undefined) throw new Error('every twin has its device');
          const target = planner.targetFor(device, twin.moduleId);
          const action = planner.plan(target, device, twin, NOW_MS);
          const { observed, type } = action;
          const patch = patchOf(action);
          expect([type === 'Equal' || type === 'Record', observed]).toEqual([true, []]);
          expect(deepEqual(patch?.properties?.desired, undefined)).toBe(true);
        }
      }
    }),
    { numRuns: 60 },
  );
});
