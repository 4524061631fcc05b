// Resolves a profile's specification: inheritance, defaults, consistency.
import type { Origin } from '../model/diagnostic.ts';
import { parsePointer, unescapeSegment, type JsonObject } from '../model/json.ts';
import type { Profile, Rule } from '../model/profile.ts';
import { matchesPattern } from './patterns.ts';
import { compileSchema } from './schema-compiler.ts';
import { article } from './schema-errors.ts';
import { checkSettings, unknownSetting } from './settings.ts';
import { keysOf } from './rules.ts';
import type { AgentProfileSpec } from './spec.ts';

export interface ProfileProblem {
  /** Path below `spec`; for an inherited value, the path that it would have. */
  readonly path: readonly string[];
  readonly message: string;
  readonly hint?: string;
}

export interface ResolvedProfile {
  /** Undefined if there are problems. */
  readonly profile: Profile | undefined;
  readonly problems: readonly ProfileProblem[];
}

/** Ids of modules: 1 to 128 of these characters; "$" is reserved by IoT Hub as the first. */
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
      message: `"${spec.section}" is not a JSON pointer to a section.`,
      hint: 'Write "/name", or "" for the root.',
    });
  }
  const wrongSchema = spec.schema === undefined ? undefined : findWrongSchema(name, spec.schema);
  if (wrongSchema !== undefined) problems.push(wrongSchema);
  const inherited = spec.schema === undefined || wrongSchema !== undefined ? base : notesUnder(spec.schema, base);
  const acknowledgement = spec.acknowledgement ?? base?.acknowledgement ?? { type: 'None' };
  if (spec.nudge === true && acknowledgement.type !== 'Mirror') {
    problems.push({
      path: ['nudge'],
      message: `Profile "${name}" can't nudge: its agent does not report its effective settings.`,
      hint: 'It needs `acknowledgement: {type: Mirror}`; else leave `nudge` out.',
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
    rules: [...((spec.rules ?? []) as Rule[]), ...(inherited?.rules ?? [])],
    defaults: { ...inherited?.defaults, ...spec.defaults },
    sensitive: [...(base?.sensitive ?? []), ...(spec.sensitive ?? [])],
    deny: [...(base?.deny ?? []), ...(spec.deny ?? [])],
    preserve: [...(base?.preserve ?? []), ...(spec.preserve ?? [])],
    // Only a report of the effective settings shows that the agent lost some.
    nudge: (spec.nudge ?? base?.nudge ?? false) && acknowledgement.type === 'Mirror',
    acknowledgement,
    endOfSupport: spec.endOfSupport ?? base?.endOfSupport,
  };
  if (wrongSchema === undefined) {
    problems.push(...checkRuleKeys(profile), ...checkNames(profile, spec), ...checkDefaults(profile));
  }
  return { profile: problems.length === 0 ? profile : undefined, problems };
}

function findWrongSchema(name: string, schema: JsonObject): ProfileProblem | undefined {
  try {
    compileSchema(schema);
    return undefined;
  } catch (error) {
    const words = error instanceof Error ? error.message : 'it does not compile';
    // The compiler's first finding; the others repeat it for alternatives.
    const reason = words
      .replace(/^schema is invalid: /, '')
      .split(', data')[0]
      ?.replaceAll(/\bdata\//g, '')
      .replace(
        /must be (array|boolean|integer|number|object|string)\b/,
        (_, type: string) => `must be ${article(type)}`,
      );
    const message = `The schema of profile "${name}" is wrong: ${reason}.`;
    return { path: ['schema'], message, hint: 'It must be JSON Schema 2020-12, complete in itself.' };
  }
}

/** Rules and defaults of the base for settings that exist in the new schema. */
function notesUnder(schema: JsonObject, base: Profile | undefined): Pick<Profile, 'rules' | 'defaults'> | undefined {
  if (base === undefined) return undefined;
  const own: Profile = { ...base, schema };
  const exists = (key: string): boolean => unknownSetting(own, key) === undefined;
  return {
    rules: base.rules.filter((rule) => keysOf(rule).every(exists)),
    defaults: Object.fromEntries(Object.entries(base.defaults).filter(([key]) => exists(key))),
  };
}

/** A misspelt name here would silently print a secret, or compare wrongly. */
function checkNames(profile: Profile, { sensitive = [], preserve = [], comparators = [] }: AgentProfileSpec) {
  const lists: [path: string[], names: readonly string[]][] = [
    [['sensitive'], sensitive],
    [['preserve'], preserve],
    ...comparators.map(({ keys }, index): [string[], string[]] => [['comparators', String(index), 'keys'], keys]),
  ];
  return lists.flatMap(([path, names]) =>
    names.flatMap((name, index): ProfileProblem[] => {
      const top = name.split('/')[0] as string;
      // Denied settings need not be in the schema, and may be sensitive.
      if (name.includes('*') || matchesPattern(name, profile.deny)) return [];
      const unknown = unknownSetting(profile, unescapeSegment(top));
      return unknown === undefined ? [] : [toProblem([...path, String(index)], unknown.message, unknown.hint)];
    }),
  );
}

function checkRuleKeys(profile: Profile): ProfileProblem[] {
  return profile.rules.flatMap((rule, index) =>
    keysOf(rule).flatMap((key) => {
      const unknown = unknownSetting(profile, key);
      return unknown === undefined ? [] : [toProblem(['rules', String(index)], unknown.message, unknown.hint)];
    }),
  );
}

function toProblem(path: readonly string[], message: string, hint: string | undefined): ProfileProblem {
  return hint === undefined ? { path, message } : { path, message, hint };
}

/** Each default alone must match the schema; `required` does not apply. */
function checkDefaults(profile: Profile): ProfileProblem[] {
  if (Object.keys(profile.defaults).length === 0) return [];
  const { required, ...rest } = profile.schema;
  // Keep the same object if possible: each schema is compiled once.
  const alone: Profile = { ...profile, schema: required === undefined ? profile.schema : rest, deny: [] };
  return checkSettings(alone, profile.defaults).map(({ path, message }) => ({
    path: ['defaults', ...path],
    message: `A default of profile "${profile.name}" is wrong. ${message}`,
  }));
}
