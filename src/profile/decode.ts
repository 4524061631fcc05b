// The settings on a twin in declarable form: the inverse of `encodeSettings`.
import { getPath, isObject, setKey, type Json, type JsonObject } from '../model/json.ts';
import type { Atom, Profile } from '../model/profile.ts';
import { atomLevels, encodeSettings, isEnvelopeKey } from './encode.ts';
import { sameMeaning } from './meaning.ts';
import { holdsMatch } from './patterns.ts';
import { looksSecret } from './secrets.ts';
import { checkSettings } from './settings.ts';

/** Why a member of the section can't be declared as it is. */
export type Undeclarable =
  | 'Denied' // the profile denies it
  | 'Secret' // it is or looks sensitive: it must not get into a repository
  | 'Unfit'; // the profile does not know it, or not this value

export interface Decoded {
  /** Declared, they mean what live has. */
  readonly atoms: readonly Atom[];
  readonly left: readonly { readonly name: string; readonly why: Undeclarable }[];
}

/** Each member is declared or left as a whole. `hidden` is the text that replaces sensitive values. */
export function decodeSection(profile: Profile, desired: JsonObject, hidden: string): Decoded {
  const section = getPath(desired, profile.section);
  const atoms: Atom[] = [];
  const left: { name: string; why: Undeclarable }[] = [];
  for (const [name, live] of Object.entries(isObject(section) ? section : {})) {
    if (name.startsWith('$') || isEnvelopeKey(profile, name)) continue;
    const why = undeclarable(profile, name, live, hidden);
    const member = why === undefined ? decodeMember(profile, name, live, desired) : undefined;
    if (member === undefined) left.push({ name, why: why ?? 'Unfit' });
    else atoms.push(...member);
  }
  return { atoms, left };
}

function undeclarable(profile: Profile, name: string, live: Json, hidden: string): Undeclarable | undefined {
  if (holdsMatch(name, live, profile.sensitive) || holdsSecret(name, live, hidden)) return 'Secret';
  return holdsMatch(name, live, profile.deny) ? 'Denied' : undefined;
}

function holdsSecret(name: string, value: Json, hidden: string): boolean {
  if (Array.isArray(value)) return value.some((item) => holdsSecret(name, item, hidden));
  if (!isObject(value)) return value === hidden || looksSecret(name, value);
  return Object.entries(value).some(([key, inner]) => holdsSecret(key === 'value' ? name : key, inner, hidden));
}

function decodeMember(profile: Profile, name: string, live: Json, desired: JsonObject): readonly Atom[] | undefined {
  const plain = plainOf(profile, live);
  if (plain === undefined) return undefined;
  for (const spelling of [plain, ...allowedValues(profile, name)]) {
    const settings: JsonObject = {};
    setKey(settings, name, spelling);
    const atoms = encodeSettings(profile, settings);
    const isSame = atoms.length > 0 && atoms.every((atom) => sameMeaning(atom, getPath(desired, atom.path)));
    if (isSame && checkSettings(profile, settings).length === 0) return atoms;
  }
  return undefined;
}

/** The twin may have another spelling of a listed value, with the same meaning. */
function allowedValues({ schema }: Profile, name: string): readonly Json[] {
  const property = getPath(schema, ['properties', name, 'enum']);
  return Array.isArray(property) ? property : [];
}

/** Undefined if it is not encoded as the profile encodes. */
function plainOf(profile: Profile, live: Json): Json | undefined {
  if (profile.encoding === 'ValueWrapper') return isObject(live) ? live['value'] : undefined;
  const isComponent = profile.encoding === 'PnpComponent' && atomLevels(profile) === 2;
  if (!isComponent || !isObject(live)) return live;
  return Object.fromEntries(Object.entries(live).filter(([key]) => !isEnvelopeKey(profile, key)));
}
