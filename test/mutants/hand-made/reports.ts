// Mutants of what is reported: acknowledgements, conditions, secrets in plans.
import type { HandMade } from '../mutant.ts';

export const REPORTS: readonly HandMade[] = [
  {
    name: 'what is only written is told as applied',
    in: 'readAcknowledgement',
    code: "state: 'Written'",
    replacement: "state: 'Applied'",
  },
  {
    name: 'a report from before the write counts as its answer',
    in: 'isFresh',
    code: 'report !== undefined && write !== undefined && report >= write',
    replacement: 'report !== undefined',
  },
  {
    name: 'an answer to an earlier version counts',
    in: 'readPnp',
    code: "!isObject(reply) || typeof code !== 'number' || !isAtLeast(getKey(reply, 'av'), written)",
    replacement: "!isObject(reply) || typeof code !== 'number'",
  },
  {
    name: 'settings that the agent does not report are taken for applied',
    in: 'readMirror',
    code: "missing.length > 0 ? answer('Unsupported', missing) : answer('Applied')",
    replacement: "answer('Applied')",
  },
  {
    name: 'of several answers the best is told',
    in: 'acknowledgementOf',
    code: 'badness(a) - badness(b)',
    replacement: 'badness(b) - badness(a)',
  },
  {
    name: 'a revision counts as applied while work is left',
    in: 'HubLoop.#summarize',
    code: 'if (this.#queue.size > 0) return;',
    replacement: '',
  },
  {
    name: 'a hub is ready although twins fail',
    in: 'readyOfHub',
    code: 'failing > 0',
    replacement: 'failing < 0',
  },
  {
    name: 'a secret inside a value is printed in a plan',
    in: 'createRedaction',
    code: 'redact([...path, key], value[key] as Json)',
    replacement: 'value[key] as Json',
  },
  {
    name: 'the line of a change prints a secret',
    in: 'valuesText',
    code: '(value: Json): string => (sensitive ? REDACTED : shortValue(value))',
    replacement: '(value: Json): string => shortValue(value)',
  },
  {
    name: 'a change of a secret is printed as data',
    in: 'settingDocument',
    code: '(value: Json): Json => (sensitive ? REDACTED : redact(path, value))',
    replacement: '(value: Json): Json => redact(path, value)',
  },
  {
    name: 'a setting with a secret deep inside is not sensitive',
    in: 'encodeSettings',
    code: 'holdsMatch(name, value, profile.sensitive)',
    replacement: 'matchesPattern(name, profile.sensitive)',
  },
];
