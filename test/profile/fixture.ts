// Profiles for tests: built-in ones by name, and ones made from a specification as a manifest gives it.
import type { Profile } from '../../src/model/profile.ts';
import { builtinProfiles } from '../../src/profile/builtin.ts';
import { resolveProfile, type ProfileProblem } from '../../src/profile/resolve.ts';
import type { AgentProfileSpec } from '../../src/profile/spec.ts';

export function builtin(name: string): Profile {
  const profile = builtinProfiles().get(name);
  if (profile === undefined) throw new Error(`no built-in profile ${name}`);
  return profile;
}

/** Extends `generic` unless it says otherwise. */
export function profileOf(spec: AgentProfileSpec): Profile {
  const { profile, problems } = resolve(spec);
  if (profile === undefined) throw new Error(problems.map(({ message }) => message).join(' '));
  return profile;
}

export function problemsOf(spec: AgentProfileSpec): readonly ProfileProblem[] {
  return resolve(spec).problems;
}

function resolve(spec: AgentProfileSpec) {
  return resolveProfile('own', { moduleId: 'own', ...spec }, builtin(spec.extends ?? 'generic'), undefined);
}
