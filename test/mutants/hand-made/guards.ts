// Mutants of guards, approvals and saved plans.
import type { HandMade } from '../mutant.ts';

export const GUARDS: readonly HandMade[] = [
  {
    name: 'a limit refuses what just fits',
    in: 'checkAll',
    code: 'count > most',
    replacement: 'count >= most',
  },
  {
    name: 'a limit lets one twin more pass',
    in: 'checkAll',
    code: 'count > most',
    replacement: 'count > most + 1',
  },
  {
    name: 'a share is rounded down',
    in: 'mostOf',
    code: 'Math.ceil((Math.round(limit.share * 100) * devices) / 100)',
    replacement: 'Math.floor((Math.round(limit.share * 100) * devices) / 100)',
  },
  {
    name: 'removals count against the limit of changes alone',
    in: 'LIMIT_OF',
    code: "TooManyRemoved: 'maxRemoved'",
    replacement: "TooManyRemoved: 'maxChanged'",
  },
  {
    name: 'departures go by the limit of removals',
    in: 'LIMIT_OF',
    code: "TooManyUnassigned: 'maxUnassigned'",
    replacement: "TooManyUnassigned: 'maxRemoved'",
  },
  {
    name: 'creations go by the limit of changes',
    in: 'LIMIT_OF',
    code: "TooManyCreated: 'maxCreated'",
    replacement: "TooManyCreated: 'maxChanged'",
  },
  {
    name: 'one more configuration may be missing from the source',
    in: 'checkAll',
    code: 'Math.max(OWNERS_MISSING_MIN, Math.ceil(owners * OWNERS_MISSING_SHARE)) - 1',
    replacement: 'Math.max(OWNERS_MISSING_MIN, Math.ceil(owners * OWNERS_MISSING_SHARE))',
  },
  {
    name: 'a list that is just long enough is refused',
    in: 'checkAll',
    code: 'unlisted > unlistedMost',
    replacement: 'unlisted >= unlistedMost',
  },
  {
    name: 'a short list is never counted',
    in: 'makePass',
    code: 'rules.gates.dependsOnDeviceCount',
    replacement: 'false',
  },
  {
    name: 'an approval holds for any number of twins',
    in: 'decideGuards',
    code: 'isForThis && twins <= (approval?.count ?? -1)',
    replacement: 'isForThis',
  },
  {
    name: 'an approval holds for any change',
    in: 'isSame',
    code: 'approval?.fingerprint === fingerprint',
    replacement: 'approval !== undefined',
  },
  {
    name: 'an approval that is half done covers new changes too',
    in: 'isSame',
    code: 'shapes.every((shape) => earlier.shapes.includes(shape))',
    replacement: 'shapes.some((shape) => earlier.shapes.includes(shape))',
  },
  {
    name: 'drift counts as a change',
    in: 'risksOf',
    code: 'if (UNGUARDED.has(cause)) continue;',
    replacement: '',
  },
  {
    name: 'a device that nobody manages any more is no departure',
    in: 'risksOf',
    code: "if (action.type === 'Keep' && action.reason === 'Unassigned') return RISK.departs;",
    replacement: '',
  },
  {
    name: 'what the guards refuse is held in the queue and nowhere else',
    in: 'queuePass',
    code: 'context.rules = end.rules;',
    replacement: "context.rules = { ...end.rules, gates: { ...end.rules.gates, allows: () => 'Allowed' } };",
  },
  {
    name: 'what no pass has counted is written',
    in: 'CountGate.allows',
    code: '(risks & this.limits & ~allowed) === 0',
    replacement: 'allowed >= 0',
  },
  {
    name: 'new manifests are acted on before the guards have spoken',
    in: 'GuardGate.allows',
    code: "if (this.#decision === undefined) return (risks & this.limits) === 0 ? 'Allowed' : NOT_JUDGED;",
    replacement: "if (this.#decision === undefined) return 'Allowed';",
  },
  {
    name: 'the plan of a file is written to a twin that has changed',
    in: 'staleness',
    code: "if ((etag ?? null) !== saved.etag) return 'it was written to since';",
    replacement: '',
  },
  {
    name: 'something else is written than a file has planned',
    in: 'staleness',
    code: "if (actionDigest(action) !== saved.digest) return 'something else would be done now';",
    replacement: '',
  },
];
