// Etags of identities, and parsing of If-Match.
import { etagOfCounter } from '../../model/twin.ts';
import { etagInvalid, etagMissing, versionMismatch } from './service-error.ts';

/** An identity's etag is the base64 of a decimal counter: 801232426 is "ODAxMjMyNDI2". */
export function identityEtag(counter: number): string {
  return btoa(String(counter));
}

/** Most counters are small, and every row of a query shows one. */
const SMALL_COUNTERS = 4_096;
const smallEtags: string[] = [];

export function twinEtag(counter: number): string {
  if (counter >= SMALL_COUNTERS) return etagOfCounter(BigInt(counter));
  return (smallEtags[counter] ??= etagOfCounter(BigInt(counter)));
}

/** Throws unless the header, required for identity updates and deletions, has the current counter or `*`. */
export function checkIdentityEtag(counter: number, ifMatch: string | undefined): void {
  if (ifMatch === undefined) throw etagMissing();
  const sent = opaqueTag(ifMatch);
  if (sent === '*' || sent === identityEtag(counter)) return;
  const version = Buffer.from(sent, 'base64').toString('latin1');
  throw /^\d{1,20}$/.test(version) ? versionMismatch(counter, version) : etagInvalid();
}

/** Throws if the header is present with another counter. */
export function checkTwinEtag(counter: number, ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  const sent = opaqueTag(ifMatch);
  if (sent !== '*' && sent !== twinEtag(counter)) throw etagInvalid();
}

/** Accepts quoted, weak and bare forms. */
function opaqueTag(ifMatch: string): string {
  return ifMatch.trim().replace(/^(?:W\/)?"(.*)"$/, '$1');
}
