// A profile's specification to the profile itself: inheritance, defaults, and whether it makes sense.
import type { Origin } from '../model/diagnostic.ts';
import { isObject, parsePointer } from '../model/json.ts';
import type { Profile, Rule } from '../model/profile.ts';
import { compileSchema } from './schema-compiler.ts';
import { checkSettings, unknownSetting } from './settings.ts';
import { keysOf } from './rules.ts';
import type { AgentProfileSpec } from './spec.ts';

export interface ProfileProblem {
  /** Path below `spec`. */
  readonly path: readonly string[];
  readonly message: string;
  readonly hint?: string;
}

export interface ResolvedProfile {
  /** Undefined where there are problems. */
  readonly profile: Profile | undefined;
  readonly problems: readonly ProfileProblem[];
}

/** Ids of modules: 1 to 128 of these characters, and "$" first is IoT Hub's own. */
const MODULE_ID = /^(?!\$)[A-Za-z0-9\-:.+%_#*?!(),=@;$']{1,128}$/;

/** `base` is the resolved profile that the specification extends. Never throws. */
export function resolveProfile(
  name: string,
  spec: AgentProfileSpec,
  base: Profile | undefined,
  origin: Origin | undefined,
): ResolvedProfile {
  const problems: ProfileProblem[] = [];
  const moduleId = spec.moduleId ?? base?.moduleId ?? '';
  if (moduleId === '') {
    problems.push({ path: [], message: `Profile "${name}" names no module.`, hint: 'Add `moduleId`.' });
  } else if (!MODULE_ID.test(moduleId)) {
    problems.push({ path: ['moduleId'], message: `"${moduleId}" can't be the id of a module.` });
  }
  const section = spec.section === undefined ? (base?.section ?? []) : parsePointer(spec.section);
  if (section === undefined || section.includes('')) {
    problems.push({
      path: ['section'],
      message: `"${spec.section}" is no JSON pointer to a section.`,
      hint: 'Write "/name", or "" for the root.',
    });
  }
  const profile: Profile = {
    name,
    origin,
    moduleId,
    section: section ?? [],
    encoding: spec.encoding ?? base?.encoding ?? 'Plain',
    patchGranularity: spec.patchGranularity ?? base?.patchGranularity ?? 'section',
    ownershipAtom: spec.ownershipAtom ?? base?.ownershipAtom ?? 'Setting',
    envelope: spec.envelope ?? base?.envelope,
    onRemove: spec.onRemove ?? base?.onRemove ?? 'Null',
    schema: spec.schema ?? base?.schema ?? { type: 'object' },
    comparators: [...(spec.comparators ?? []), ...(base?.comparators ?? [])],
    rules: [...((spec.rules ?? []) as Rule[]), ...(base?.rules ?? [])],
    defaults: { ...base?.defaults, ...spec.defaults },
    sensitive: [...(base?.sensitive ?? []), ...(spec.sensitive ?? [])],
    deny: [...(base?.deny ?? []), ...(spec.deny ?? [])],
    preserve: [...(base?.preserve ?? []), ...(spec.preserve ?? [])],
    nudge: spec.nudge ?? base?.nudge ?? false,
    acknowledgement: spec.acknowledgement ?? base?.acknowledgement ?? { type: 'None' },
    endOfSupport: spec.endOfSupport ?? base?.endOfSupport,
  };
  problems.push(...checkSchema(profile));
  return { profile: problems.length === 0 ? profile : undefined, problems };
}

function checkSchema(profile: Profile): ProfileProblem[] {
  try {
    compileSchema(profile.schema);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it does not compile';
    return [{ path: ['schema'], message: `The schema of profile "${profile.name}" is wrong: ${reason}.` }];
  }
  return [...checkRuleKeys(profile), ...checkDefaults(profile)];
}

function checkRuleKeys(profile: Profile): ProfileProblem[] {
  return profile.rules.flatMap((rule, index) =>
    keysOf(rule).flatMap((key) => {
      const unknown = unknownSetting(profile, key);
      if (unknown === undefined) return [];
      return [
        {
          path: ['rules', String(index)],
          message: unknown.message,
          ...(unknown.hint === undefined ? {} : { hint: unknown.hint }),
        },
      ];
    }),
  );
}

/** Each default alone must fit the schema; together they need not, so what is required does not count. */
function checkDefaults(profile: Profile): ProfileProblem[] {
  const { required: _required, ...schema } = profile.schema;
  const alone: Profile = { ...profile, schema: isObject(schema) ? schema : profile.schema, deny: [] };
  return checkSettings(alone, profile.defaults).map(({ path, message }) => ({
    path: ['defaults', ...path],
    message: `A default of profile "${profile.name}" is wrong. ${message}`,
  }));
}
