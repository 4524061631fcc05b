// Which calls a rule is for, and how often it strikes.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FaultMatch, FaultRule } from '../../../src/emulator/faults/fault.ts';
import { FaultPlan } from '../../../src/emulator/faults/fault-plan.ts';
import { type Operation, operationOf } from '../../../src/emulator/throttles/operations.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';

function operation(request: string): Operation {
  const [method = '', path = ''] = request.split(' ');
  const found = operationOf(method, path.split('/').slice(1));
  if (found === undefined) throw new Error(`${request} has no class`);
  return found;
}

function plan(...rules: FaultRule[]): FaultPlan {
  const faults = new FaultPlan(createSeededRandom(1));
  faults.set(rules);
  return faults;
}

const RESET = { kind: 'reset' } as const;

const matches: [sentence: string, on: FaultMatch, request: string, want: boolean][] = [
  ['everything by default', {}, 'GET /twins/d', true],
  ['a class', { classes: ['twinReads', 'queries'] }, 'GET /twins/d', true],
  ['another class', { classes: ['twinUpdates'] }, 'GET /twins/d', false],
  ['writes', { isWrite: true }, 'PATCH /twins/d', true],
  ['writes, not reads', { isWrite: true }, 'GET /twins/d', false],
  ['a path', { path: '/twins/d/modules/m' }, 'GET /twins/d/modules/m', true],
  ['the whole path', { path: '/twins/d' }, 'GET /twins/d/modules/m', false],
  ['a path by pattern', { path: '/twins/*/modules/*' }, 'GET /twins/d/modules/m', true],
  ['the start of a path', { path: '/twins/*' }, 'GET /twins/d', true],
  ['the end of a path', { path: '*/m' }, 'GET /twins/d/modules/m', true],
  ['parts that may not overlap', { deviceId: 'ab*ba' }, 'GET /twins/aba', false],
  ['parts that meet', { deviceId: 'ab*ba' }, 'GET /twins/abba', true],
  ['parts in order', { deviceId: '*b*a*' }, 'GET /twins/xbxax', true],
  ['parts in no other order', { deviceId: '*b*a*' }, 'GET /twins/axb', false],
  ['a device', { deviceId: 'd' }, 'GET /devices/d', true],
  ['a device, whatever regular expressions say', { deviceId: 'd.' }, 'GET /devices/dx', false],
  ['a module, where there is one', { moduleId: '*' }, 'GET /twins/d', false],
  ['all that is given together', { classes: ['twinReads'], deviceId: 'e' }, 'GET /twins/d', false],
];

describe('a rule is for', () => {
  test.each(matches)('%s', (_sentence, on, request, want) => {
    expect(plan({ on, fault: RESET }).drawCall(operation(request))).toEqual(want ? [RESET] : []);
  });
});

const often: [sentence: string, rule: Omit<FaultRule, 'fault'>, struck: number[]][] = [
  ['always', {}, [1, 2, 3, 4, 5, 6, 7, 8]],
  ['the first two', { count: 2 }, [1, 2]],
  ['every third', { every: 3 }, [3, 6]],
  ['the fifth alone', { skip: 4, count: 1 }, [5]],
  ['every second after three, twice', { skip: 3, every: 2, count: 2 }, [5, 7]],
  ['never', { probability: 0 }, []],
];

describe('a rule strikes', () => {
  test.each(often)('%s', (_sentence, rule, struck) => {
    const faults = plan({ ...rule, fault: RESET });
    const read = operation('GET /twins/d');
    const calls = [1, 2, 3, 4, 5, 6, 7, 8].filter(() => faults.drawCall(read).length > 0);
    expect(calls).toEqual(struck);
    expect(faults.status()).toMatchObject([{ matched: 8, struck: struck.length }]);
  });

  test('by chance, the same for the same randomness', () => {
    const draw = (): number[] => {
      const faults = plan({ probability: 0.3, fault: RESET });
      return Array.from({ length: 1000 }, (_, n) => n).filter(
        () => faults.drawCall(operation('GET /twins/d')).length > 0,
      );
    };
    const first = draw();
    expect(draw()).toEqual(first);
    expect(first.length).toBeGreaterThan(250);
    expect(first.length).toBeLessThan(350);
  });

  test('no calls that are not its own, which it does not count either', () => {
    const faults = plan({ on: { deviceId: 'd' }, every: 2, fault: RESET });
    const requests = ['GET /twins/d', 'GET /twins/e', 'GET /twins/e', 'GET /twins/d'];
    expect(requests.map((request) => faults.drawCall(operation(request)).length)).toEqual([0, 0, 0, 1]);
  });
});

describe('several rules', () => {
  test('strike one call in their order', () => {
    const late = { kind: 'latency', ms: 5 } as const;
    expect(plan({ fault: late }, { fault: RESET }).drawCall(operation('GET /twins/d'))).toEqual([late, RESET]);
  });

  test('are replaced, added to and cleared', () => {
    const faults = plan({ fault: RESET });
    faults.drawCall(operation('GET /twins/d'));
    faults.set([{ name: 'new', fault: RESET }]);
    faults.add({ name: 'more', fault: RESET });
    expect(faults.status().map(({ rule, matched }) => [rule.name, matched])).toEqual([
      ['new', 0],
      ['more', 0],
    ]);
    faults.clear();
    expect([faults.isEmpty, faults.status()]).toEqual([true, []]);
  });
});

describe('faults of pages', () => {
  test('are drawn for pages alone, by source', () => {
    const empty = { kind: 'emptyPage' } as const;
    const faults = plan({ on: { source: 'modules' }, fault: empty }, { fault: RESET });
    const query = operation('POST /devices/query');
    expect(faults.drawPage(query, 'devices')).toBeUndefined();
    expect(faults.drawPage(query, 'modules')).toEqual(empty);
    expect(faults.drawCall(query)).toEqual([RESET]);
  });
});

test('patterns agree with regular expressions', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 });
  const id = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(text, id, (glob, deviceId) => {
      const struck = plan({ on: { deviceId: glob }, fault: RESET }).drawCall(
        operation(`GET /twins/${deviceId}`),
      ).length;
      expect(struck === 1).toBe(new RegExp(`^${glob.replaceAll('*', '.*')}$`).test(deviceId));
    }),
    { numRuns: 300 },
  );
});
