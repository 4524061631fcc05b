// The hub port over HTTPS against a peer that is wrong, slow, gone or another server: closed codes, and no leaks.
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { getEventListeners, once } from 'node:events';
import { createServer as createTlsServer } from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectIotHub, type IotHubOptions } from '../../src/adapters/iot-hub.ts';
import { systemClock } from '../../src/adapters/system-clock.ts';
import { createAuthority, issueServerCertificate } from '../../src/emulator/rest/certificates.ts';
import { HubError, type HubErrorCode } from '../../src/model/errors.ts';
import type { Hub, UnreadableRow } from '../../src/ports/hub.ts';
import { createTestClock } from '../support/test-clock.ts';
import { RAW_HOST, startRawServer, type RawServer, type Respond } from './raw-server.ts';

const KEY = Buffer.from('a key that must not be in any message').toString('base64');
const CONNECTION_STRING = `HostName=${RAW_HOST};SharedAccessKeyName=iothubowner;SharedAccessKey=${KEY}`;
const REF = { deviceId: 'd', moduleId: 'm' };
const ETAG = 'AAAAAAAAAAE=';
const TWIN = { deviceId: 'd', moduleId: 'm', etag: ETAG, properties: { desired: {}, reported: {} } };
const { signal } = new AbortController();

let server: RawServer;
const hubs: Hub[] = [];

beforeAll(async () => {
  server = await startRawServer();
});
afterEach(() => {
  for (const hub of hubs.splice(0)) hub.close();
});
afterAll(() => server.close());

function connect(options: Partial<IotHubOptions> = {}): Hub {
  const hub = connectIotHub({
    hostName: RAW_HOST,
    endpoint: server.endpoint,
    ca: server.ca,
    credential: { type: 'ConnectionString', connectionString: CONNECTION_STRING },
    timeoutMs: 20_000,
    concurrency: 4,
    clock: systemClock,
    ...options,
  });
  hubs.push(hub);
  return hub;
}

async function failure(run: Promise<unknown>): Promise<HubError> {
  const error: unknown = await run.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HubError)) throw new Error('did not fail with a HubError', { cause: error });
  expect(error.message).not.toContain(KEY);
  expect(error.message).not.toMatch(/sig=[^*]/);
  return error;
}

async function listAll<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const page of pages) all.push(...page);
  return all;
}

function json(body: unknown, status = 200, headers: Record<string, string> = {}): Respond {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  };
}

const html: Respond = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end('<html>Sign in to the guest network</html>');
};

const hang: Respond = () => {};

const CALLS: readonly (readonly [name: string, call: (hub: Hub) => Promise<unknown>])[] = [
  ['getDeviceTwin', (hub) => hub.getDeviceTwin('d', signal)],
  ['getModuleTwin', (hub) => hub.getModuleTwin(REF, signal)],
  ['patchModuleTwin', (hub) => hub.patchModuleTwin(REF, { tags: { a: 1 } }, ETAG, signal)],
  ['createModule', (hub) => hub.createModule(REF, signal)],
  ['listDevices', (hub) => listAll(hub.listDevices(signal))],
  ['listModuleTwins', (hub) => listAll(hub.listModuleTwins(['m'], signal))],
  ['getModule', (hub) => hub.getModule(REF, signal)],
  ['listModuleIds', (hub) => hub.listModuleIds('d', signal)],
  ['listConfigurations', (hub) => hub.listConfigurations(signal)],
  ['countDevices', (hub) => hub.countDevices(signal)],
];

describe('a success that is none is Malformed', () => {
  const bodies: readonly (readonly [sentence: string, respond: Respond])[] = [
    ['an empty body', json('')],
    ['a page of HTML', html],
    ['JSON that calls itself text', (response) => response.end(JSON.stringify(TWIN))],
    ['204 and nothing', (response) => response.writeHead(204).end()],
    ['null', json('null')],
    ['a text', json('"ok"')],
    ['a number', json('7')],
    ['an empty object', json({})],
    ['JSON that breaks off', json('{"deviceId":"d","etag":"AAAAAAAAAAE=","properties":{"desi')],
    ['an array of something else', json([1])],
    ['an object with another shape', json({ deviceId: 'd', moduleId: 7, etag: 1, properties: [] })],
    ['a redirect', json('', 302, { location: 'https://127.0.0.1:1/' })],
    ['a permanent redirect', json('', 308, { location: 'https://127.0.0.1:1/' })],
    ['not modified', (response) => response.writeHead(304).end()],
  ];
  const rows = bodies.flatMap(([sentence, respond]) =>
    CALLS.map(([name, call]) => [sentence, name, respond, call] as const),
  );
  test.each(rows)('%s for %s', async (_sentence, _name, respond, call) => {
    server.answer(respond);
    expect((await failure(call(connect()))).code).toBe('Malformed');
  });

  const others: readonly (readonly [sentence: string, respond: Respond, call: (hub: Hub) => Promise<unknown>])[] = [
    ['the twin of another device', json({ ...TWIN, deviceId: 'e' }), (hub) => hub.getModuleTwin(REF, signal)],
    ['the twin of another module', json({ ...TWIN, moduleId: 'n' }), (hub) => hub.getModuleTwin(REF, signal)],
    [
      'the twin of the device for a module',
      json({ ...TWIN, moduleId: undefined }),
      (hub) => hub.getModuleTwin(REF, signal),
    ],
    ['the twin of a module for a device', json(TWIN), (hub) => hub.getDeviceTwin('d', signal)],
    ['another twin for a patch', json({ ...TWIN, deviceId: 'e' }), (hub) => hub.patchModuleTwin(REF, {}, ETAG, signal)],
    ['another module for a creation', json({ deviceId: 'd', moduleId: 'n' }), (hub) => hub.createModule(REF, signal)],
    [
      'one bad row among devices',
      json([{ deviceId: 'd', tags: {} }, { tags: {} }]),
      (hub) => listAll(hub.listDevices(signal)),
    ],
    ['tags that are none', json([{ deviceId: 'd', tags: ['x'] }]), (hub) => listAll(hub.listDevices(signal))],
    [
      'one bad row among twins',
      json([TWIN, { ...TWIN, etag: null }]),
      (hub) => listAll(hub.listModuleTwins([], signal)),
    ],
    [
      'a page that names itself as the next',
      json([], 200, { 'x-ms-continuation': 'again' }),
      (hub) => listAll(hub.listDevices(signal)),
    ],
    [
      'the identity of another module',
      json({ deviceId: 'd', moduleId: 'n', generationId: '1' }),
      (hub) => hub.getModule(REF, signal),
    ],
    [
      'the modules of another device',
      json([{ deviceId: 'e', moduleId: 'm' }]),
      (hub) => hub.listModuleIds('d', signal),
    ],
    ['a configuration without an id', json([{ priority: 1 }]), (hub) => hub.listConfigurations(signal)],
    ['a count that is a text', json({ totalDeviceCount: '7' }), (hub) => hub.countDevices(signal)],
  ];
  test.each(others)('%s', async (_sentence, respond, call) => {
    server.answer(respond);
    expect((await failure(call(connect()))).code).toBe('Malformed');
  });

  test('an answer without an end, which is cut off', async () => {
    server.answer((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      const chunk = `[${'"x",'.repeat(256 * 1024)}`;
      const more = (): void => {
        while (response.write(chunk));
        response.once('drain', more);
      };
      more();
      response.on('close', () => response.removeListener('drain', more));
    });
    const error = await failure(listAll(connect().listDevices(signal)));
    expect([error.code, error.message]).toEqual(['Malformed', expect.stringContaining('larger than')]);
  });
});

test('a row may lack what its device lacks, or have null there', async () => {
  server.answer(json([{ deviceId: 'a' }, { deviceId: 'b', status: null, tags: null, capabilities: null }]));
  const rest = { status: 'enabled', iotEdge: false, tags: {} };
  expect(await listAll(connect().listDevices(signal))).toEqual([
    { deviceId: 'a', ...rest },
    { deviceId: 'b', ...rest },
  ]);
});

test('rows that can not be read are told, with the ids that they have, and the others are listed', async () => {
  const hub = connect();
  const told: UnreadableRow[] = [];
  const onUnreadable = (row: UnreadableRow): void => void told.push(row);
  const good = { deviceId: 'a' };
  const bad = [
    null,
    [],
    'b',
    { deviceId: 7 },
    { deviceId: 'c/d' },
    { deviceId: '\ud800' },
    { deviceId: 'e', tags: [] },
  ];
  server.answer(json([good, ...bad]));
  const rows = await listAll(hub.listDevices(signal, { onUnreadable }));
  expect(rows.map(({ deviceId }) => deviceId)).toEqual(['a']);
  expect(told.splice(0).map(({ deviceId }) => deviceId)).toEqual([...Array.from({ length: 6 }), 'e']);
  server.answer(json([TWIN, { ...TWIN, tags: [] }, { ...TWIN, moduleId: undefined }]));
  expect(await listAll(hub.listModuleTwins(['m'], signal, { onUnreadable }))).toEqual([TWIN]);
  expect(told).toEqual([REF, { deviceId: 'd', moduleId: undefined }]);
});

test('an id that no path can hold fails like any other', async () => {
  server.answer(json('', 404));
  expect((await failure(connect().getDeviceTwin('\ud800', signal))).code).toBe('Unavailable');
});

test('a list asks for the next page as long as one is named, with the same query', async () => {
  const asked: unknown[] = [];
  server.answer((response, request, body) => {
    const { query } = JSON.parse(body) as { query: string };
    const token = request.headers['x-ms-continuation'];
    asked.push([query, token, request.headers['x-ms-max-item-count']]);
    const next = { undefined: 'p2', p2: 'p3' }[String(token)];
    // Empty pages in the middle are legal.
    json(
      token === 'p2' ? [] : [{ deviceId: `d-${String(token)}` }],
      200,
      next === undefined ? {} : { 'x-ms-continuation': next },
    )(response, request, body);
  });
  const rows = await listAll(connect().listDevices(signal));
  expect(rows.map(({ deviceId }) => deviceId)).toEqual(['d-undefined', 'd-p3']);
  const query = 'SELECT deviceId, status, tags, capabilities FROM devices';
  expect(asked).toEqual([
    [query, undefined, '100'],
    [query, 'p2', '100'],
    [query, 'p3', '100'],
  ]);
});

test('text is decoded whole, wherever the network cuts it', async () => {
  const bytes = Buffer.from(JSON.stringify({ ...TWIN, tags: { a: 'é日🔐' } }));
  server.answer((response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    const next = (at: number): void => {
      if (at === bytes.length) response.end();
      else response.write(bytes.subarray(at, at + 1), () => next(at + 1));
    };
    next(0);
  });
  expect((await connect().getModuleTwin(REF, signal)).tags).toEqual({ a: 'é日🔐' });
});

test('a redirect is not followed: the credential stays with its hub', async () => {
  const other = await startRawServer();
  other.answer(json(TWIN));
  server.answer(json('', 307, { location: `${other.endpoint}/twins/d/modules/m?api-version=2021-04-12` }));
  expect((await failure(connect().getModuleTwin(REF, signal))).code).toBe('Malformed');
  expect(other.requests).toEqual([]);
  await other.close();
});

describe('a connection that fails is Unavailable', () => {
  const breaks: readonly (readonly [sentence: string, respond: Respond])[] = [
    ['cut before the answer', (response) => response.destroy()],
    [
      'cut after the headers',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.flushHeaders();
        response.destroy();
      },
    ],
    [
      'cut within the body',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"deviceId":"d",', () => response.destroy());
      },
    ],
    [
      'cut within the body of a refusal',
      (response) => {
        response.writeHead(412, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"Message":', () => response.destroy());
      },
    ],
  ];
  const rows = breaks.flatMap(([sentence, respond]) =>
    CALLS.map(([name, call]) => [sentence, name, respond, call] as const),
  );
  test.each(rows)('%s, in %s', async (_sentence, _name, respond, call) => {
    server.answer(respond);
    expect((await failure(call(connect()))).code).toBe('Unavailable');
  });

  test('refused', async () => {
    const closed = await startRawServer();
    await closed.close();
    const error = await failure(connect({ endpoint: closed.endpoint, ca: closed.ca }).getModuleTwin(REF, signal));
    expect([error.code, error.message]).toEqual(['Unavailable', expect.stringContaining('no server listens')]);
  });

  test('no TLS on the other side', async () => {
    const plain = createTcpServer((socket) => {
      socket.on('error', () => {});
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
    }).listen(0, '127.0.0.1');
    await once(plain, 'listening');
    const endpoint = `https://127.0.0.1:${(plain.address() as AddressInfo).port}`;
    expect((await failure(connect({ endpoint }).getModuleTwin(REF, signal))).code).toBe('Unavailable');
    plain.close();
  });

  test('the next call works again', async () => {
    const hub = connect({ concurrency: 1 });
    server.answer((response) => response.destroy());
    await failure(hub.getModuleTwin(REF, signal));
    server.answer(json(TWIN));
    expect(await hub.getModuleTwin(REF, signal)).toEqual(TWIN);
  });
});

describe('what is no HTTP', () => {
  const rows: readonly (readonly [sentence: string, text: string, code: HubErrorCode])[] = [
    ['is Malformed', 'SSH-2.0-OpenSSH_9.9\r\n', 'Malformed'],
    [
      'is Malformed where it asks for another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n',
      'Malformed',
    ],
    [
      'is Malformed where a chunk has no length',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: application/json\r\n\r\nzz\r\n',
      'Malformed',
    ],
    ['is Unavailable where nothing comes', '', 'Unavailable'],
  ];
  test.each(rows)('%s: %j', async (_sentence, text, code) => {
    const {
      certificate: cert,
      key,
      authority: ca,
    } = await issueServerCertificate(await createAuthority(systemClock), RAW_HOST, systemClock);
    const raw = createTlsServer({ cert, key }, (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => socket.end(text));
    }).listen(0, '127.0.0.1');
    await once(raw, 'listening');
    const endpoint = `https://127.0.0.1:${(raw.address() as AddressInfo).port}`;
    expect((await failure(connect({ endpoint, ca }).getModuleTwin(REF, signal))).code).toBe(code);
    raw.close();
  });
});

describe('who the other side is, is checked', () => {
  test('by the authority', async () => {
    const other = await createAuthority(systemClock);
    server.answer(json(TWIN));
    const before = server.requests.length;
    const trusted = { ca: other.certificate, caFile: 'other.pem' };
    const { code, message, hint } = await failure(connect(trusted).getModuleTwin(REF, signal));
    expect([code, message, hint]).toEqual([
      'Unavailable',
      expect.stringContaining('its certificate is not signed by the authority in other.pem ('),
      expect.stringContaining('TWINWARD_HUB_CA=FILE'),
    ]);
    expect(server.requests).toHaveLength(before);
  });

  test('by the name of the hub, not by that of the endpoint', async () => {
    const other = await startRawServer('other.azure-devices.net');
    other.answer(json(TWIN));
    const error = await failure(connect({ endpoint: other.endpoint, ca: other.ca }).getModuleTwin(REF, signal));
    expect([error.code, error.message]).toEqual(['Unavailable', expect.stringContaining('another host name')]);
    expect(other.requests).toEqual([]);
    await other.close();
  });
});

describe('the time limit', () => {
  const rows: readonly (readonly [sentence: string, respond: Respond])[] = [
    ['that nobody answers', hang],
    [
      'whose answer stops midway',
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"deviceId":');
      },
    ],
    [
      'whose refusal stops midway',
      (response) => {
        response.writeHead(503);
        response.write('{');
      },
    ],
  ];
  test.each(rows)('ends a call %s', async (_sentence, respond) => {
    const clock = createTestClock();
    server.answer(respond);
    const arrived = server.nextRequest();
    const run = failure(connect({ clock, timeoutMs: 30_000 }).getModuleTwin(REF, signal));
    await arrived;
    await clock.advance(29_999);
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    const error = await run;
    expect([error.code, error.message]).toEqual([
      'Timeout',
      `Could not read the twin of d/m: ${RAW_HOST} did not answer within 30 s.`,
    ]);
    await server.allClosed();
  });

  test('counts the wait for a free connection', async () => {
    const clock = createTestClock();
    server.answer(hang);
    const arrived = server.nextRequest();
    const hub = connect({ clock, timeoutMs: 30_000, concurrency: 1 });
    const runs = [1, 2, 3].map(() => failure(hub.getModuleTwin(REF, signal)));
    await arrived;
    await clock.advance(30_000);
    expect((await Promise.all(runs)).map(({ code }) => code)).toEqual(['Timeout', 'Timeout', 'Timeout']);
    server.answer(json(TWIN));
    expect(await hub.getModuleTwin(REF, signal)).toEqual(TWIN);
  });

  test('leaves no timer behind a call that ended', async () => {
    const clock = createTestClock();
    const hub = connect({ clock });
    server.answer(json(TWIN));
    await hub.getModuleTwin(REF, signal);
    server.answer(json('', 503));
    await failure(hub.getModuleTwin(REF, signal));
    await failure(hub.getModuleTwin(REF, AbortSignal.abort()));
    expect(clock.pending).toBe(0);
  });
});

describe('a signal that fires', () => {
  test('during a call ends it at once, and its connection', async () => {
    const abort = new AbortController();
    server.answer(hang);
    const arrived = server.nextRequest();
    const run = failure(connect().patchModuleTwin(REF, { tags: {} }, ETAG, abort.signal));
    await arrived;
    abort.abort();
    expect((await run).code).toBe('Aborted');
    await server.allClosed();
  });

  test('while the call waits for a free connection keeps it from being sent', async () => {
    const abort = new AbortController();
    const hub = connect({ concurrency: 1 });
    let release = (): void => {};
    server.answer((response, request, body) => {
      release = () => json(TWIN)(response, request, body);
    });
    const arrived = server.nextRequest();
    const first = hub.getModuleTwin(REF, signal);
    await arrived;
    const before = server.requests.length;
    const second = failure(hub.patchModuleTwin(REF, { tags: {} }, ETAG, abort.signal));
    abort.abort();
    expect((await second).code).toBe('Aborted');
    release();
    server.answer(json(TWIN));
    expect([await first, await hub.getModuleTwin(REF, signal)]).toEqual([TWIN, TWIN]);
    expect(server.requests.slice(before).map(({ method }) => method)).toEqual(['GET']);
  });

  test('leaves no listeners on itself', async () => {
    const abort = new AbortController();
    const hub = connect();
    server.answer(json(TWIN));
    await Promise.all(Array.from({ length: 20 }, () => hub.getModuleTwin(REF, abort.signal)));
    expect(getEventListeners(abort.signal, 'abort')).toEqual([]);
  });
});

describe('connections', () => {
  test('are no more than allowed, are used again, and go with the hub', async () => {
    await server.allClosed();
    const most = createCounter();
    server.answer((response, request, body) => {
      most.see(server.connections.open);
      json(TWIN)(response, request, body);
    });
    const hub = connect({ concurrency: 3 });
    await Promise.all(Array.from({ length: 30 }, () => hub.getModuleTwin(REF, signal)));
    await hub.getModuleTwin(REF, signal);
    expect(most.value).toBeGreaterThan(0);
    expect(most.value).toBeLessThanOrEqual(3);
    hub.close();
    hub.close();
    await server.allClosed();
  });
});

describe('a request', () => {
  test('names its hub, is signed for it, quotes the etag and sends the patch as it is', async () => {
    const patch = { tags: { a: null, é: '日' }, properties: { desired: { b: { c: [1] } } } };
    let sent: unknown;
    server.answer((response, request, body) => {
      sent = JSON.parse(body);
      json(TWIN)(response, request, body);
    });
    await connect().patchModuleTwin(REF, patch, ETAG, signal);
    const { method, url, headers } = server.requests.at(-1) ?? { headers: {} };
    expect([method, url, headers['if-match']]).toEqual([
      'PATCH',
      '/twins/d/modules/m?api-version=2021-04-12',
      `"${ETAG}"`,
    ]);
    expect(headers.host).toBe(RAW_HOST);
    expect(headers.authorization).toMatch(
      /^SharedAccessSignature sr=acme-raw\.azure-devices\.net&sig=[^&]+&skn=iothubowner&se=\d+$/,
    );
    expect(sent).toEqual(patch);
  });

  test('with an etag that no header can hold is refused', async () => {
    server.answer(json(TWIN));
    const error = await failure(connect().patchModuleTwin(REF, {}, 'a"\r\nx: y', signal));
    expect(error.code).toBe('Invalid');
  });
});

describe('credentials', () => {
  const token = (text: string): TokenCredential => ({
    getToken: async () => ({ token: text, expiresOnTimestamp: systemClock.now() + 3_600_000 }),
  });

  test('a token is sent as a bearer, and asked for the hubs’ own scope', async () => {
    server.answer(json(TWIN));
    const scopes: unknown[] = [];
    const credential: TokenCredential = {
      getToken: async (scope) => {
        scopes.push(scope);
        return token('abc').getToken(scope);
      },
    };
    const hub = connect({ credential: { type: 'Entra', credential } });
    await hub.getModuleTwin(REF, signal);
    await hub.getModuleTwin(REF, signal);
    expect(server.requests.at(-1)?.headers.authorization).toBe('Bearer abc');
    expect(scopes).toEqual(['https://iothubs.azure.net/.default']);
  });

  const named = (name: string, statusCode?: number): Error =>
    Object.assign(new Error('sig=hidden'), { name, statusCode });
  const refused: readonly (readonly [sentence: string, error: Error, code: HubErrorCode])[] = [
    ['nothing is signed in', named('CredentialUnavailableError'), 'Unauthorized'],
    ['none of several works', named('AggregateAuthenticationError'), 'Unauthorized'],
    ['the sign-in is refused', named('AuthenticationError', 401), 'Unauthorized'],
    ['the sign-in is out of order', named('AuthenticationError', 503), 'Unavailable'],
    ['the network to it fails', Object.assign(new Error('x'), { code: 'ECONNRESET' }), 'Unavailable'],
  ];
  test.each(refused)('no token where %s', async (_sentence, error, code) => {
    const credential: TokenCredential = {
      getToken: () => Promise.reject(error),
    };
    const failed = await failure(connect({ credential: { type: 'Entra', credential } }).getModuleTwin(REF, signal));
    expect([failed.code, failed.message]).toEqual([
      code,
      expect.stringMatching(/could not get a token|connection was cut/),
    ]);
    expect(failed.message).not.toContain('hidden');
  });

  test('no token at all', async () => {
    const credential: TokenCredential = { getToken: async () => null };
    const failed = await failure(connect({ credential: { type: 'Entra', credential } }).getModuleTwin(REF, signal));
    expect(failed).toBeInstanceOf(HubError);
  });

  test('a token that never comes is a Timeout, and nothing is sent when it comes after all', async () => {
    const clock = createTestClock();
    const { promise, resolve } = Promise.withResolvers<{ token: string; expiresOnTimestamp: number }>();
    const credential: TokenCredential = { getToken: () => promise };
    const before = server.requests.length;
    const hub = connect({ clock, credential: { type: 'Entra', credential } });
    const run = failure(hub.patchModuleTwin(REF, { tags: {} }, ETAG, signal));
    while (clock.pending === 0) await clock.flush();
    await clock.advance(20_000);
    expect((await run).code).toBe('Timeout');
    server.answer(json(TWIN));
    resolve({ token: 'late', expiresOnTimestamp: systemClock.now() + 3_600_000 });
    await hub.getModuleTwin(REF, signal);
    expect(server.requests.slice(before).map(({ method }) => method)).toEqual(['GET']);
  });

  const broken = ['', 'HostName=x', `HostName=${RAW_HOST};SharedAccessKey=${KEY}`, `SharedAccessKey=${KEY};nonsense`];
  test.each(broken)('a connection string that can not be used is refused, each time: %#', async (connectionString) => {
    const hub = connect({ credential: { type: 'ConnectionString', connectionString } });
    for (const [, call] of CALLS) expect((await failure(call(hub))).code).toBe('Unauthorized');
  });
});

test('twins and pages of queries cost messages by 4 KB, the registry costs none', async () => {
  const hub = connect();
  const costOf = async (body: unknown, run: () => Promise<unknown>): Promise<number> => {
    const before = hub.messagesSpent();
    server.answer(json(body));
    await run();
    return hub.messagesSpent() - before;
  };
  const large = { ...TWIN, tags: { text: 'x'.repeat(9_000) } };
  expect(await costOf(TWIN, () => hub.getModuleTwin(REF, signal))).toBe(1);
  expect(await costOf(large, () => hub.getModuleTwin(REF, signal))).toBe(3);
  expect(await costOf([], () => listAll(hub.listDevices(signal)))).toBe(1);
  expect(await costOf({ totalDeviceCount: 7 }, () => hub.countDevices(signal))).toBe(0);
});

function createCounter(): { see(value: number): void; readonly value: number } {
  let most = 0;
  return {
    see: (value) => {
      most = Math.max(most, value);
    },
    get value() {
      return most;
    },
  };
}
