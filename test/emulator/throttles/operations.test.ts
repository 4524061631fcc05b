// Which class a request is of, and what a 429 calls it.
import { describe, expect, test } from 'vitest';
import { operationOf, type OperationClass, typeOf } from '../../../src/emulator/throttles/operations.ts';

const rows: [request: string, operations: OperationClass | undefined, type: string, isWrite: boolean][] = [
  ['GET /devices', 'identities', 'RegistryRead', false],
  ['GET /devices/', 'identities', 'RegistryRead', false],
  ['POST /devices', 'identities', 'RegistryWrite', true],
  ['GET /devices/d', 'identities', 'RegistryRead', false],
  ['PUT /devices/d', 'identities', 'RegistryWrite', true],
  ['DELETE /devices/d', 'identities', 'RegistryWrite', true],
  ['GET /devices/query', 'identities', 'RegistryRead', false],
  ['POST /devices/query', 'queries', 'Query', false],
  ['GET /devices/d/modules', 'identities', 'RegistryRead', false],
  ['PUT /devices/d/modules/m', 'identities', 'RegistryWrite', true],
  ['POST /devices/d/applyConfigurationContent', 'configurations', 'ConfigurationWrite', true],
  ['GET /twins/d', 'twinReads', 'TwinRead', false],
  ['GET /twins/d/modules/m', 'twinReads', 'TwinRead', false],
  ['PATCH /twins/d', 'twinUpdates', 'TwinUpdate', true],
  ['PUT /twins/d/modules/m', 'twinUpdates', 'TwinUpdate', true],
  ['GET /configurations', 'configurations', 'ConfigurationRead', false],
  ['PUT /configurations/c', 'configurations', 'ConfigurationWrite', true],
  ['POST /configurations/testQueries', 'configurations', 'ConfigurationWrite', true],
  ['GET /jobs/v2/query', 'jobs', 'JobRead', false],
  ['PUT /jobs/v2/j', 'jobs', 'JobWrite', true],
  ['GET /statistics/devices', 'statistics', 'Statistics', false],
  ['POST /twins/d/methods', undefined, '', false],
  ['POST /twins/d/modules/m/methods', undefined, '', false],
  ['GET /emulator/counters', undefined, '', false],
  ['GET /', undefined, '', false],
];

describe('requests', () => {
  test.each(rows)('%s is of class %s', (request, operations, type, isWrite) => {
    const [method = '', path = ''] = request.split(' ');
    const operation = operationOf(method, path.split('/').slice(1));
    expect(operation?.class).toBe(operations);
    expect([operation === undefined ? '' : typeOf(operation), operation?.isWrite ?? false]).toEqual([type, isWrite]);
  });

  test('name their device and module', () => {
    expect(operationOf('GET', ['twins', 'd', 'modules', 'm'])).toMatchObject({ deviceId: 'd', moduleId: 'm' });
    expect(operationOf('GET', ['devices', 'd'])).toMatchObject({ deviceId: 'd', moduleId: undefined });
  });

  test('only a bulk has entries that count', () => {
    expect(operationOf('POST', ['devices', ''])?.isBulk).toBe(true);
    expect(operationOf('GET', ['devices'])?.isBulk).toBe(false);
    expect(operationOf('PUT', ['devices', 'd'])?.isBulk).toBeUndefined();
  });
});
