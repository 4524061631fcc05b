// Bugs that somebody could well have made, each at one place of the code.
import type { Mutant } from './mutant.ts';

export interface HandMade {
  /** What goes wrong, in plain words. */
  readonly name: string;
  /** From `src/`. */
  readonly file: string;
  /** Exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
  readonly checks?: readonly string[];
}

const WRITES: readonly HandMade[] = [
  {
    name: 'a patch goes out without If-Match',
    file: 'adapters/iot-hub.ts',
    text: 'path: twinPath(ref), headers, body: patch, purpose, signal });',
    replacement: 'path: twinPath(ref), body: patch, purpose, signal });',
  },
  {
    name: 'a patch goes out with If-Match: *',
    file: 'adapters/iot-hub.ts',
    text: 'const headers = { \'If-Match\': `"${etag}"` };',
    replacement: "const headers = { 'If-Match': '\"*\"' };",
  },
  {
    name: 'the answer about another module of the device is believed',
    file: 'adapters/iot-hub.ts',
    text: "return isObject(body) && body['deviceId'] === deviceId && body['moduleId'] === moduleId;",
    replacement: "return isObject(body) && body['deviceId'] === deviceId;",
  },
  {
    name: 'settings are written without the record',
    file: 'plan/plan-twin.ts',
    text: 'const patch = { tags, properties: { desired: desiredPatch(desired, next, changes, profiles) } };',
    replacement: 'const patch = { properties: { desired: desiredPatch(desired, next, changes, profiles) } };',
  },
  {
    name: 'the record takes the place of those of other installations',
    file: 'plan/record-write.ts',
    text: 'const isLast = isObject(records) && Object.keys(records).length === 1;',
    replacement: 'const isLast = isObject(records);',
  },
  {
    name: 'the record names the etag before the write',
    file: 'plan/record.ts',
    text: 'etagOfCounter(counter + 1n)',
    replacement: 'etagOfCounter(counter)',
  },
  {
    name: 'an answer that is not what was written is believed',
    file: 'controller/reconcile.ts',
    text: '  if (writes(next)) {',
    replacement: "  if (next.type === 'Create') {",
  },
  {
    name: 'a twin one byte too large is written',
    file: 'plan/limits.ts',
    text: 'if (tagBytes >= TAGS_BYTES_MAX)',
    replacement: 'if (tagBytes > TAGS_BYTES_MAX)',
  },
];

const LISTS: readonly HandMade[] = [
  {
    name: 'a list ends after its second page',
    file: 'adapters/iot-hub.ts',
    text: "if (typeof next !== 'string' || next === continuation) throw malformed(purpose);",
    replacement: 'if (continuation !== undefined) return;',
  },
  {
    name: 'an empty list of devices is believed',
    file: 'controller/survey.ts',
    text: 'if (list.facts.size + list.reserved === 0 && (await hub.countDevices(signal)) > 0) return false;',
    replacement: '',
  },
  {
    name: 'an empty list of twins is believed',
    file: 'controller/survey.ts',
    text: "if (listed.size === 0 && (await isListWrong(scope, moduleIds, signal))) return 'ListEmpty';",
    replacement: '',
  },
  {
    name: 'a list of devices that fails midway is taken for whole',
    file: 'controller/survey.ts',
    text: 'for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts);',
    replacement:
      'try { for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts); } catch {}',
  },
  {
    name: 'a list of twins that fails midway is taken for whole',
    file: 'controller/survey.ts',
    text: 'const listed = await visitTwins(scope, moduleIds, visit, signal);',
    replacement: 'const listed = await visitTwins(scope, moduleIds, visit, signal).catch(() => new Set<string>());',
  },
  {
    name: 'a 404 of a proxy means that a device is gone',
    file: 'adapters/iot-hub-errors.ts',
    text: "404: 'Unavailable',",
    replacement: "404: 'NotFound',",
  },
  {
    name: 'a module that is not listed is taken for missing without a direct read',
    file: 'controller/intake.ts',
    text: "if (before !== undefined || action.type !== 'Skip') return 'Resync';",
    replacement: '',
  },
  {
    name: 'a source without any manifest is handed on',
    file: 'controller/source-loop.ts',
    text: "if (documents === 0) return this.#refuse('SourceEmpty', NO_MANIFEST);",
    replacement: '',
  },
  {
    name: 'a source that holds nothing removes everything',
    file: 'plan/ownership.ts',
    text: "if (isEmptySource(declared)) return 'SourceEmpty';",
    replacement: '',
  },
  {
    name: 'a part of the source is taken for all of it',
    file: 'plan/ownership.ts',
    text: "if (declared.partial) return 'OutOfInput';",
    replacement: '',
  },
];

const DIRECT_READS: readonly HandMade[] = [
  {
    name: 'a removal rests on a row of a list',
    file: 'plan/plan-twin.ts',
    text: 'moduleTwin: isMembership || isSection || hasNull(tags) || hasNull(patch.properties.desired),',
    replacement: 'moduleTwin: isMembership || isSection || hasNull(tags),',
  },
  {
    name: 'the first write of an owner does not ask whether the device is still in the group',
    file: 'plan/plan-twin.ts',
    text: 'const isMembership = isFirst || ownership.departed;',
    replacement: 'const isMembership = ownership.departed;',
  },
  {
    name: 'a departure does not ask whether the device really left the group',
    file: 'plan/plan-twin.ts',
    text: 'const isMembership = isFirst || ownership.departed;',
    replacement: 'const isMembership = isFirst;',
  },
  {
    name: 'the reads that an action asks for are not made',
    file: 'controller/reconcile.ts',
    text: 'if (!decision.action.needs.deviceTwin) return decision;',
    replacement: 'return decision;',
  },
  {
    name: 'what was decided by the manifests before is still written',
    file: 'controller/reconcile.ts',
    text: 'if (decision.planner !== scope.planner) continue;',
    replacement: '',
  },
];

const OWNERSHIP: readonly HandMade[] = [
  {
    name: 'an owner that retains its settings loses them when it leaves the source',
    file: 'plan/ownership.ts',
    text: "return entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released';",
    replacement: "return 'OwnerRemoved';",
  },
  {
    name: 'an owner that asks for removal is only released',
    file: 'plan/ownership.ts',
    text: "return entry.deletionPolicy === 'Remove' ? 'OwnerRemoved' : 'Released';",
    replacement: "return 'Released';",
  },
  {
    name: 'a device whose tags were wiped leaves its groups',
    file: 'plan/ownership.ts',
    text: "if (!isManaged || mayComeBack) return 'Unassigned';",
    replacement: "if (!isManaged) return 'Unassigned';",
  },
  {
    name: 'the last configuration to leave a device takes its settings along',
    file: 'plan/ownership.ts',
    text: "if (!isManaged || mayComeBack) return 'Unassigned';",
    replacement: "if (mayComeBack) return 'Unassigned';",
  },
  {
    name: 'a profile that keeps what is removed is not asked',
    file: 'plan/layering.ts',
    text: "if (profile.onRemove === 'Keep') return false;",
    replacement: '',
  },
  {
    name: 'a key that the profile denies is removed',
    file: 'plan/layering.ts',
    text: 'return !matchesPattern(name, [...profile.preserve, ...profile.deny]);',
    replacement: 'return !matchesPattern(name, profile.preserve);',
  },
  {
    name: 'a setting that was only written where it was absent is owned',
    file: 'plan/record.ts',
    text: ".filter(({ atom, owner }) => owner === configuration.owner && atom.policy === 'Override')",
    replacement: '.filter(({ owner }) => owner === configuration.owner)',
  },
  {
    name: 'a setting that is to be written only where it is absent is put back',
    file: 'plan/changes.ts',
    text: "if (atom.policy === 'IfNotPresent' && live !== undefined) return true;",
    replacement: '',
  },
  {
    name: 'the hashes of names are cut shorter than they are read',
    file: 'plan/record.ts',
    text: "return hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES);",
    replacement: "return hash('sha256', name, 'buffer').toString('base64', 0, HASH_BYTES - 1);",
  },
  {
    name: 'a record with owners that are not expected counts as in sync',
    file: 'plan/record.ts',
    text: 'if (!isObject(live) || Object.keys(live).length !== count || count === 0) return false;',
    replacement: 'if (!isObject(live) || count === 0) return false;',
  },
  {
    name: 'the record of a newer version is rewritten',
    file: 'plan/record.ts',
    text: "if (version > RECORD_VERSION) return { kind: 'newer', version };",
    replacement: '',
  },
  {
    name: 'equal priorities are settled by the order of names',
    file: 'plan/layering.ts',
    text: 'if (rivals.some((winner) => winner.priority > claim.priority)) continue;',
    replacement: 'if (rivals.some((winner) => winner.priority >= claim.priority)) continue;',
  },
  {
    name: 'the lower priority wins',
    file: 'plan/target.ts',
    text: 'return b.configuration.priority - a.configuration.priority ||',
    replacement: 'return a.configuration.priority - b.configuration.priority ||',
  },
  {
    name: 'rules are not checked on what layers give together',
    file: 'plan/hold.ts',
    text: '[checkConflicts, checkProfilesOverlap, checkMergedRules]',
    replacement: '[checkConflicts, checkProfilesOverlap]',
  },
];

const MODES: readonly HandMade[] = [
  {
    name: 'the mode of a group is ignored',
    file: 'plan/selection.ts',
    text: 'const cappedBy = observedGroups.find((group) => matches(group.selector, device))?.name;',
    replacement: 'const cappedBy = undefined;',
  },
  {
    name: 'the mode of a configuration is ignored',
    file: 'plan/target.ts',
    text: "const observedBy = ceiling ?? (mode === 'Observe' ? owner : undefined);",
    replacement: 'const observedBy = ceiling;',
  },
  {
    name: 'modules are created on a hub that is only observed',
    file: 'controller/observe-only.ts',
    text: 'return writes(action) ? observed(action) : action;',
    replacement: "return action.type === 'Patch' || action.type === 'Record' ? observed(action) : action;",
  },
  {
    name: 'suspend is ignored',
    file: 'plan/target.ts',
    text: "if (suspend) return { ...selected, state: 'Suspended' };",
    replacement: '',
  },
  {
    name: 'the suspension of one device is ignored',
    file: 'plan/suspended.ts',
    text: 'ofDevice: (deviceId) => everything ?? devices.get(deviceId),',
    replacement: 'ofDevice: () => everything,',
  },
  {
    name: 'the suspension of a configuration is looked up by the wrong name',
    file: 'plan/suspended.ts',
    text: "names.get(owner.slice(owner.indexOf('/') + 1))",
    replacement: "names.get(owner.slice(owner.indexOf('/')))",
  },
  {
    name: 'a suspension that can not be read stops nothing',
    file: 'controller/reserved-twin.ts',
    text: 'raw.map((item) => readSuspension(item) ?? UNREADABLE)',
    replacement: 'raw.flatMap((item) => readSuspension(item) ?? [])',
  },
  {
    name: 'a suspension does not end by itself',
    file: 'model/suspension.ts',
    text: 'untilMs === undefined || untilMs > nowMs',
    replacement: 'untilMs === undefined || untilMs > 0',
    checks: ['test/model', 'test/controller', 'test/cli'],
  },
  {
    name: 'what a frozen layer would win goes to the one below',
    file: 'plan/target.ts',
    text: 'frozenAtoms: everyone.atoms.filter(({ owner }) => frozenOwners.has(owner)),',
    replacement: 'frozenAtoms: [],',
  },
  {
    name: 'what a frozen layer is recorded to own goes to the one below',
    file: 'plan/ownership.ts',
    text: 'if (keptPaths.overlapping(path).some((keptPriority) => keptPriority >= priority)) return false;',
    replacement: '',
  },
  {
    name: 'what frozen layers name is removed',
    file: 'plan/target.ts',
    text: 'named: placesNamedOnly(layers),',
    replacement: 'named: placesNamedOnly(enforced),',
  },
  {
    name: 'rules are not checked against what frozen layers keep',
    file: 'plan/plan-twin.ts',
    text: 'const broken = input.target.hasFrozen ? findFrozenRule(profiles, ownership, next) : undefined;',
    replacement: 'const broken = undefined;',
  },
];

const EXCEPTIONS: readonly HandMade[] = [
  {
    name: 'an exception does not end',
    file: 'model/expiry.ts',
    text: 'if (exceptions.every(({ expiresAtMs }) => expiresAtMs > nowMs)) return declared;',
    replacement: 'return declared;',
  },
  {
    name: 'nobody looks when an exception ends',
    file: 'controller/hub-loop.ts',
    text: 'if (this.#expiryMs <= clock.now()) this.#replan();',
    replacement: '',
  },
  {
    name: 'the end of an exception overwrites what others wrote meanwhile',
    file: 'plan/exception-end.ts',
    text: 'if (!isStillTheirs(owner, entry, path, before, restoring)) continue;',
    replacement: '',
  },
  {
    name: 'the end of an exception removes what it should put back',
    file: 'plan/exception-end.ts',
    text: 'const after = remembered?.value ?? heirs.get(formatPointer(path))?.value;',
    replacement: 'const after = heirs.get(formatPointer(path))?.value;',
  },
  {
    name: 'a second exception remembers the value of the first',
    file: 'plan/exception-end.ts',
    text: 'if (exception !== undefined) {',
    replacement: 'if (exception?.owner === owner) {',
  },
  {
    name: 'an exception for so many devices reaches one more',
    file: 'plan/exceptions.ts',
    text: 'if (count !== undefined && count <= maxDevices) continue;',
    replacement: 'if (count !== undefined && count <= maxDevices + 1) continue;',
  },
  {
    name: 'an exception whose devices nobody counted is written',
    file: 'plan/exceptions.ts',
    text: 'if (count !== undefined && count <= maxDevices) continue;',
    replacement: 'if (count === undefined || count <= maxDevices) continue;',
  },
];

const GUARDS: readonly HandMade[] = [
  {
    name: 'a limit refuses what just fits',
    file: 'plan/guards.ts',
    text: 'isRefused: most !== undefined && count > most };',
    replacement: 'isRefused: most !== undefined && count >= most };',
  },
  {
    name: 'a limit lets one twin more pass',
    file: 'plan/guards.ts',
    text: 'isRefused: most !== undefined && count > most };',
    replacement: 'isRefused: most !== undefined && count > most + 1 };',
  },
  {
    name: 'a share is rounded down',
    file: 'plan/guards.ts',
    text: 'Math.ceil((Math.round(limit.share * 100) * devices) / 100)',
    replacement: 'Math.floor((Math.round(limit.share * 100) * devices) / 100)',
  },
  {
    name: 'removals count against the limit of changes alone',
    file: 'plan/guards.ts',
    text: "TooManyRemoved: 'maxRemoved',",
    replacement: "TooManyRemoved: 'maxChanged',",
  },
  {
    name: 'departures go by the limit of removals',
    file: 'plan/guards.ts',
    text: "TooManyUnassigned: 'maxUnassigned',",
    replacement: "TooManyUnassigned: 'maxRemoved',",
  },
  {
    name: 'creations go by the limit of changes',
    file: 'plan/guards.ts',
    text: "TooManyCreated: 'maxCreated',",
    replacement: "TooManyCreated: 'maxChanged',",
  },
  {
    name: 'one more configuration may be missing from the source',
    file: 'plan/guards.ts',
    text: 'Math.max(OWNERS_MISSING_MIN, Math.ceil(owners * OWNERS_MISSING_SHARE)) - 1;',
    replacement: 'Math.max(OWNERS_MISSING_MIN, Math.ceil(owners * OWNERS_MISSING_SHARE));',
  },
  {
    name: 'a list that is just long enough is refused',
    file: 'plan/guards.ts',
    text: 'isRefused: unlistedMost !== undefined && unlisted > unlistedMost,',
    replacement: 'isRefused: unlistedMost !== undefined && unlisted >= unlistedMost,',
  },
  {
    name: 'a short list is never counted',
    file: 'controller/pass.ts',
    text: 'const isListJudged = (gatherer.risks & RISKS_OF_SHORT_LIST) !== 0;',
    replacement: 'const isListJudged = false;',
  },
  {
    name: 'an approval holds for any number of twins',
    file: 'plan/guards.ts',
    text: 'const isApproved = isForThis && twins <= (approval?.count ?? -1);',
    replacement: 'const isApproved = isForThis;',
  },
  {
    name: 'an approval holds for any change',
    file: 'plan/guards.ts',
    text: 'if (approval?.fingerprint === fingerprint) return true;',
    replacement: 'if (approval !== undefined) return true;',
  },
  {
    name: 'an approval that is half done covers new changes too',
    file: 'plan/guards.ts',
    text: 'return shapes.every((shape) => earlier.shapes.includes(shape));',
    replacement: 'return shapes.some((shape) => earlier.shapes.includes(shape));',
  },
  {
    name: 'drift counts as a change',
    file: 'plan/risk.ts',
    text: 'if (UNGUARDED.has(cause)) continue;',
    replacement: '',
  },
  {
    name: 'a device that nobody manages any more is no departure',
    file: 'plan/risk.ts',
    text: "if (action.type === 'Keep' && action.reason === 'Unassigned') return RISK.departs;",
    replacement: '',
  },
  {
    name: 'what the guards refuse is held in the queue and nowhere else',
    file: 'controller/pass.ts',
    text: 'scope.planner = judged(scope, guards, counted);',
    replacement: 'scope.planner = open;',
  },
  {
    name: 'what no pass has counted is written',
    file: 'controller/guarded.ts',
    text: 'const risks = isSame ? known.risks : 0;',
    replacement: 'const risks = limited;',
  },
  {
    name: 'new manifests are acted on before the guards have spoken',
    file: 'controller/hub-loop.ts',
    text: '      scope.planner = untilJudged(scope);',
    replacement: '      scope.planner = scope.open;',
  },
  {
    name: 'the plan of a file is written to a twin that has changed',
    file: 'plan/saved-plan.ts',
    text: "if ((action.etag ?? null) !== saved.etag) return 'somebody wrote to it since';",
    replacement: '',
  },
  {
    name: 'something else is written than a file has planned',
    file: 'plan/saved-plan.ts',
    text: "if (actionDigest(action) !== saved.digest) return 'something else would be done now';",
    replacement: '',
  },
];

const OTHERS: readonly HandMade[] = [
  {
    name: 'corrections are never forgotten',
    file: 'plan/contest.ts',
    text: 'return count * 0.5 ** (Math.abs(nowMs / 1_000 - atSeconds) / HALF_LIFE_SECONDS);',
    replacement: 'return count;',
  },
  {
    name: 'a contested setting is written for ever',
    file: 'plan/contest.ts',
    text: 'contest.count >= CONTESTED_FROM && decayed',
    replacement: 'contest.count > CONTESTED_FROM + 1 && decayed',
  },
  {
    name: 'nudges have no end',
    file: 'plan/nudge.ts',
    text: 'return isEarly || before.count >= NUDGES_MAX ?',
    replacement: 'return isEarly ?',
  },
  {
    name: 'nudges have no pause',
    file: 'plan/nudge.ts',
    text: 'return isEarly || before.count >= NUDGES_MAX ?',
    replacement: 'return before.count >= NUDGES_MAX ?',
  },
  {
    name: 'an agent that refused what we wrote last is sent it again',
    file: 'plan/plan-nudge.ts',
    text: 'if (isLastWriter(live, context.instance)) return undefined;',
    replacement: '',
  },
  {
    name: 'a module that IoT Edge manages is written',
    file: 'controller/edge-lookup.ts',
    text: 'return isFirst && device.iotEdge && around.identity === undefined;',
    replacement: 'return isFirst && !device.iotEdge && around.identity === undefined;',
  },
  {
    name: 'an automatic configuration of the hub is argued with',
    file: 'plan/surroundings.ts',
    text: "return isObject(entry) && entry['status'] === 'Applied';",
    replacement: "return isObject(entry) && entry['status'] === 'applied';",
  },
  {
    name: 'what we remember of a module is told of the one that took its place',
    file: 'plan/corrections.ts',
    text: "typeof version === 'number' && version >= own ?",
    replacement: "typeof version === 'number' ?",
  },
];

const MEANING: readonly HandMade[] = [
  {
    name: 'settings are compared by text',
    file: 'plan/changes.ts',
    text: 'return sameMeaning(atom, live);',
    replacement: 'return JSON.stringify(atom.value) === JSON.stringify(live);',
  },
  {
    name: 'durations are compared by text',
    file: 'profile/meaning.ts',
    text: 'return seconds !== undefined && seconds === parseDuration(b);',
    replacement: 'return a === b;',
  },
  {
    name: 'lists that are sets are compared in order',
    file: 'profile/meaning.ts',
    text: '(text) => [...new Set(listItems(text))].toSorted());',
    replacement: '(text) => [...new Set(listItems(text))]);',
  },
  {
    name: 'tags are compared by text',
    file: 'plan/selection.ts',
    text: 'return isScalar(fact) && requirement.values.includes(fact);',
    replacement: 'return requirement.values.some((value) => String(value) === String(fact));',
  },
  {
    name: 'a device without the tag is not taken by NotIn',
    file: 'plan/selection.ts',
    text: 'return !(isScalar(fact) && requirement.values.includes(fact));',
    replacement: 'return isScalar(fact) && !requirement.values.includes(fact);',
  },
  {
    name: 'an agent that needs the whole section gets single settings',
    file: 'plan/patch.ts',
    text: "if (patchGranularity === 'section') sendWhole(patch, next, section);",
    replacement: "if (patchGranularity === 'section' && changes.length > 1) sendWhole(patch, next, section);",
  },
  {
    name: 'a whole section leaves out what is to be removed',
    file: 'plan/patch.ts',
    text: 'for (const key of Object.keys(patch)) if (patch[key] === null) setKey(merged, key, null);',
    replacement: '',
  },
  {
    name: 'what others put into a value wrapper is overwritten',
    file: 'plan/changes.ts',
    text: 'return { ...before, ...atom.value };',
    replacement: 'return atom.value;',
  },
];

const WORK: readonly HandMade[] = [
  {
    name: 'a failure is not tried again',
    file: 'controller/work-queue.ts',
    text: "const isEnd = outcome.kind === 'Settled' || outcome.kind === 'Stalled';",
    replacement: "const isEnd = outcome.kind !== 'RequeueAfter';",
  },
  {
    name: 'the backoff forgets how often it failed',
    file: 'controller/work-queue.ts',
    text: "item.failures = outcome.kind === 'Retry' ? item.failures + 1 : 0;",
    replacement: "item.failures = outcome.kind === 'Retry' ? 1 : 0;",
  },
  {
    name: 'the backoff remembers failures after a success',
    file: 'controller/work-queue.ts',
    text: "item.failures = outcome.kind === 'Retry' ? item.failures + 1 : 0;",
    replacement: "item.failures += outcome.kind === 'Retry' ? 1 : 0;",
  },
  {
    name: 'what comes for a key that is being worked on is lost',
    file: 'controller/work-queue.ts',
    text: 'item.again = higher(item.again, priority);',
    replacement: '',
  },
  {
    name: 'two workers take the same key',
    file: 'controller/work-queue.ts',
    text: "item.phase = 'active';",
    replacement: "item.phase = 'waiting';",
  },
  {
    name: 'the backoff has no jitter',
    file: 'controller/backoff.ts',
    text: 'const jitter = random.next() * ceiling;',
    replacement: 'const jitter = ceiling;',
  },
  {
    name: 'the backoff grows for ever',
    file: 'controller/backoff.ts',
    text: 'Math.min(BACKOFF_MAX_MS, baseOf(pace) * 2 ** (failures - 1))',
    replacement: 'baseOf(pace) * 2 ** (failures - 1)',
  },
  {
    name: 'a used-up quota is tried again at once',
    file: 'controller/outcome.ts',
    text: "return { kind: 'RequeueAfter', delayMs: untilNextUtcDay(nowMs) };",
    replacement: 'return RETRY;',
  },
  {
    name: 'a key is tried once too often',
    file: 'controller/ledger.ts',
    text: 'tries < this.#triesMax',
    replacement: 'tries <= this.#triesMax',
  },
  {
    name: 'a race with another writer is a failure',
    file: 'controller/reconcile.ts',
    text: 'if (!isRace(error) || count === DECISIONS_MAX) throw error;',
    replacement: 'throw error;',
  },
  {
    name: 'a pass that failed forgets that it followed a change',
    file: 'controller/hub-loop.ts',
    text: 'this.#isChange ||= isChange;',
    replacement: '',
  },
  {
    name: 'a hub that could not be listed is not tried again',
    file: 'controller/hub-loop.ts',
    text: "if (outcome.kind === 'Retry') return backoffMs(this.#failures, outcome.pace, random);",
    replacement: '',
  },
  {
    name: 'a 429 does not slow us down',
    file: 'controller/budget.ts',
    text: "if (error instanceof HubError && error.code === 'Throttled') bucket.slowDown();",
    replacement: '',
  },
  {
    name: 'a 429 is a failure like any other',
    file: 'adapters/iot-hub-errors.ts',
    text: "429: 'Throttled',",
    replacement: "429: 'Unavailable',",
  },
  {
    name: 'more is spent than the budget has',
    file: 'controller/budget.ts',
    text: 'if (this.#tokens < 1) break;',
    replacement: 'if (this.#tokens < 0) break;',
  },
  {
    name: 'a hub that is connected anew begins with a full budget',
    file: 'controller/budget.ts',
    text: 'if (known?.limits !== limits) {',
    replacement: 'if (known?.limits !== `${limits} `) {',
  },
  {
    name: 'the budget is ten times its share',
    file: 'controller/budget.ts',
    text: 'new TokenBucket(rate * budget.throttle, clock, burst)',
    replacement: 'new TokenBucket(10 * rate * budget.throttle, clock, burst)',
  },
  {
    name: 'lists take no turn',
    file: 'controller/budget.ts',
    text: 'for await (const page of list(() => bucket.take(signal))) {',
    replacement: 'for await (const page of list(() => Promise.resolve())) {',
  },
  {
    name: 'comparing may use up the messages of the day',
    file: 'controller/daily-budget.ts',
    text: 'return Math.max(periodMs, (passMessages / allowance) * DAY_MS);',
    replacement: 'return periodMs;',
  },
];

const HINT_CHECKS = [
  'test/controller/hints.test.ts',
  'test/controller/hinted-keys.test.ts',
  'test/controller/change-feed.test.ts',
  'test/adapters/event-hub.test.ts',
];

const HINTS: readonly HandMade[] = [
  {
    name: 'a pass ends the hints that came while it was made',
    file: 'controller/hints.ts',
    text: 'if (passes < this.#passes) hinted.delete(name);',
    replacement: 'hinted.delete(name);',
  },
  {
    name: 'hints that find no room are forgotten',
    file: 'controller/hints.ts',
    text: 'this.#overflow = this.#passes;',
    replacement: '',
  },
  {
    name: 'hints of who writes our record of before back are taken for our own',
    file: 'controller/hinted-keys.ts',
    text: "return isObject(record) && getKey(record, 'desired') === desiredVersion;",
    replacement: 'return isObject(record);',
  },
  {
    name: 'hints of who writes nothing but our record of before are taken for our own',
    file: 'controller/hinted-keys.ts',
    text: 'return sentEtag !== undefined && recordedEtag({ tags }, instance) === sentEtag;',
    replacement: 'return recordedEtag({ tags }, instance) !== undefined;',
  },
  {
    name: 'hints pass what guards could refuse',
    file: 'controller/guarded.ts',
    text: ' && hints?.hasDevice(device.deviceId) !== true;',
    replacement: ';',
  },
  {
    name: 'whoever writes to a twin takes back what a pass has counted of it',
    file: 'controller/guarded.ts',
    text: 'hints?.hasDevice(device.deviceId) !== true;',
    replacement: 'hints?.has(keyOf(device.deviceId, target.moduleId)) !== true;',
  },
  {
    name: 'what a pass has counted passes whatever is declared for the twin since',
    file: 'controller/guarded.ts',
    text: 'known?.target === target && hints',
    replacement: 'known !== undefined && hints',
  },
  {
    name: 'hints change what an exception with a limit has not counted',
    file: 'controller/guarded.ts',
    text: 'const risks = guardedRisks(declaredHubOf(scope).guards) | (isCounted ? RISK.changes : 0);',
    replacement: 'const risks = guardedRisks(declaredHubOf(scope).guards);',
  },
  {
    name: 'what a pass counts is queued before it has ended',
    file: 'controller/pass.ts',
    text: 'if (isClear && (risks & limited) === 0) {',
    replacement: 'if (isClear) {',
  },
  {
    name: 'hints are looked at whatever that costs',
    file: 'controller/hint-intake.ts',
    text: 'if (isAlone && !isAllowed) return undefined;',
    replacement: '',
  },
  {
    name: 'hints are lost for good with the connection',
    file: 'controller/feed-loop.ts',
    text: 'await this.#alarm.wait(backoffMs(this.#failures, pace, random));',
    replacement: 'return;',
  },
  {
    name: 'hints of another hub are taken',
    file: 'controller/feed-loop.ts',
    text: 'if (!isHubName(change.hubName, hostName)) return this.#noteStranger(change.hubName);',
    replacement: '',
  },
  {
    name: 'hints are said to come before any partition is read',
    file: 'adapters/event-hub.ts',
    text: `  return new Promise((_, reject) => {
    for (const { partitionId, lastEnqueuedSequenceNumber } of partitions) {`,
    replacement: `  onOpen();
  return new Promise((_, reject) => {
    for (const { partitionId, lastEnqueuedSequenceNumber } of partitions) {`,
  },
  {
    name: 'hints of a partition that is lost are not missed',
    file: 'adapters/event-hub.ts',
    text: `            end(subscription);
            reject(error);`,
    replacement: '            end(subscription);',
  },
];

const LEASE: readonly HandMade[] = [
  {
    name: 'the lease is taken from whoever holds it',
    file: 'controller/lease.ts',
    text: 'const isFree = lease === undefined || lease.holder === holder || force || this.#hasRunOut(lease);',
    replacement: 'const isFree = lease === undefined || lease.holder !== holder || force || this.#hasRunOut(lease);',
  },
  {
    name: 'the lease is not renewed',
    file: 'controller/lease.ts',
    text: 'this.#schedule(this.#holding, ttlMs * RENEW_SHARE);',
    replacement: '',
  },
  {
    name: 'the lease of a dead holder never runs out',
    file: 'controller/lease.ts',
    text: 'return nowMs - this.#watched.sinceMs >= lease.ttlSeconds * 1_000;',
    replacement: 'return false;',
  },
  {
    name: 'a lease that changes under our eyes runs out',
    file: 'controller/lease.ts',
    text: 'if (this.#watched?.text !== text) this.#watched = { text, sinceMs: nowMs };',
    replacement: 'this.#watched ??= { text, sinceMs: nowMs };',
  },
  {
    name: 'a lease that could not be renewed is held for ever',
    file: 'controller/lease.ts',
    text: 'return this.#holding !== undefined && clock.now() < this.#holding.stopAtMs;',
    replacement: 'return this.#holding !== undefined;',
  },
  {
    name: 'writes pass without the lease',
    file: 'controller/lease.ts',
    text: 'isAllowed() ? hub.patchModuleTwin(ref, patch, etag, signal) : refuse(),',
    replacement: 'hub.patchModuleTwin(ref, patch, etag, signal),',
  },
];

const TOLD: readonly HandMade[] = [
  {
    name: 'what is only written is told as applied',
    file: 'profile/acknowledgement.ts',
    text: "if (state === 'Never' || state === 'InProgress') return { state: 'Written', ...words };",
    replacement: "if (state === 'Never' || state === 'InProgress') return { state: 'Applied', ...words };",
  },
  {
    name: 'a report from before the write counts as its answer',
    file: 'profile/acknowledgement.ts',
    text: 'return report !== undefined && write !== undefined && report >= write;',
    replacement: 'return report !== undefined;',
  },
  {
    name: 'an answer to an earlier version counts',
    file: 'profile/acknowledgement.ts',
    text: "|| !isAtLeast(getKey(reply, 'av'), written)) {",
    replacement: ') {',
  },
  {
    name: 'settings that the agent does not report are taken for applied',
    file: 'profile/acknowledgement.ts',
    text: "return missing.length > 0 ? answer('Unsupported', missing) : answer('Applied');",
    replacement: "return answer('Applied');",
  },
  {
    name: 'of several answers the best is told',
    file: 'controller/twin-state.ts',
    text: 'badness(a) - badness(b)',
    replacement: 'badness(b) - badness(a)',
  },
  {
    name: 'a revision counts as applied while work is left',
    file: 'controller/hub-loop.ts',
    text: 'if (this.#queue.size > 0) return;',
    replacement: '',
  },
  {
    name: 'a hub is ready although twins fail',
    file: 'controller/conditions.ts',
    text: '  if (failing > 0) {',
    replacement: '  if (failing < 0) {',
  },
  {
    name: 'a secret inside a value is printed in a plan',
    file: 'plan/redaction.ts',
    text: 'setKey(copy, key, redact([...path, key], value[key] as Json));',
    replacement: 'setKey(copy, key, value[key] as Json);',
  },
  {
    name: 'the line of a change prints a secret',
    file: 'plan/change-text.ts',
    text: 'const show = (value: Json): string => (sensitive ? REDACTED : shortValue(value));',
    replacement: 'const show = (value: Json): string => shortValue(value);',
  },
  {
    name: 'a change of a secret is printed as data',
    file: 'plan/document.ts',
    text: 'const shown = (value: Json): Json => (sensitive ? REDACTED : redact(path, value));',
    replacement: 'const shown = (value: Json): Json => redact(path, value);',
  },
  {
    name: 'a setting with a secret deep inside is not sensitive',
    file: 'profile/encode.ts',
    text: 'sensitive: holdsMatch(name, value, profile.sensitive),',
    replacement: 'sensitive: matchesPattern(name, profile.sensitive),',
  },
];

export const HAND_MADE: readonly HandMade[] = [
  ...WRITES,
  ...LISTS,
  ...DIRECT_READS,
  ...OWNERSHIP,
  ...MODES,
  ...EXCEPTIONS,
  ...GUARDS,
  ...OTHERS,
  ...MEANING,
  ...WORK,
  ...HINTS.map((one) => ({ ...one, checks: HINT_CHECKS })),
  ...LEASE,
  ...TOLD,
].map((one) => ({ ...one, file: `src/${one.file}` }));

/** Throws where the text is not there exactly once. */
export function locate({ name, file, text, replacement, checks }: HandMade, source: string): Mutant {
  const start = source.indexOf(text);
  if (start === -1 || source.includes(text, start + 1))
    throw new Error(`"${name}": not exactly once in ${file}, so mend its row in hand-made.ts: ${text}`);
  return { name, file, start, end: start + text.length, replacement, checks };
}
