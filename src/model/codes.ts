// The closed table of diagnostic codes. A code is never reused or renumbered; docs/codes.md is checked against this table.
import type { Severity } from './diagnostic.ts';

interface CodeEntry {
  readonly severity: Severity;
  readonly title: string;
}

// TW10xx: the text of a file. TW11xx: the shape of a resource. TW12xx: names and references.
// TW13xx: settings against their profile. TW14xx: what resources say together. TW21xx: warnings.
export const CODES = {
  TW1001: { severity: 'error', title: 'The file is not valid YAML' },
} as const satisfies Record<string, CodeEntry>;

export type Code = keyof typeof CODES;
