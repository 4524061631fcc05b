// Every failure of docs/reasons.md comes about, and no other: what the controller says of a twin that it could not write.
import { expect, test } from 'vitest';
import type { Failure } from '../../src/controller/twins/twin-state.ts';
import { HubError, type HubErrorCode } from '../../src/model/errors.ts';
import type { Hub } from '../../src/ports/hub.ts';
import { readPage, tableIn } from '../docs/markdown.ts';
import { createFleet, manifests, PROD, startOn, type Fleet } from './fixture.ts';

const refusing = (code: HubErrorCode) => (): Partial<Hub> => ({
  patchModuleTwin: () => Promise.reject(new HubError(code, 'no')),
});

/** A call that is aborted was nobody's failure. */
const HUBS: Readonly<Record<Exclude<Failure, 'Aborted'>, (fleet: Fleet) => Partial<Hub>>> = {
  Throttled: refusing('Throttled'),
  QuotaExceeded: refusing('QuotaExceeded'),
  Unavailable: refusing('Unavailable'),
  Timeout: refusing('Timeout'),
  PreconditionFailed: refusing('PreconditionFailed'),
  NotFound: refusing('NotFound'),
  AlreadyExists: ({ iot }) => {
    iot.deleteModule('d1', 'acmeGuard', '*');
    return { createModule: () => Promise.reject(new HubError('AlreadyExists', 'there is one')) };
  },
  Malformed: refusing('Malformed'),
  Unauthorized: refusing('Unauthorized'),
  Invalid: refusing('Invalid'),
  TooLarge: refusing('TooLarge'),
  UnexpectedAnswer: ({ hub }) => ({ patchModuleTwin: (ref, _patch, _etag, signal) => hub.getModuleTwin(ref, signal) }),
  Bug: () => ({ patchModuleTwin: () => Promise.reject(new TypeError('what?')) }),
};

const TOLD = tableIn(readPage('docs/reasons.md'), 'Failures');

test.each(TOLD)('%s: %s', async (failure = '', when = '', what = '') => {
  const fleet = createFleet(1);
  const hub = { ...fleet.hub, ...HUBS[failure as keyof typeof HUBS](fleet) };
  const text = manifests({ base: `${PROD}, module: {whenMissing: Create}, settings: {usb: block}` });
  const { controller, status } = await startOn(fleet, text, { hub });
  expect(status().offenders).toMatchObject([{ deviceId: 'd1', reason: failure }]);
  expect(status().conditions[0]).toMatchObject({ type: 'Ready', status: 'False', reason: 'TwinsFailing' });
  expect(`${when}\n${what}`).toMatch(/^.+\.\n.+\.$/);
  await controller.stop();
});

test('each has a row here, and no other has', () => {
  expect(Object.keys(HUBS)).toEqual(TOLD.map(([failure]) => failure));
});
