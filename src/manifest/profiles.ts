// Compiles AgentProfile manifests: inheritance in the right order, built-ins protected.
import type { Diagnostic } from '../model/diagnostic.ts';
import type { Profile } from '../model/profile.ts';
import { builtinProfiles } from '../profile/builtin.ts';
import { resolveProfile } from '../profile/resolve.ts';
import type { AgentProfileSpec } from '../profile/spec.ts';
import { suggest, type CompiledProfiles } from './references.ts';
import type { Resource } from './resource.ts';
import type { AgentProfileManifest } from './schema.ts';

export function compileProfiles(
  resources: readonly Resource<AgentProfileManifest>[],
  misshapen: ReadonlySet<string>,
  diagnostics: Diagnostic[],
): CompiledProfiles {
  const builtins = builtinProfiles();
  const manifests = new Map(resources.map((resource) => [resource.name, resource]));
  const all = new Map(builtins);
  const broken = new Set(misshapen);
  const visiting = new Set<string>();

  function resolve(name: string): Profile | undefined {
    const resource = manifests.get(name);
    if (resource === undefined || all.has(name) || broken.has(name)) return all.get(name);
    visiting.add(name);
    const profile = resolveOne(resource);
    visiting.delete(name);
    if (profile === undefined) broken.add(name);
    else all.set(name, profile);
    return profile;
  }

  function resolveOne(resource: Resource<AgentProfileManifest>): Profile | undefined {
    const spec = resource.manifest.spec as AgentProfileSpec;
    const { extends: parent } = spec;
    if (parent !== undefined && visiting.has(parent)) {
      const message = `Profile "${resource.name}" extends itself through "${parent}".`;
      diagnostics.push(resource.problem('TW1206', ['spec', 'extends'], message, 'Extend a built-in profile instead.'));
      return undefined;
    }
    const base = parent === undefined ? undefined : resolve(parent);
    if (parent !== undefined && base === undefined) {
      if (broken.has(parent)) return undefined;
      const known = [...new Set([...builtins.keys(), ...manifests.keys()])];
      diagnostics.push(
        resource.problem('TW1203', ['spec', 'extends'], `Profile "${parent}" does not exist.`, suggest(parent, known)),
      );
      return undefined;
    }
    const { profile, problems } = resolveProfile(resource.name, spec, base, resource.origin);
    for (const { path, message, hint } of problems) {
      diagnostics.push(resource.problem('TW1310', ['spec', ...path], message, hint));
    }
    return profile;
  }

  for (const resource of resources.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!builtins.has(resource.name)) {
      resolve(resource.name);
      continue;
    }
    const message = `"${resource.name}" is a profile that ships with Twinward and can't be replaced.`;
    const hint = `Choose another name and write \`extends: ${resource.name}\`.`;
    diagnostics.push(resource.problem('TW1205', ['metadata', 'name'], message, hint));
  }
  return { all, broken };
}
