// Rules between settings, checked on the merged settings.
import { deepEqual, getKey, type Json, type JsonObject } from '../model/json.ts';
import type { Profile, Rule, RuleSeverity } from '../model/profile.ts';
import { parseDuration } from './duration.ts';
import { listItems } from './meaning.ts';
import { matchesPattern } from './patterns.ts';

export interface RuleFinding {
  readonly severity: RuleSeverity;
  /** The settings that the rule checked. */
  readonly keys: readonly string[];
  /** A sentence with the values that break the rule. */
  readonly message: string;
}

/** `settings` are plain; absent settings count with the agent's default, and a rule without a value to check holds. */
export function checkRules(profile: Profile, settings: JsonObject): RuleFinding[] {
  const read = (key: string): Json | undefined => getKey(settings, key) ?? getKey(profile.defaults, key);
  return profile.rules
    .filter((rule) => keysOf(rule).some((key) => Object.hasOwn(settings, key)) && !holds(rule, read))
    .map((rule) => ({ severity: rule.severity, keys: keysOf(rule), message: describe(profile, rule, read) }));
}

export function keysOf(rule: Rule): readonly string[] {
  switch (rule.type) {
    case 'MultipleOf':
    case 'AscendingCsv':
      return [rule.key];
    case 'NotGreater':
      return [rule.lesser, rule.greater];
    case 'RequiredWhen':
      return [rule.key, ...rule.required];
  }
}

function holds(rule: Rule, read: (key: string) => Json | undefined): boolean {
  switch (rule.type) {
    case 'MultipleOf': {
      const value = read(rule.key);
      return typeof value !== 'number' || value % rule.divisor === 0;
    }
    case 'NotGreater': {
      const lesser = measure(read(rule.lesser), rule.as);
      const greater = measure(read(rule.greater), rule.as);
      return lesser === undefined || greater === undefined || lesser <= greater;
    }
    case 'RequiredWhen':
      return !deepEqual(read(rule.key), rule.equals) || rule.required.every((key) => isGiven(read(key)));
    case 'AscendingCsv': {
      const value = read(rule.key);
      return typeof value !== 'string' || isAscending(listItems(value).map(Number), rule.multiples);
    }
  }
}

function measure(value: Json | undefined, as: 'number' | 'duration'): number | undefined {
  if (as === 'number') return typeof value === 'number' ? value : undefined;
  return typeof value === 'string' ? parseDuration(value) : undefined;
}

function isGiven(value: Json | undefined): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isAscending(numbers: readonly number[], multiples: boolean): boolean {
  return numbers.slice(1).every((number, index) => {
    const faster = numbers[index] as number;
    return number >= faster && (!multiples || (faster > 0 && number % faster === 0));
  });
}

function describe(profile: Profile, rule: Rule, read: (key: string) => Json | undefined): string {
  const values = keysOf(rule)
    .filter((key) => !matchesPattern(key, profile.sensitive))
    .map((key) => `${key} is ${JSON.stringify(read(key) ?? null)}`);
  const found = values.length === 0 ? '' : ` (${values.join(', ')})`;
  return `${rule.message.replace(/\.$/, '')}${found}.`;
}
