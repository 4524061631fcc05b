// What is loaded, seen at one moment: exceptions whose time is over are told, and no longer contradict anybody; support ends.
import { compareDiagnostics, hasErrors } from '../model/diagnostic.ts';
import { activeAt } from '../model/expiry.ts';
import type { Loaded } from './load.ts';

/** An expired exception is a warning; what is wrong between those that count now is an error. */
export function loadedAt(loaded: Loaded, nowMs: number): Loaded {
  const declared = loaded.declared === undefined ? undefined : activeAt(loaded.declared, nowMs);
  const found = [
    ...(declared === undefined ? [] : loaded.exceptionProblems(declared)),
    ...loaded.supportProblems(nowMs),
  ];
  return {
    ...loaded,
    declared: hasErrors(found) ? undefined : declared,
    diagnostics: [...loaded.diagnostics, ...found].toSorted(compareDiagnostics),
  };
}
