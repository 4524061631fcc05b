// Digests: the short, stable names of contents.
import { createHash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';

const DIGEST_HEX_DIGITS = 12;

/** The first 12 hex digits of the SHA-256 of a text or of bytes. */
export function digestBytes(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex').slice(0, DIGEST_HEX_DIGITS);
}

/** The digest of a JSON value by content: the order of keys does not matter. */
export function digestJson(value: Json): string {
  return digestBytes(canonicalJson(value));
}
