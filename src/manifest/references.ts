// Looks up referenced names, with a did-you-mean for unknown ones.
import type { DeclaredGroup, DeclaredHub } from '../model/declared.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Profile } from '../model/profile.ts';
import { closest } from '../model/similarity.ts';
import type { Resource } from './resource.ts';

export interface CompiledProfiles {
  /** Valid ones by name, built-ins included. */
  readonly all: ReadonlyMap<string, Profile>;
  /** Names of existing profiles with problems of their own. */
  readonly broken: ReadonlySet<string>;
}

export interface HubReferences {
  readonly hubs: readonly DeclaredHub[];
  /** Existing hubs with a malformed manifest. */
  readonly brokenHubs: ReadonlySet<string>;
}

/** Resources that configurations refer to. */
export interface References extends HubReferences {
  readonly groups: ReadonlyMap<string, DeclaredGroup>;
  /** Existing groups with problems of their own: referring to them is no further problem. */
  readonly brokenGroups: ReadonlySet<string>;
  readonly profiles: CompiledProfiles;
}

/** The named hubs, or the only hub; undefined if undecided or wrong. */
export function resolveHubs(
  resource: Resource,
  named: readonly string[] | undefined,
  { hubs, brokenHubs }: HubReferences,
  diagnostics: Diagnostic[],
): readonly string[] | undefined {
  const known = hubs.map(({ name }) => name);
  if (named === undefined) return known.length === 1 && brokenHubs.size === 0 ? known : undefined;
  let isRight = true;
  for (const [index, name] of named.entries()) {
    if (known.includes(name)) continue;
    isRight = false;
    if (brokenHubs.has(name)) continue;
    const message = `Hub "${name}" does not exist.`;
    diagnostics.push(resource.problem('TW1204', ['spec', 'hubs', String(index)], message, suggest(name, known)));
  }
  return isRight ? named : undefined;
}

/** Requires that hubs are named if several exist. */
export function requireHubs(resource: Resource, { hubs, brokenHubs }: HubReferences, diagnostics: Diagnostic[]): void {
  const names = [...new Set([...hubs.map(({ name }) => name), ...brokenHubs])];
  if (names.length < 2) return;
  const hint = `Add "hubs" with some of: ${names.slice(0, SUGGESTIONS_MAX).join(', ')}.`;
  diagnostics.push(
    resource.problem('TW1207', ['spec'], `${resource.id} names none of the ${names.length} hubs.`, hint),
  );
}

/** A did-you-mean, or the known names. */
export function suggest(name: string, known: readonly string[]): string {
  const near = closest(name, known);
  if (near !== undefined) return `Did you mean "${near}"?`;
  return known.length === 0 ? 'None is declared.' : `Known: ${known.slice(0, SUGGESTIONS_MAX).join(', ')}.`;
}

const SUGGESTIONS_MAX = 10;
