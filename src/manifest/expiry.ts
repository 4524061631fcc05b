// What is loaded, seen at one moment: exceptions whose time is over are told, and no longer contradict anybody.
import { compareDiagnostics, hasErrors } from '../model/diagnostic.ts';
import { activeAt } from '../model/expiry.ts';
import type { Loaded } from './load.ts';

/** An expired exception is a warning; what is wrong between those that count now is an error. */
export function loadedAt(loaded: Loaded, nowMs: number): Loaded {
  if (loaded.declared === undefined) return loaded;
  const declared = activeAt(loaded.declared, nowMs);
  if (declared.exceptions.length + declared.expired.length === 0) return loaded;
  const found = loaded.exceptionProblems(declared);
  return {
    ...loaded,
    declared: hasErrors(found) ? undefined : declared,
    diagnostics: [...loaded.diagnostics, ...found].toSorted(compareDiagnostics),
  };
}
