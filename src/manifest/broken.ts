// Further problems of a malformed resource, found in its valid parts, so that all problems show at once.
import type { Diagnostic } from '../model/diagnostic.ts';
import { getPath, isObject } from '../model/json.ts';
import { findProfile, findSettingProblems } from './agent-settings.ts';
import { findMissingGroups } from './configuration.ts';
import type { References } from './references.ts';
import type { BrokenResource } from './resources.ts';

/** Leaves out problems at or below places with a known problem. */
export function findFurtherProblems({ resource, problems }: BrokenResource, references: References): Diagnostic[] {
  if (resource.kind !== 'SecurityConfiguration' && resource.kind !== 'SecurityException') return [];
  const { manifest } = resource;
  const found: Diagnostic[] = [];
  const groups = getPath(manifest, ['spec', 'groups']);
  if (Array.isArray(groups)) {
    const names = groups.map((name) => (typeof name === 'string' ? name : undefined));
    findMissingGroups(resource, names, references, found);
  }
  const name = getPath(manifest, ['spec', 'profile']);
  const profile =
    typeof name === 'string'
      ? findProfile({ ...resource, manifest: { spec: { profile: name } } }, references, found)
      : undefined;
  const settings = getPath(manifest, ['spec', 'settings']);
  if (profile !== undefined && isObject(settings)) found.push(...findSettingProblems(resource, profile, settings));
  return found.filter(
    ({ path }) => !problems.some((known) => path === known.path || path.startsWith(`${known.path}.`)),
  );
}
