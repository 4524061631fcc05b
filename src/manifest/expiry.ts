// What is loaded, seen at one moment: exceptions whose time is over are told, and no longer contradict anybody.
import { compareDiagnostics, diagnose, hasErrors, type Diagnostic } from '../model/diagnostic.ts';
import type { DeclaredException } from '../model/declared.ts';
import { activeAt } from '../model/expiry.ts';
import type { Loaded } from './load.ts';

/** An expired exception is a warning; what is wrong between those that count now is an error. */
export function loadedAt(loaded: Loaded, nowMs: number): Loaded {
  if (loaded.declared === undefined) return loaded;
  const declared = activeAt(loaded.declared, nowMs);
  const { exceptions, expired } = declared;
  if (exceptions.length + expired.length === 0) return loaded;
  const found = [...expired.map(explainExpiry), ...loaded.overlapsOf(exceptions)];
  return {
    ...loaded,
    declared: hasErrors(found) ? undefined : declared,
    diagnostics: [...loaded.diagnostics, ...found].toSorted(compareDiagnostics),
  };
}

function explainExpiry({ owner, origin, expiresAtMs, ownerText }: DeclaredException): Diagnostic {
  const ended = new Date(expiresAtMs).toISOString();
  const message = `The exception ended at ${ended}: what it changed is put back, and it does nothing any more.`;
  const hint = `Remove the manifest, or ask its owner (${ownerText}) for a later expiresAt.`;
  return diagnose('TW2110', origin, message, { path: 'spec.expiresAt', resource: owner, hint });
}
