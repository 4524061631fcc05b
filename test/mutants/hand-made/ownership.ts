// Mutants of who owns a setting, and of what else acts on the twin.
import type { HandMade } from '../mutant.ts';

export const OWNERSHIP: readonly HandMade[] = [
  {
    name: 'an owner that retains its settings loses them when it leaves the source',
    in: 'fateOf',
    code: "entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released'",
    replacement: "'OwnerRemoved'",
  },
  {
    name: 'an owner that asks for removal is only released',
    in: 'fateOf',
    code: "entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released'",
    replacement: "'Released'",
  },
  {
    name: 'a device whose tags were wiped leaves its groups',
    in: 'fateOf',
    code: '!isManaged || mayComeBack',
    replacement: '!isManaged',
  },
  {
    name: 'the last configuration to leave a device takes its settings along',
    in: 'fateOf',
    code: '!isManaged || mayComeBack',
    replacement: 'mayComeBack',
  },
  {
    name: 'a profile that keeps what is removed is not asked',
    in: 'isRemovable',
    code: "if (profile.onRemove === 'Keep') return false;",
    replacement: '',
  },
  {
    name: 'a key that the profile denies is removed',
    in: 'isRemovable',
    code: '[...profile.preserve, ...profile.deny]',
    replacement: 'profile.preserve',
  },
  {
    name: 'a setting that was only written where it was absent is owned',
    in: 'expectedOwners',
    code: "({ atom, owner }) => owner === configuration.owner && atom.policy === 'Override'",
    replacement: '({ owner }) => owner === configuration.owner',
  },
  {
    name: 'a setting that is to be written only where it is absent is put back',
    in: 'isMet',
    code: "if (atom.policy === 'IfNotPresent' && live !== undefined) return true;",
    replacement: '',
  },
  {
    name: 'the hashes of names are cut shorter than they are read',
    in: 'hashName',
    code: "hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES)",
    replacement: "hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES - 1)",
  },
  {
    name: 'a record with owners that are not expected counts as in sync',
    in: 'sameOwn',
    code: 'if (Object.keys(live).length !== Object.keys(ours).length) return false;',
    replacement: '',
  },
  {
    name: 'the record of a newer version is rewritten',
    in: 'readRecord',
    code: "if (version > RECORD_VERSION) return { kind: 'newer', version };",
    replacement: '',
  },
  {
    name: 'equal priorities are settled by the order of names',
    in: 'merge',
    code: 'winner.priority > claim.priority',
    replacement: 'winner.priority >= claim.priority',
  },
  {
    name: 'the lower priority wins',
    in: 'compareLayers',
    code: 'b.configuration.priority - a.configuration.priority',
    replacement: 'a.configuration.priority - b.configuration.priority',
  },
  {
    name: 'rules are not checked on what layers give together',
    in: 'CHECKS',
    code: '[checkConflicts, checkProfilesOverlap, checkMergedRules]',
    replacement: '[checkConflicts, checkProfilesOverlap]',
  },
];

export const OTHERS: readonly HandMade[] = [
  {
    name: 'corrections are never forgotten',
    in: 'decayed',
    code: 'count * 0.5 ** (Math.abs(nowMs / 1_000 - atSeconds) / HALF_LIFE_SECONDS)',
    replacement: 'count',
  },
  {
    name: 'a contested setting is written for ever',
    in: 'isContested',
    code: 'contest.count >= CONTESTED_FROM',
    replacement: 'contest.count > CONTESTED_FROM + 1',
  },
  {
    name: 'nudges have no end',
    in: 'nextNudge',
    code: 'isEarly || before.count >= NUDGES_MAX',
    replacement: 'isEarly',
  },
  {
    name: 'nudges have no pause',
    in: 'nextNudge',
    code: 'isEarly || before.count >= NUDGES_MAX',
    replacement: 'before.count >= NUDGES_MAX',
  },
  {
    name: 'an agent that refused what we wrote last is sent it again',
    in: 'unlessForgotten',
    code: 'if (isLastWriter(live, facts.input.instance)) return otherwise;',
    replacement: '',
  },
  {
    name: 'a module that IoT Edge manages is written',
    in: 'needsIdentity',
    code: 'device.iotEdge',
    replacement: '!device.iotEdge',
  },
  {
    name: 'an automatic configuration of the hub is argued with',
    in: 'hasApplied',
    code: "entry['status'] === 'Applied'",
    replacement: "entry['status'] === 'applied'",
  },
  {
    name: 'what we remember of a module is told of the one that took its place',
    in: 'memoryOfTaken',
    code: "own !== undefined && typeof version === 'number' && version >= own",
    replacement: "own !== undefined && typeof version === 'number'",
  },
];
