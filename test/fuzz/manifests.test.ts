// For any bytes, manifests load to the same resources and problems each time, quickly, and loaded ones can be planned.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { loadedAt } from '../../src/manifest/expiry.ts';
import { loadManifests, type Loaded } from '../../src/manifest/load.ts';
import { CODES } from '../../src/model/codes.ts';
import type { Declared } from '../../src/model/declared.ts';
import { hasErrors } from '../../src/model/diagnostic.ts';
import { activeAt } from '../../src/model/expiry.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { SourceFile } from '../../src/model/snapshot.ts';
import type { DeviceFacts, Twin } from '../../src/model/twin.ts';
import { actionDocument } from '../../src/plan/report/document.ts';
import { explainTwin } from '../../src/plan/explain/explain.ts';
import { createPlanner } from '../../src/plan/planner.ts';
import { encode, manifestBytes, strangeSettings, TEXTS } from './arbitrary-manifests.ts';
import { fuzz } from './runs.ts';

/** Generous: a file of these sizes loads within milliseconds, and a machine may be busy. */
const LOAD_MS_MAX = 5_000;
const NOW_MS = Date.UTC(2026, 10, 23, 17, 40);

const files: fc.Arbitrary<SourceFile[]> = fc
  .array(manifestBytes, { minLength: 1, maxLength: 2 })
  .map((all) => asFiles(...all));

function asFiles(...all: readonly Uint8Array[]): SourceFile[] {
  return all.map((bytes, index) => ({ path: `manifests/${index}.yaml`, bytes }));
}

function load(given: readonly SourceFile[]): Loaded {
  return loadedAt(loadManifests({ revision: 'sha256:0', files: given, partial: false }), NOW_MS);
}

/** Places are lines of the file that is named last: `base/gate.yaml via manifests/0.yaml`. */
function expectPlace(
  { file, line, column }: { file: string; line: number; column: number },
  given: SourceFile[],
): void {
  const found = given.find(({ path }) => file === path || file.endsWith(` via ${path}`));
  expect(found, file).toBeDefined();
  const lines = new TextDecoder().decode(found?.bytes).split('\n').length;
  expect(Number.isInteger(line) && line >= 1 && line <= lines + 1, `line ${line} of ${lines}`).toBe(true);
  expect(Number.isInteger(column) && column >= 1, `column ${column}`).toBe(true);
}

const DEVICES: readonly DeviceFacts[] = [
  { env: 'prod', hw: 'atm', site: 'porto', ring: '1' },
  { env: 'lab', bench: 'true' },
  {},
].map((tags, index) => ({ deviceId: `d${index}`, status: 'enabled', iotEdge: index === 1, tags }));

function twinOf(deviceId: string, moduleId: string): Twin {
  const desired: JsonObject = {
    Process_MessageFrequency: 'Low',
    guard: { scanInterval: 'PT1H', theirs: 1 },
    'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': { eventPriorityLogin: { value: 'Low' } },
    a: { b: 'Low' },
    constructor: 'text',
    $version: 1,
  };
  return { deviceId, moduleId, etag: 'AAAAAAAAAAE=', properties: { desired, reported: { $version: 1 } } };
}

/** Everything that `plan`, `why` and the controller do with it. */
function planAll(declared: Declared): string[] {
  return declared.hubs.flatMap((hub) => {
    const planner = createPlanner(declared, { hub, hubMode: 'Enforce', instance: 'default' }).forFleet(DEVICES);
    return DEVICES.flatMap((device) =>
      [...planner.moduleIds, 'other'].flatMap((moduleId) => {
        const target = planner.targetFor(device, moduleId);
        return [undefined, twinOf(device.deviceId, moduleId)].map((live) => {
          const decision = planner.decide(target, device, live, NOW_MS);
          const { action } = decision;
          explainTwin({ hubName: hub.name, decision, key: 'a' });
          return JSON.stringify(actionDocument({ hub: hub.name, profiles: declared.profiles }, action, live));
        });
      }),
    );
  });
}

function told({ declared, ...rest }: Loaded): unknown {
  return {
    ...rest,
    exceptionProblems: undefined,
    supportProblems: undefined,
    digests: declared?.configurations.map(({ digest, origin }) => ({ digest, origin })),
  };
}

describe('manifests', () => {
  const examples: [SourceFile[]][] = TEXTS.map((text) => [[{ path: 'manifests/0.yaml', bytes: encode(text) }]]);

  test('load soon and without throwing, and every problem has a code and a place', () => {
    fc.assert(
      fc.property(files, (given) => {
        const startedAt = performance.now();
        const { declared, diagnostics, resources } = load(given);
        expect(performance.now() - startedAt).toBeLessThan(LOAD_MS_MAX);
        expect(declared === undefined).toBe(hasErrors(diagnostics));
        for (const problem of diagnostics) {
          expect(Object.keys(CODES)).toContain(problem.code);
          expect(problem.message).not.toBe('');
          expectPlace(problem, given);
        }
        for (const { origin } of resources) expectPlace(origin, given);
      }),
      fuzz(200, examples),
    );
  });

  test('load the same each time', () => {
    fc.assert(
      fc.property(files, (given) => {
        expect(told(load(given))).toEqual(told(load(given)));
      }),
      fuzz(100, examples),
    );
  });

  test('that load can be planned, at any time', () => {
    let planned = 0;
    const bytes = fc.oneof({ weight: 3, arbitrary: strangeSettings }, { weight: 1, arbitrary: manifestBytes });
    fc.assert(
      fc.property(bytes.map(asFiles), (given) => {
        const { declared } = load(given);
        if (declared === undefined) return;
        planned += 1;
        for (const atMs of [NOW_MS, NOW_MS + 400 * 86_400_000]) {
          const now = activeAt(declared, atMs);
          expect(planAll(now)).toEqual(planAll(now));
        }
      }),
      fuzz(200, examples),
    );
    expect(planned).toBeGreaterThan(TEXTS.length);
  });
});
