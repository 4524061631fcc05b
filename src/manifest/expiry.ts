// The loaded manifests at a given time: ended exceptions become warnings and no longer conflict; vendor support ends.
import { compareDiagnostics, hasErrors } from '../model/diagnostic.ts';
import { activeAt } from '../model/expiry.ts';
import type { Loaded } from './load.ts';

/** An expired exception is a warning; conflicts between active ones are errors. */
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
