// Mutants of the change feed and of what its hints cause.
import type { HandMade } from '../mutant.ts';

const checks = [
  'test/controller/hints/hints.test.ts',
  'test/controller/hints/keys-of-change.test.ts',
  'test/controller/change-feed.test.ts',
  'test/adapters/event-hub.test.ts',
];

export const HINTS: readonly HandMade[] = [
  {
    name: 'a pass ends the hints that came while it was made',
    in: 'TwinTable.endPass',
    code: 'hintedIn !== undefined && hintedIn < this.#pass',
    replacement: 'hintedIn !== undefined',
    checks,
  },
  {
    name: 'hints that find no room are forgotten',
    in: 'Hints.add',
    code: 'this.#overflow = this.#twins.pass;',
    replacement: '',
    checks,
  },
  {
    name: 'hints of who writes our record of before back are taken for our own',
    in: 'isOwnWrite',
    code: "isObject(record) && getKey(record, 'desired') === desiredVersion",
    replacement: 'isObject(record)',
    checks,
  },
  {
    name: 'hints of who writes nothing but our record of before are taken for our own',
    in: 'isOwnWrite',
    code: 'sentEtag !== undefined && recordedEtag({ tags }, instance) === sentEtag',
    replacement: 'recordedEtag({ tags }, instance) !== undefined',
    checks,
  },
  {
    name: 'hints pass what guards could refuse',
    in: 'planGated',
    code: 'counted?.target === target.digest && hints?.hasDevice(device.deviceId) !== true',
    replacement: 'counted?.target === target.digest',
    checks,
  },
  {
    name: 'whoever writes to a twin takes back what a pass has counted of it',
    in: 'planGated',
    code: 'hints?.hasDevice(device.deviceId)',
    replacement: 'hints?.has(keyOf(device.deviceId, target.moduleId))',
    checks,
  },
  {
    name: 'what a pass has counted passes whatever is declared for the twin since',
    in: 'planGated',
    code: 'counted?.target === target.digest',
    replacement: 'counted !== undefined',
    checks,
  },
  {
    name: 'hints change what an exception with a limit has not counted',
    in: 'CountGate.constructor',
    code: 'guardedRisks(hub.guards) | (isCounted ? RISK.changes : 0)',
    replacement: 'guardedRisks(hub.guards)',
    checks,
  },
  {
    name: 'what a pass counts is queued before it has ended',
    in: 'queuePass',
    code: 'isClear && (risks & gates.limits) === 0',
    replacement: 'isClear',
    checks,
  },
  {
    name: 'hints are looked at whatever that costs',
    in: 'HintHandler.run',
    code: 'if (isAlone && !isAllowed) return undefined;',
    replacement: '',
    checks,
  },
  {
    name: 'hints are lost for good with the connection',
    in: 'ChangeWatch.#run',
    code: 'await this.#alarm.wait(backoffMs(this.#failures, pace, random));',
    replacement: 'return;',
    checks,
  },
  {
    name: 'hints of another hub are taken',
    in: 'ChangeWatch.#take',
    code: 'if (!isHubName(change.hubName, hostName)) return this.#noteStranger(change.hubName);',
    replacement: '',
    checks,
  },
  {
    name: 'hints are said to come before any partition is read',
    in: 'watch',
    code: 'const noteOpen = (partitionId: string): void => { if (!opening.delete(partitionId) || opening.size > 0) return; isOpen(); onOpen(); };',
    replacement:
      'const noteOpen = (partitionId: string): void => { if (!opening.delete(partitionId) || opening.size > 0) return; isOpen(); onOpen(); }; onOpen();',
    checks,
  },
  {
    name: 'hints of a partition that is lost are not missed',
    in: 'watch',
    code: 'reject(error);',
    replacement: '',
    checks,
  },
];
