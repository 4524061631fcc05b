// Authentication of an identity: parsing what a client sent, generating keys, and the wire form.
import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import type { Random } from '../../../ports/random.ts';
import type { Authentication } from '../record.ts';
import { badRequest } from '../service-error.ts';

const KEY_BYTES = 32;
const WORD_BYTES = 4;
const WORD_VALUES = 2 ** 32;
const KEY_BYTES_MIN = 16;
const KEY_BYTES_MAX = 64;
const THUMBPRINT_PATTERN = /^(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})$/;

/**
 * By default SAS keys: empty and absent ones are generated. Without a type, thumbprints mean selfSigned. `none` is
 * refused for devices and becomes sas for modules.
 */
export function parseAuthentication(value: unknown, owner: 'device' | 'module', random: Random): Authentication {
  if (value === undefined || value === null) return mintKeys(random);
  if (!isObject(value)) throw badRequest('authentication is not an object');
  const thumbprint = asObject(value['x509Thumbprint']);
  const primaryThumbprint = parseThumbprint(thumbprint['primaryThumbprint']);
  const secondaryThumbprint = parseThumbprint(thumbprint['secondaryThumbprint']);
  const hasThumbprint = primaryThumbprint !== null || secondaryThumbprint !== null;
  switch (value['type'] ?? (hasThumbprint ? 'selfSigned' : 'sas')) {
    case 'sas':
      return parseKeys(asObject(value['symmetricKey']), random);
    case 'selfSigned':
      return { type: 'selfSigned', primaryThumbprint, secondaryThumbprint };
    case 'certificateAuthority':
      return { type: 'certificateAuthority' };
    case 'none':
      if (owner === 'module') return mintKeys(random);
      throw badRequest('authentication type none is not for devices');
    default:
      throw badRequest('unknown authentication type');
  }
}

export function wireAuthentication(authentication: Authentication, thumbprints: JsonObject): JsonObject {
  const isSas = authentication.type === 'sas';
  return {
    symmetricKey: {
      primaryKey: isSas ? authentication.primaryKey : null,
      secondaryKey: isSas ? authentication.secondaryKey : null,
    },
    x509Thumbprint: thumbprints,
    type: authentication.type,
  };
}

function mintKeys(random: Random): Authentication {
  return { type: 'sas', primaryKey: mintKey(random), secondaryKey: mintKey(random) };
}

function mintKey(random: Random): string {
  const bytes = Buffer.alloc(KEY_BYTES);
  for (let at = 0; at < KEY_BYTES; at += WORD_BYTES) bytes.writeUInt32LE(Math.floor(random.next() * WORD_VALUES), at);
  return bytes.toString('base64');
}

function parseKeys(keys: JsonObject, random: Random): Authentication {
  const primaryKey = keys['primaryKey'] ?? '';
  const secondaryKey = keys['secondaryKey'] ?? '';
  if (primaryKey === '' && secondaryKey === '') return mintKeys(random);
  if (!isKey(primaryKey) || !isKey(secondaryKey)) {
    throw badRequest(`both keys must be base64 of ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} bytes`);
  }
  return { type: 'sas', primaryKey, secondaryKey };
}

function isKey(value: Json): value is string {
  if (typeof value !== 'string') return false;
  const bytes = Buffer.from(value, 'base64');
  return bytes.length >= KEY_BYTES_MIN && bytes.length <= KEY_BYTES_MAX && bytes.toString('base64') === value;
}

function parseThumbprint(value: Json | undefined): string | null {
  if (value === undefined || value === null || value === '') return null;
  if (typeof value === 'string' && THUMBPRINT_PATTERN.test(value)) return value;
  throw badRequest('a thumbprint is 40 or 64 hexadecimal digits');
}

function asObject(value: Json | undefined): JsonObject {
  if (value === undefined || value === null) return {};
  if (isObject(value)) return value;
  throw badRequest('authentication holds something else than objects');
}
