// Tokens of the test issuer: what is taken, and all that is not.
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createTokenIssuer, generateIssuerKey, type IssuerKey } from '../../../src/emulator/rest/token-issuer.ts';
import { NOW_MS } from './hub-fixture.ts';

const NOW = NOW_MS / 1000;
const SECRET = Buffer.alloc(32, 7).toString('base64');
const HS256: IssuerKey = { algorithm: 'HS256', key: SECRET };
const REQUEST = { principal: 'p-1', roles: ['IoT Hub Data Reader'], nowMs: NOW_MS } as const;

/** Signed with HS256, whatever it says. */
function token(claims: unknown, header: unknown = { alg: 'HS256', typ: 'JWT' }, secret = SECRET): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${encode(header)}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest('base64url')}`;
}

function pem(type: 'rsa' | 'ec'): { privateKey: string; publicKey: string } {
  const pair =
    type === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    privateKey: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

describe('each algorithm', () => {
  test.each([
    ['HS256', HS256],
    ['ES256', generateIssuerKey()],
    ['RS256', { algorithm: 'RS256', key: pem('rsa').privateKey } as const],
  ])('%s takes its own tokens, for their hour', (algorithm, key) => {
    const issuer = createTokenIssuer(key);
    const issued = issuer.issue(REQUEST);
    expect(JSON.parse(Buffer.from(issued.split('.')[0] ?? '', 'base64url').toString())).toEqual({
      typ: 'JWT',
      alg: algorithm,
    });
    expect(issuer.verify(issued, NOW_MS)).toEqual({ name: 'p-1', roles: ['IoT Hub Data Reader'] });
    expect(issuer.verify(issued, NOW_MS + 3_599_000)).toBeDefined();
    expect(issuer.verify(issued, NOW_MS + 3_600_000)).toBeUndefined();
    expect(issuer.verify(issued, NOW_MS - 1000)).toBeUndefined();
  });

  test('a public key takes what its private one signed, and signs nothing', () => {
    const { privateKey, publicKey } = pem('ec');
    const issued = createTokenIssuer({ algorithm: 'ES256', key: privateKey }).issue(REQUEST);
    const reader = createTokenIssuer({ algorithm: 'ES256', key: publicKey });
    expect(reader.verify(issued, NOW_MS)?.name).toBe('p-1');
    expect(() => reader.issue(REQUEST)).toThrow('cannot sign');
  });

  test('the token of another key is refused', () => {
    const issued = createTokenIssuer(generateIssuerKey()).issue(REQUEST);
    expect(createTokenIssuer(generateIssuerKey()).verify(issued, NOW_MS)).toBeUndefined();
  });

  test('a public key is no secret: a token signed with its text is refused', () => {
    const { publicKey } = pem('rsa');
    const forged = token(
      { aud: 'https://iothubs.azure.net', exp: NOW + 60 },
      { alg: 'HS256' },
      Buffer.from(publicKey).toString('base64'),
    );
    expect(createTokenIssuer({ algorithm: 'RS256', key: publicKey }).verify(forged, NOW_MS)).toBeUndefined();
  });

  test.each([
    ['a short secret', { algorithm: 'HS256', key: 'c2hvcnQ=' } as const],
    ['a key of another kind', { algorithm: 'RS256', key: pem('ec').privateKey } as const],
    ['no key', { algorithm: 'ES256', key: 'nothing' } as const],
  ])('%s makes no issuer', (_sentence, key) => {
    expect(() => createTokenIssuer(key)).toThrow(`The issuer's key is not one for ${key.algorithm}`);
  });
});

describe('claims', () => {
  const issuer = createTokenIssuer(HS256);
  const good = { aud: 'https://iothubs.azure.net', exp: NOW + 60, oid: 'p-1', roles: ['x'] };
  const rows: [sentence: string, token: string, isTaken: boolean][] = [
    ['a good one', token(good), true],
    ['the audience with a slash', token({ ...good, aud: 'https://iothubs.azure.net/' }), true],
    ['the audience among others', token({ ...good, aud: ['a', 'https://iothubs.azure.net'] }), true],
    ['another audience', token({ ...good, aud: 'https://management.azure.com' }), false],
    ['no audience', token({ ...good, aud: undefined }), false],
    ['no end', token({ ...good, exp: undefined }), false],
    ['an end that is text', token({ ...good, exp: String(NOW + 60) }), false],
    ['an end that is now', token({ ...good, exp: NOW }), false],
    ['a beginning that is now', token({ ...good, nbf: NOW }), true],
    ['a beginning that is ahead', token({ ...good, nbf: NOW + 1 }), false],
    ['no roles', token({ ...good, roles: undefined }), true],
    ['roles that are no list', token({ ...good, roles: 'x' }), false],
    ['the algorithm none', token(good, { alg: 'none' }), false],
    ['no algorithm', token(good, {}), false],
    ['the algorithm of another key', token(good, { alg: 'ES256' }), false],
    ['an algorithm from the prototype', token(good, { alg: 'constructor' }), false],
    ['claims that are no object', token([]), false],
    ['a changed claim', token(good).replace(/\.[^.]+\./, `.${Buffer.from('{}').toString('base64url')}.`), false],
    ['no signature', token(good).replace(/[^.]+$/, ''), false],
    ['a short signature', token(good).replace(/[^.]+$/, 'AAAA'), false],
    ['two parts', token(good).split('.').slice(0, 2).join('.'), false],
    ['four parts', `${token(good)}.x`, false],
    ['nothing', '', false],
    ['garbage', 'a.b.c', false],
    ['too long', token({ ...good, more: 'x'.repeat(20_000) }), false],
  ];
  test.each(rows)('%s', (_sentence, text, isTaken) => {
    expect(issuer.verify(text, NOW_MS) !== undefined).toBe(isTaken);
  });

  test.each([
    [{ oid: 'o', sub: 's' }, 'o'],
    [{ oid: undefined, sub: 's' }, 's'],
    [{ oid: undefined, appid: 'a' }, 'a'],
    [{ oid: undefined }, 'unknown'],
  ])('the claims %j give %s', (claims, name) => {
    expect(issuer.verify(token({ ...good, ...claims }), NOW_MS)?.name).toBe(name);
  });
});
