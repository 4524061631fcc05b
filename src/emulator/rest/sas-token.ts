// Shared access signatures: parsing a token, and verifying it with a key.
import { createHmac, timingSafeEqual } from 'node:crypto';

const SCHEME = 'SharedAccessSignature ';
const TOKEN_LENGTH_MAX = 4096;
const EXPIRY_SECONDS = /^\d{1,12}$/;

export interface SasToken {
  /** `sr`, decoded, by segment: the host, then the path. Ids contain no "/". */
  readonly resource: readonly string[];
  /** The policy; undefined for the key of a device or module. */
  readonly policyName: string | undefined;
  readonly expiresAtSeconds: number;
  /** The signed text: `sr` exactly as sent, a line feed, `se`. Clients differ in how they encode `sr`. */
  readonly signedText: string;
  readonly signature: Buffer;
}

/** Undefined if the header is not such a token. Fields may be in any order; unknown ones are ignored. */
export function parseSasToken(header: string): SasToken | undefined {
  if (!header.startsWith(SCHEME) || header.length > TOKEN_LENGTH_MAX) return undefined;
  const fields = new Map<string, string>();
  for (const field of header.slice(SCHEME.length).split('&')) {
    const equals = field.indexOf('=');
    const name = field.slice(0, equals);
    if (equals <= 0 || fields.has(name)) return undefined;
    fields.set(name, field.slice(equals + 1));
  }
  const [sr, sig, se, skn] = ['sr', 'sig', 'se', 'skn'].map((name) => fields.get(name));
  if (sr === undefined || sig === undefined || se === undefined || !EXPIRY_SECONDS.test(se)) return undefined;
  const resource = decoded(sr);
  const signature = decoded(sig);
  const policyName = skn === undefined || skn === '' ? undefined : decoded(skn);
  if (resource === undefined || signature === undefined || (skn && policyName === undefined)) return undefined;
  return {
    resource: resource.split('/'),
    policyName,
    expiresAtSeconds: Number(se),
    signedText: `${sr}\n${se}`,
    signature: Buffer.from(signature, 'base64'),
  };
}

/** True if `sr` names the host or any prefix of the path on it. */
export function isTokenFor({ resource }: SasToken, hostName: string, path: readonly string[]): boolean {
  const [host, ...scope] = resource;
  return host?.toLowerCase() === hostName.toLowerCase() && scope.every((segment, index) => segment === path[index]);
}

export interface KeyPair {
  readonly primary: string;
  readonly secondary: string;
}

/** True if one of the keys (base64) made the signature. Constant time for both. */
export function isSignedBy(token: SasToken, keys: KeyPair): boolean {
  return isSignedWith(token, keys, 'base64');
}

/** Like `isSignedBy`, for Event Hubs clients: they use the text of the key as the key. */
export function isSignedByText(token: SasToken, keys: KeyPair): boolean {
  return isSignedWith(token, keys, 'utf8');
}

function isSignedWith(token: SasToken, keys: KeyPair, encoding: 'base64' | 'utf8'): boolean {
  const isPrimary = isSignature(token, Buffer.from(keys.primary, encoding));
  const isSecondary = isSignature(token, Buffer.from(keys.secondary, encoding));
  return isPrimary || isSecondary;
}

function isSignature({ signedText, signature }: SasToken, key: Buffer): boolean {
  const expected = createHmac('sha256', key).update(signedText).digest();
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
