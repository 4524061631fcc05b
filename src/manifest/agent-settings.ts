// Settings in a manifest: checks them against their profile, and encodes them on demand. For all kinds that have
// settings.
import type { DeclaredConfiguration } from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { digestJson } from '../model/digest.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { lazy } from '../model/lazy.ts';
import type { Atom, Profile, SettingPolicy } from '../model/profile.ts';
import { encodeSettings } from '../profile/encode.ts';
import { checkSettings } from '../profile/settings.ts';
import { suggest, type References } from './references.ts';
import type { Resource } from './resource.ts';

export function findProfile(
  resource: Resource<{ readonly spec: { readonly profile: string } }>,
  { profiles }: References,
  diagnostics: Diagnostic[],
): Profile | undefined {
  const { profile: name } = resource.manifest.spec;
  const profile = profiles.all.get(name);
  const path = ['spec', 'profile'];
  if (profile === undefined) {
    if (!profiles.broken.has(name)) {
      const hint = suggest(name, [...profiles.all.keys(), ...profiles.broken]);
      diagnostics.push(resource.problem('TW1203', path, `Profile "${name}" does not exist.`, hint));
    }
    return undefined;
  }
  if (profile.moduleId === '') {
    const hint = `Declare an AgentProfile with \`extends: ${name}\`, a moduleId and a schema, and use that.`;
    diagnostics.push(
      resource.problem('TW1310', path, `Profile "${name}" names no module: it is a base for others.`, hint),
    );
    return undefined;
  }
  return profile;
}

/** Problems of `spec.settings`. */
export function findSettingProblems(resource: Resource, profile: Profile, settings: JsonObject): Diagnostic[] {
  return checkSettings(profile, settings).map(({ code, path, message, hint }) =>
    resource.problem(
      code,
      ['spec', 'settings', ...path],
      message,
      hint,
      code === 'TW1301' || code === 'TW1306' ? 'key' : 'value',
    ),
  );
}

interface EncodedSettings {
  readonly atoms: () => readonly Atom[];
  readonly digest: () => string;
  readonly atomOrigins: DeclaredConfiguration['atomOrigins'];
}

/** Lazy, because checking manifests needs few of these, and planning twins all. */
export function encodeLazily(
  resource: Resource,
  profile: Profile,
  settings: JsonObject,
  policies: ReadonlyMap<string, SettingPolicy>,
  unset: readonly string[],
): EncodedSettings {
  const atoms = lazy(() => encodeSettings(profile, settings, policies));
  return {
    atoms,
    digest: lazy(() => digestOf(profile, atoms(), unset)),
    atomOrigins: originsOf(resource, atoms, profile),
  };
}

/** Lazy, because most origins are never shown. */
function originsOf(
  resource: Resource,
  atoms: () => readonly Atom[],
  profile: Profile,
): DeclaredConfiguration['atomOrigins'] {
  const find = (name: string): Atom | undefined => atoms().find((atom) => atom.name === name);
  return {
    get(name) {
      const path = find(name)?.path.slice(profile.section.length);
      return path === undefined ? undefined : resource.originOf(['spec', 'settings', ...path]);
    },
    has: (name) => find(name) !== undefined,
  };
}

function digestOf(profile: Profile, atoms: readonly Atom[], unset: readonly string[]): string {
  const settings: Json = atoms.map(({ name, value, policy }) => [name, value, policy]);
  return digestJson({ profile: profile.name, section: [...profile.section], settings, unset: [...unset] });
}
