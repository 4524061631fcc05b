// Values that look like secrets where no profile knows them: leftovers of scripts and other teams on a twin.
import { isObject, setKey, type Json, type JsonObject } from '../model/json.ts';
import { isBareWrapper } from './meaning.ts';

const SECRET_NAME =
  /pass(?:word|wd|phrase)|pwd$|secret|token|credential|connection_?string|(?:private|api|access|account|shared)_?key|(?:^|_)sas(?:$|_)/i;
const SECRET_TEXT = /SharedAccess(?:Key|Signature)|AccountKey=|-----BEGIN |^eyJ[\w-]{8,}\.|\bsig=[\w%]{16,}/;

/** By name or by form; rather too often than too seldom. Numbers and booleans are never secret. */
export function looksSecret(name: string, value: Json): boolean {
  if (typeof value === 'string') return SECRET_TEXT.test(value) || (value !== '' && SECRET_NAME.test(name));
  return false;
}

/** True where something in the value, at any depth, looks like a secret. */
export function holdsSecret(name: string, value: Json): boolean {
  return JSON.stringify(hideNamed(name, value, '', () => false)) !== JSON.stringify(value);
}

/**
 * Replaces everything in the value that looks like a secret; `isKnown` accepts names that a profile declares harmless.
 */
export function hideSecrets(value: Json, hidden: string, isKnown: (name: string) => boolean): Json {
  if (Array.isArray(value)) return value.map((item) => hideNamed('', item, hidden, isKnown));
  if (!isObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) setKey(copy, key, hideNamed(key, value[key] as Json, hidden, isKnown));
  return copy;
}

/** A wrapped value has the name of its wrapper. */
function hideNamed(name: string, value: Json, hidden: string, isKnown: (name: string) => boolean): Json {
  if (isBareWrapper(value)) return { value: hideNamed(name, value.value, hidden, isKnown) };
  if (isObject(value) || Array.isArray(value)) return hideSecrets(value, hidden, isKnown);
  return !isKnown(name) && looksSecret(name, value) ? hidden : value;
}
