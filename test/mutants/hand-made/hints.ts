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
    in: 'Hints.endPass',
    code: 'if (passes < this.#passes) hinted.delete(name);',
    replacement: 'hinted.delete(name);',
    checks,
  },
  {
    name: 'hints that find no room are forgotten',
    in: 'Hints.add',
    code: 'this.#overflow = this.#passes;',
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
    in: 'judged',
    code: 'known?.target === target && hints?.hasDevice(device.deviceId) !== true',
    replacement: 'known?.target === target',
    checks,
  },
  {
    name: 'whoever writes to a twin takes back what a pass has counted of it',
    in: 'judged',
    code: 'hints?.hasDevice(device.deviceId)',
    replacement: 'hints?.has(keyOf(device.deviceId, target.moduleId))',
    checks,
  },
  {
    name: 'what a pass has counted passes whatever is declared for the twin since',
    in: 'judged',
    code: 'known?.target === target',
    replacement: 'known !== undefined',
    checks,
  },
  {
    name: 'hints change what an exception with a limit has not counted',
    in: 'countedRisks',
    code: 'guardedRisks(declaredHubOf(scope).guards) | (isCounted ? RISK.changes : 0)',
    replacement: 'guardedRisks(declaredHubOf(scope).guards)',
    checks,
  },
  {
    name: 'what a pass counts is queued before it has ended',
    in: 'makePass',
    code: 'isClear && (risks & limited) === 0',
    replacement: 'isClear',
    checks,
  },
  {
    name: 'hints are looked at whatever that costs',
    in: 'HintIntake.look',
    code: 'if (isAlone && !isAllowed) return undefined;',
    replacement: '',
    checks,
  },
  {
    name: 'hints are lost for good with the connection',
    in: 'FeedLoop.#run',
    code: 'await this.#alarm.wait(backoffMs(this.#failures, pace, random));',
    replacement: 'return;',
    checks,
  },
  {
    name: 'hints of another hub are taken',
    in: 'FeedLoop.#take',
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
