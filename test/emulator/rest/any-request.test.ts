// Any request to any path: an answer in the service's form, never a failure of the hub, and no key where none belongs.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from '../../../src/model/json.ts';
import { FrontDoor } from '../../../src/emulator/front-door.ts';
import { IotHub } from '../../../src/emulator/hub/iot-hub.ts';
import { restApp } from '../../../src/emulator/rest/app.ts';
import { createPolicies } from '../../../src/emulator/rest/policies.ts';
import { createTokenIssuer } from '../../../src/emulator/rest/token-issuer.ts';
import { createSeededRandom } from '../../../src/model/seeded-random.ts';
import type { Log } from '../../../src/ports/log.ts';
import { HOST, sasToken, stoppedClock } from './hub-fixture.ts';

const ISSUER_KEY = { algorithm: 'HS256', key: Buffer.alloc(32, 1).toString('base64') } as const;
/** A key in a client's request, valid and invalid. */
const SENT_KEY = Buffer.alloc(32, 0xa5).toString('base64');
const BAD_KEY = 'bad-key-that-nobody-may-see';

const METHODS = ['GET', 'PUT', 'PATCH', 'POST', 'DELETE', 'HEAD', 'OPTIONS'];
const ID = fc.constantFrom(
  'd',
  'm',
  'new',
  '$edgeAgent',
  '%24edgeAgent',
  'a%2Fb',
  '%zz',
  '%00',
  '..',
  '',
  'x'.repeat(200),
  '\u00e9',
);
const PART = fc.constantFrom(
  ...'devices twins modules configurations jobs v2 query cancel statistics service testQueries digitaltwins methods'.split(
    ' ',
  ),
  'applyConfigurationContent',
  'emulator',
  'counters',
  'settings',
  'faults',
  'actions',
  'tokens',
);
const path = fc.oneof(
  fc.tuple(PART, ID).map(([part, id]) => `/${part}/${id}`),
  ID.map((id) => `/devices/${id}`),
  fc
    .tuple(fc.constantFrom('devices', 'twins'), ID, ID)
    .map(([part, device, module]) => `/${part}/${device}/modules/${module}`),
  fc.constantFrom(
    '/devices',
    '/devices/',
    '/devices/query',
    '/statistics/devices',
    '/configurations/testQueries',
    '/jobs/v2/query',
  ),
  fc.array(fc.oneof(PART, ID), { maxLength: 5 }).map((parts) => `/${parts.join('/')}`),
);

const KEYS = (
  'deviceId moduleId id importMode eTag etag status statusReason authentication symmetricKey primaryKey secondaryKey type ' +
  'x509Thumbprint primaryThumbprint capabilities iotEdge deviceScope parentScopes tags properties desired reported query ' +
  'jobId updateTwin queryCondition startTime content deviceContent modulesContent targetCondition priority metrics queries ' +
  'labels customMetricQueries throttle lag tier units kind fault code on principal roles lifetimeSeconds __proto__ a'
).split(' ');
const VALUES = [
  'd',
  'm',
  'create',
  'updateTwin',
  'Delete',
  'sas',
  'selfSigned',
  'none',
  '*',
  'disabled',
  'S1',
  'scheduleUpdateTwin',
];
const { body } = fc.letrec<{ body: Json }>((tie) => ({
  body: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<Json>(null, true, 0, -1, 1e300, 5, '', ...VALUES),
    fc.constantFrom('SELECT * FROM devices', 'SELECT COUNT() AS n FROM devices', "tags.a = 'x'", 'SELECT'),
    fc.array(tie('body'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('body'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));
const authentication = fc.constantFrom(
  { symmetricKey: { primaryKey: SENT_KEY, secondaryKey: SENT_KEY } },
  { symmetricKey: { primaryKey: BAD_KEY, secondaryKey: SENT_KEY } },
  { type: 'none', symmetricKey: { primaryKey: SENT_KEY } },
);
const text = fc.oneof(
  body.map((value) => JSON.stringify(value)),
  fc.tuple(body, authentication).map(([value, own]) => JSON.stringify({ ...(value as object), authentication: own })),
  fc
    .tuple(body, authentication)
    .map(([value, own]) => JSON.stringify([{ id: 'd', ...(value as object), authentication: own }])),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

const GOOD_VERSION = 'api-version=2021-04-12';
const query = fc.oneof(
  { weight: 9, arbitrary: fc.constant(GOOD_VERSION) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(`${GOOD_VERSION}&top=1`, 'api-version=1', '', `${GOOD_VERSION}&jobType=x&top=-`),
  },
);
const headers = fc.dictionary(
  fc.constantFrom('if-match', 'x-ms-max-item-count', 'x-ms-continuation', 'content-type', 'content-length'),
  fc.constantFrom('*', '"*"', '""', 'W/"x"', '-1', '0', '1', '99999999999', 'x', 'AAAAAAAAAAE=', 'bm9uZQ=='),
  { maxKeys: 2 },
);
const isSigned = fc.nat(9).map((one) => one > 0);
const wild = fc.record({ method: fc.constantFrom(...METHODS), path, text, headers, query, isSigned });
/** Requests that get past the choice of a path. */
const likely = fc.record({
  method: fc.constantFrom('PUT', 'PATCH', 'POST', 'GET', 'DELETE'),
  path: fc.constantFrom(
    '/devices/d',
    '/devices/new',
    '/devices/d/modules/m',
    '/devices/d/modules/n',
    '/twins/d',
    '/twins/d/modules/m',
    '/devices',
    '/devices/query',
    '/configurations/c',
    '/configurations/testQueries',
    '/jobs/v2/j',
    '/devices/d/modules',
    '/emulator/settings',
    '/emulator/faults',
    '/emulator/actions',
    '/emulator/tokens',
  ),
  text,
  headers: fc.constantFrom<Record<string, string>>({}, { 'if-match': '"*"' }),
  query,
  isSigned,
});
const request = fc.oneof(wild, likely);

/** Identities are read and written with their keys; everything else has none to tell. */
const TELLS_KEYS = /^\/devices(\/[^/]*(\/modules(\/[^/]*)?)?)?\/?$/;

/** The result of a bulk call has a form of its own. */
function hasForm(response: Response, answer: string): boolean {
  const parsed: unknown = JSON.parse(answer);
  return response.headers.get('iothub-errorcode') !== null && typeof parsed === 'object' && parsed !== null;
}

test('is answered as the service answers, and tells no key', async () => {
  const complaints: unknown[] = [];
  const note = (...all: unknown[]): void => void complaints.push(all);
  const log: Log = { debug: note, info: note, warn: note, error: note, child: () => log };
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 5, maxLength: 20 }), async (requests) => {
      const clock = stoppedClock();
      const random = createSeededRandom(1);
      const hub = new IotHub({ hostName: HOST, clock, random });
      hub.createDevice('d', { deviceId: 'd' });
      hub.putModule('d', 'm', {}, undefined);
      const policies = createPolicies(random);
      const front = new FrontDoor({ hub, clock, random });
      const app = restApp({ hub, policies, issuer: createTokenIssuer(ISSUER_KEY), front, clock, log });
      const owner = policies.find(({ name }) => name === 'iothubowner');
      const authorization = sasToken({ key: owner?.primaryKey ?? '', skn: 'iothubowner' });
      const own = [{ deviceId: 'd' }, { deviceId: 'd', moduleId: 'm' }].flatMap((ref) => {
        const { primary = '', secondary = '' } = hub.identityKeys(ref) ?? {};
        return [primary, secondary];
      });
      const never = [ISSUER_KEY.key, ...policies.flatMap(({ primaryKey, secondaryKey }) => [primaryKey, secondaryKey])];
      const problems: unknown[] = [];
      for (const { method, path, text: sent, headers, query, isSigned } of requests) {
        const url = new URL(`https://${HOST}${path}?${query}`);
        // As received: clients remove `..` before sending.
        const asked = url.pathname;
        // A configured fault would be answered as configured.
        front.faults.clear();
        front.setThrottle(undefined);
        front.clockSkewMs = 0;
        const hasBody = method !== 'GET' && method !== 'HEAD';
        const response = await app.request(url, {
          method,
          headers: { ...headers, ...(isSigned ? { authorization } : {}) },
          ...(hasBody ? { body: sent } : {}),
        });
        const answer = await response.text();
        const isRefused = response.status >= 400;
        const hidden = isRefused || !TELLS_KEYS.test(asked) ? [...own, SENT_KEY] : [];
        const told = [...never, ...hidden, ...(isRefused ? [BAD_KEY] : [])].filter((secret) => answer.includes(secret));
        const isKnown = response.status < 500 || response.status === 501;
        const isOpen = !isSigned && ![401, 404, 501].includes(response.status);
        const isFormed = !isRefused || method === 'HEAD' || /^\/devices\/?$/.test(asked) || hasForm(response, answer);
        if (isKnown && !isOpen && isFormed && told.length === 0) continue;
        problems.push({ method, asked, query, sent, headers, isSigned, status: response.status, answer });
      }
      expect(problems).toEqual([]);
    }),
    {
      numRuns: 300,
      examples: [
        [[{ method: 'GET', path: '/devices/d/..', text: '', headers: {}, query: GOOD_VERSION, isSigned: true }]],
      ],
    },
  );
  expect(complaints).toEqual([]);
});
