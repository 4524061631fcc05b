// The profiles that ship with Twinward. Each is a data file; docs/profiles.md names the sources of the facts.
import type { Profile } from '../model/profile.ts';
import defenderLegacy from './builtin/defender-legacy.json' with { type: 'json' };
import defenderMicroAgent from './builtin/defender-micro-agent.json' with { type: 'json' };
import genericPnp from './builtin/generic-pnp.json' with { type: 'json' };
import generic from './builtin/generic.json' with { type: 'json' };
import osconfigSecurityBaseline from './builtin/osconfig-security-baseline.json' with { type: 'json' };
import { invariant } from '../model/errors.ts';
import { resolveProfile } from './resolve.ts';
import type { AgentProfileSpec } from './spec.ts';

const SPECS: Readonly<Record<string, unknown>> = {
  'defender-legacy': defenderLegacy,
  'defender-micro-agent': defenderMicroAgent,
  'osconfig-security-baseline': osconfigSecurityBaseline,
  generic,
  'generic-pnp': genericPnp,
};

/** A module id that no device has: profiles that are only bases leave it to the profile that extends them. */
export const ABSTRACT_MODULE_ID = '';

let resolved: ReadonlyMap<string, Profile> | undefined;

/** By name. `generic` and `generic-pnp` name no module: they are bases for custom profiles. */
export function builtinProfiles(): ReadonlyMap<string, Profile> {
  resolved ??= new Map(Object.entries(SPECS).map(([name, spec]) => [name, resolveBuiltin(name, spec)]));
  return resolved;
}

function resolveBuiltin(name: string, spec: unknown): Profile {
  const withModule = { moduleId: 'abstract', ...(spec as AgentProfileSpec) };
  const { profile, problems } = resolveProfile(name, withModule, undefined, undefined);
  invariant(
    profile !== undefined,
    `built-in profile ${name} is sound: ${problems.map(({ message }) => message).join(' ')}`,
  );
  return withModule.moduleId === 'abstract' ? { ...profile, moduleId: ABSTRACT_MODULE_ID } : profile;
}
