// Connection strings: what is taken, what is refused and why, and that nothing of them is ever said.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  checkCredentialHost,
  isLoopback,
  parseConnectionString,
  parseEventsConnectionString,
  readSecret,
} from '../../src/adapters/credentials.ts';
import { HubError } from '../../src/model/errors.ts';

const KEY = 'c2VjcmV0LXNlY3JldC1zZWNyZXQ=';
const GOOD = `HostName=acme.azure-devices.net;SharedAccessKeyName=iothubowner;SharedAccessKey=${KEY}`;
const FACTS = { hostName: 'acme.azure-devices.net', sharedAccessKeyName: 'iothubowner' };

const EVENTS = `Endpoint=sb://iothub-ns-acme.servicebus.windows.net/;SharedAccessKeyName=service;SharedAccessKey=${KEY};EntityPath=acme`;
const EMULATOR = `${EVENTS.replace('iothub-ns-acme.servicebus.windows.net/', '127.0.0.1:5672')};UseDevelopmentEmulator=true`;

describe("the connection string of a hub's built-in endpoint", () => {
  test.each([
    ['as the portal gives it', EVENTS, 'iothub-ns-acme.servicebus.windows.net'],
    ['with a line break', `${EVENTS}\n`, 'iothub-ns-acme.servicebus.windows.net'],
    ['of the embedded hub', EMULATOR, '127.0.0.1'],
  ])('%s is taken', (_sentence, text, host) => {
    expect(parseEventsConnectionString(text)).toEqual({ host });
  });

  test.each([
    ['nothing', '', 'no Endpoint'],
    ['the string of the hub itself', GOOD, "a hub's"],
    ['no policy', EVENTS.replace('SharedAccessKeyName=service;', ''), 'no SharedAccessKeyName'],
    ['no key', EVENTS.replace(KEY, ''), 'no SharedAccessKey.'],
    ['no entity', EVENTS.replace(';EntityPath=acme', ''), 'no EntityPath'],
    ['another protocol', EVENTS.replace('sb://', 'https://'), 'sb://'],
    ['no address', EVENTS.replace('sb://', ''), 'sb://'],
    ['two keys', `${EVENTS};SharedAccessKey=${KEY}`, 'twice'],
    ['no encryption on its way to another machine', EMULATOR.replace('127.0.0.1', 'evil.example'), 'encryption'],
  ])('with %s is refused, in words that hold nothing of it', (_sentence, text, words) => {
    const parsed = parseEventsConnectionString(text);
    const problem = 'problem' in parsed ? parsed.problem : '';
    expect(problem).toContain(words);
    expect(problem).not.toContain(KEY);
  });
});

describe('a connection string', () => {
  const taken: readonly (readonly [sentence: string, text: string])[] = [
    ['as the portal gives it', GOOD],
    ['with spaces and line breaks around', `  ${GOOD}\r\n`],
    ['in another order', GOOD.split(';').toReversed().join(';')],
    ['with a last semicolon and fields that we do not know', `${GOOD};GatewayHostName=x;`],
  ];
  test.each(taken)('%s is taken', (_sentence, text) => {
    expect(parseConnectionString(text)).toEqual(FACTS);
  });

  const refused: readonly (readonly [sentence: string, text: string, words: string])[] = [
    ['nothing', '', 'no HostName'],
    ['a bare key', KEY, 'no HostName'],
    ['a host name alone', 'acme.azure-devices.net', 'no HostName'],
    ['an empty host name', GOOD.replace('acme.azure-devices.net', ''), 'no HostName'],
    [
      'an Event Hubs string',
      `Endpoint=sb://x.servicebus.windows.net/;SharedAccessKeyName=service;SharedAccessKey=${KEY}`,
      'no HostName',
    ],
    ['a port', GOOD.replace('.net', '.net:8443'), '"endpoint"'],
    ['an address', GOOD.replace('HostName=', 'HostName=https://'), '"endpoint"'],
    ['a host name with a line break inside', GOOD.replace('acme.', 'acme.\nevil.'), 'is not a host name'],
    ['a device’s string', `HostName=acme.azure-devices.net;DeviceId=d;SharedAccessKey=${KEY}`, "a device's"],
    ['no policy', `HostName=acme.azure-devices.net;SharedAccessKey=${KEY}`, 'no SharedAccessKeyName'],
    ['no key', 'HostName=acme.azure-devices.net;SharedAccessKeyName=service', 'no SharedAccessKey'],
    [
      'an empty key',
      'HostName=acme.azure-devices.net;SharedAccessKeyName=service;SharedAccessKey=',
      'no SharedAccessKey',
    ],
    ['two hosts', `HostName=evil.azure-devices.net;${GOOD}`, 'twice'],
  ];
  test.each(refused)('with %s is refused, in words that hold nothing of it', (_sentence, text, words) => {
    const parsed = parseConnectionString(text);
    const problem = 'problem' in parsed ? parsed.problem : '';
    expect(problem).toContain(words);
    expect(problem).not.toContain(KEY);
  });
});

describe('a credential', () => {
  test('for another hub is refused, with both names', () => {
    expect(() => checkCredentialHost('dev.azure-devices.net', 'prod.azure-devices.net')).toThrow(HubError);
    expect(() => checkCredentialHost('dev.azure-devices.net', 'prod.azure-devices.net')).toThrow(
      'for dev.azure-devices.net, the Hub is prod.azure-devices.net',
    );
  });

  test('for the same hub is not, however it is spelled', () => {
    expect(() => checkCredentialHost('Dev.Azure-Devices.net', 'dev.azure-devices.NET')).not.toThrow();
  });
});

describe('a secret', () => {
  test('is read from the environment or a file, without the line break at its end', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinward-secret-'));
    const file = join(folder, 'secret');
    await writeFile(file, `${GOOD}\n`);
    expect(await readSecret({ file }, {})).toBe(GOOD);
    expect(await readSecret({ env: 'HUB' }, { HUB: `${GOOD}\n` })).toBe(GOOD);
    await rm(folder, { recursive: true });
  });

  const missing: readonly (readonly [sentence: string, ref: { env: string } | { file: string }, words: string])[] = [
    ['variable that is not set', { env: 'NOT_SET' }, 'NOT_SET'],
    ['variable that is empty', { env: 'EMPTY' }, 'EMPTY'],
    ['file that does not exist', { file: '/nonexistent/secret' }, '/nonexistent/secret'],
    ['file that is a folder', { file: '/' }, '/'],
  ];
  test.each(missing)('in a %s is Unauthorized, and says where it was looked for', async (_sentence, ref, words) => {
    const error: unknown = await readSecret(ref, { EMPTY: '' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HubError);
    expect(error).toMatchObject({ code: 'Unauthorized', message: expect.stringContaining(words) as string });
  });
});

describe('loopback', () => {
  const rows: readonly (readonly [address: string, want: boolean])[] = [
    ['localhost', true],
    ['LocalHost', true],
    ['127.0.0.1', true],
    ['127.8.9.10', true],
    ['::1', true],
    ['[::1]', true],
    ['https://localhost:8443', true],
    ['https://127.0.0.1:8443/', true],
    ['https://[::1]:8443', true],
    ['https://127.1', true],
    ['localhost.evil.com', false],
    ['https://localhost.evil.com:8443', false],
    ['evil-localhost', false],
    ['https://localhost@evil.com', false],
    ['https://evil.com/localhost', false],
    ['https://evil.com#@localhost', false],
    ['https://evil.com\\@localhost', false],
    ['127.0.0.1.evil.com', false],
    ['127.999.0.1', false],
    ['127.0.0.1:8443', false],
    ['128.0.0.1', false],
    ['10.0.0.1', false],
    ['0.0.0.0', false],
    ['::', false],
    ['::2', false],
    ['https://[::1:1]', false],
    ['acme.azure-devices.net', false],
    ['', false],
  ];
  test.each(rows)('%s: %s', (address, want) => {
    expect(isLoopback(address)).toBe(want);
  });
});
