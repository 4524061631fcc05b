// The test issuer in place of Entra: issues tokens, and verifies its own.
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from 'node:crypto';
import { isObject, type JsonObject } from '../../model/json.ts';
import type { Role } from './roles.ts';

/** The audience of tokens for every real hub. */
const AUDIENCE = 'https://iothubs.azure.net';
const TOKEN_LENGTH_MAX = 16 * 1024;
/** Default lifetime of a token. */
export const LIFETIME_SECONDS = 3600;

export type IssuerAlgorithm = 'HS256' | 'RS256' | 'ES256';

/**
 * PEM of a private key, or of a public one if others sign; base64 of the secret for HS256. Private keys are secrets.
 */
export interface IssuerKey {
  readonly algorithm: IssuerAlgorithm;
  readonly key: string;
}

export interface TokenRequest {
  /** The caller's object id, as named in refusals. */
  readonly principal: string;
  readonly roles: readonly Role[];
  readonly nowMs: number;
  readonly lifetimeSeconds?: number;
}

export interface Principal {
  readonly name: string;
  readonly roles: readonly string[];
}

export interface TokenIssuer {
  /** A JSON web token: a secret. Throws if the key is public. */
  issue(request: TokenRequest): string;
  /** Undefined for all but a token of this issuer, for hubs, at its time. */
  verify(token: string, nowMs: number): Principal | undefined;
}

/** Good for a new hub. */
export function generateIssuerKey(): IssuerKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { algorithm: 'ES256', key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Throws where the key is none, or is of another kind than its algorithm. */
export function createTokenIssuer(key: IssuerKey): TokenIssuer {
  const { algorithm } = key;
  const signature = signatureOf(key);
  return {
    issue: ({ principal, roles, nowMs, lifetimeSeconds = LIFETIME_SECONDS }) => {
      const now = Math.floor(nowMs / 1000);
      const claims = { aud: AUDIENCE, oid: principal, roles: [...roles], nbf: now, exp: now + lifetimeSeconds };
      const signed = `${encode({ typ: 'JWT', alg: algorithm })}.${encode(claims)}`;
      return `${signed}.${signature.sign(Buffer.from(signed)).toString('base64url')}`;
    },
    verify: (token, nowMs) => {
      const [header = '', claims = '', seal = '', ...rest] = token.split('.');
      if (token.length > TOKEN_LENGTH_MAX || rest.length > 0 || seal === '') return undefined;
      // The key decides how a token must be signed, never the token.
      if (decode(header)?.['alg'] !== algorithm) return undefined;
      if (!signature.verify(Buffer.from(`${header}.${claims}`), Buffer.from(seal, 'base64url'))) return undefined;
      return principalOf(decode(claims), nowMs / 1000);
    },
  };
}

interface Signature {
  sign(data: Buffer): Buffer;
  verify(data: Buffer, seal: Buffer): boolean;
}

function signatureOf({ algorithm, key }: IssuerKey): Signature {
  if (algorithm === 'HS256') {
    const secret = Buffer.from(key, 'base64');
    if (secret.length < 32) throw new Error("The issuer's key is not one for HS256: it must have 32 bytes.");
    const seal = (data: Buffer): Buffer => createHmac('sha256', secret).update(data).digest();
    return {
      sign: seal,
      verify: (data, sent) => {
        const expected = seal(data);
        return expected.length === sent.length && timingSafeEqual(expected, sent);
      },
    };
  }
  const isPrivate = key.includes('PRIVATE KEY');
  const publicKey = readPublicKey(key);
  const type = algorithm === 'RS256' ? 'rsa' : 'ec';
  if (publicKey?.asymmetricKeyType !== type) throw new Error(`The issuer's key is not one for ${algorithm}.`);
  const options = (object: KeyObject) => ({ key: object, dsaEncoding: 'ieee-p1363' as const });
  return {
    sign: (data) => {
      if (!isPrivate) throw new Error('The issuer has only a public key and cannot sign.');
      return sign('sha256', data, options(createPrivateKey(key)));
    },
    verify: (data, sent) => verify('sha256', data, options(publicKey), sent),
  };
}

/** Of a private key too. The error does not say why the key is invalid: the reason may quote it. */
function readPublicKey(key: string): KeyObject | undefined {
  try {
    return createPublicKey(key);
  } catch {
    return undefined;
  }
}

function principalOf(claims: JsonObject | undefined, nowSeconds: number): Principal | undefined {
  if (claims === undefined) return undefined;
  const { aud, exp, nbf = 0, roles = [] } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (!audiences.some((audience) => audience === AUDIENCE || audience === `${AUDIENCE}/`)) return undefined;
  if (typeof exp !== 'number' || exp <= nowSeconds || typeof nbf !== 'number' || nbf > nowSeconds) return undefined;
  const name = [claims['oid'], claims['sub'], claims['appid']].find((value) => typeof value === 'string');
  if (!Array.isArray(roles)) return undefined;
  return {
    name: typeof name === 'string' ? name : 'unknown',
    roles: roles.filter((role): role is string => typeof role === 'string'),
  };
}

function encode(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
