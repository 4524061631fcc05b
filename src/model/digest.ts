// Digests: short, stable names of contents.
import { hash } from 'node:crypto';
import { canonicalJson, type Json } from './json.ts';

const DIGEST_HEX_DIGITS = 12;

/** The first 12 hex digits of the SHA-256 of a text or bytes. */
export function digestBytes(content: string | Uint8Array): string {
  return hash('sha256', content, 'hex').slice(0, DIGEST_HEX_DIGITS);
}

/** The digest of a JSON value by content: the order of keys does not matter. */
export function digestJson(value: Json): string {
  return digestBytes(canonicalJson(value));
}
