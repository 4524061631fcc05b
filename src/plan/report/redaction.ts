// Removes sensitive values from all that is shown: patches, differences, single values.
import { isObject, liesIn, setKey, type Json, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import { atomName } from '../../profile/encode.ts';
import { matchesPattern } from '../../profile/patterns.ts';

export const REDACTED = '(sensitive)';

/** A value at a path from `properties.desired`, with everything sensitive in it replaced by `REDACTED`; nulls stay. */
export type Redact = (path: readonly string[], value: Json) => Json;

/** By every profile for the module, whether it is used or not: too much hidden is better than too little. */
export function createRedaction(profiles: Iterable<Profile>, moduleId: string): Redact {
  const secretive = [...profiles].filter((profile) => profile.sensitive.length > 0 && profile.moduleId === moduleId);
  if (secretive.length === 0) return (_path, value) => value;
  const isSensitive = (path: readonly string[]): boolean =>
    secretive.some(
      ({ section, sensitive }) =>
        path.length > section.length &&
        liesIn(section, path) &&
        matchesPattern(atomName(path.slice(section.length)), sensitive),
    );
  return function redact(path, value) {
    if (value === null) return null;
    if (isSensitive(path)) return REDACTED;
    if (!isObject(value)) return value;
    const copy: JsonObject = {};
    for (const key of Object.keys(value)) setKey(copy, key, redact([...path, key], value[key] as Json));
    return copy;
  };
}
