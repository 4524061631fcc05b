// Mutants of modes, suspensions and exceptions.
import type { HandMade } from '../mutant.ts';

export const MODES: readonly HandMade[] = [
  {
    name: 'the mode of a group is ignored',
    in: 'createSelection',
    code: 'observedGroups.find((group) => matches(group.selector, device))?.name',
    replacement: 'undefined',
  },
  {
    name: 'the mode of a configuration is ignored',
    in: 'toLayer',
    code: "ceiling ?? (mode === 'Observe' ? owner : undefined)",
    replacement: 'ceiling',
  },
  {
    name: 'modules are created on a hub that is only observed',
    in: 'underCeiling',
    code: "if (facts.input.hubMode === 'Enforce' || !writes(action)) return action;",
    replacement: "if (facts.input.hubMode === 'Enforce' || !writes(action) || action.type === 'Create') return action;",
  },
  {
    name: 'suspend is ignored',
    in: 'toLayer',
    code: "if (suspend) return { ...selected, state: 'Suspended' };",
    replacement: '',
  },
  {
    name: 'the suspension of one device is ignored',
    in: 'indexSuspensions',
    code: '(deviceId) => everything ?? devices.get(deviceId)',
    replacement: '() => everything',
  },
  {
    name: 'the suspension of a configuration is looked up by the wrong name',
    in: 'ownerName',
    code: "owner.indexOf('/') + 1",
    replacement: "owner.indexOf('/')",
  },
  {
    name: 'a suspension that can not be read stops nothing',
    in: 'readSuspensions',
    code: 'raw.map((item) => readSuspension(item) ?? UNREADABLE)',
    replacement: 'raw.flatMap((item) => readSuspension(item) ?? [])',
  },
  {
    name: 'a suspension does not end by itself',
    in: 'suspensionsInForce',
    code: 'untilMs > nowMs',
    replacement: 'untilMs > 0',
    checks: ['test/model', 'test/controller', 'test/cli'],
  },
  {
    name: 'what a frozen layer would win goes to the one below',
    in: 'buildTarget',
    code: 'everyone.atoms.filter(({ owner }) => frozenOwners.has(owner))',
    replacement: '[]',
  },
  {
    name: 'what a frozen layer is recorded to own goes to the one below',
    in: 'createFreedom',
    code: 'if (keptPaths.overlapping(path).some((keptPriority) => keptPriority >= priority)) return false;',
    replacement: '',
  },
  {
    name: 'what frozen layers name is removed',
    in: 'buildTarget',
    code: 'placesNamedOnly(layers)',
    replacement: 'placesNamedOnly(enforced)',
  },
  {
    name: 'rules are not checked against what frozen layers keep',
    in: 'patchAction',
    code: 'target.hasFrozen ? findFrozenRule(profiles, ownership, next) : undefined',
    replacement: 'undefined',
  },
];

export const EXCEPTIONS: readonly HandMade[] = [
  {
    name: 'an exception does not end',
    in: 'activeAt',
    code: 'if (exceptions.every(({ expiresAtMs }) => expiresAtMs > nowMs)) return declared;',
    replacement: 'return declared;',
  },
  {
    name: 'nobody looks when an exception ends',
    in: 'endRest',
    code: 'if (state.expiryMs > nowMs) return startTurn(state);',
    replacement: 'return startTurn(state);',
  },
  {
    name: 'the end of an exception overwrites what others wrote meanwhile',
    in: 'findRestores',
    code: 'if (!isStillTheirs(owner, entry, path, before, restoring)) continue;',
    replacement: '',
  },
  {
    name: 'the end of an exception removes what it should put back',
    in: 'findRestores',
    code: 'remembered?.value ?? heirs.get(formatPointer(path))?.value',
    replacement: 'heirs.get(formatPointer(path))?.value',
  },
  {
    name: 'a second exception remembers the value of the first',
    in: 'rememberOne',
    code: 'exception !== undefined',
    replacement: 'exception?.owner === owner',
  },
  {
    name: 'an exception for so many devices reaches one more',
    in: 'findTooWide',
    code: 'count <= maxDevices',
    replacement: 'count <= maxDevices + 1',
  },
  {
    name: 'an exception whose devices nobody counted is written',
    in: 'findTooWide',
    code: 'count !== undefined && count <= maxDevices',
    replacement: 'count === undefined || count <= maxDevices',
  },
];
