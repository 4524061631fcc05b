// Mutants of what reads the hub before a write, and of the write.
import type { HandMade } from '../mutant.ts';

export const WRITES: readonly HandMade[] = [
  {
    name: 'a patch goes out without If-Match',
    in: 'patchTwin',
    code: "{ method: 'PATCH', path: twinPath(ref), headers, body: patch, purpose, signal }",
    replacement: "{ method: 'PATCH', path: twinPath(ref), body: patch, purpose, signal }",
  },
  {
    name: 'a patch goes out with If-Match: *',
    in: 'patchTwin',
    code: '\'If-Match\': `"${etag}"`',
    replacement: "'If-Match': '\"*\"'",
  },
  {
    name: 'the answer about another module of the device is believed',
    in: 'isOf',
    code: "isObject(body) && body['deviceId'] === deviceId && body['moduleId'] === moduleId",
    replacement: "isObject(body) && body['deviceId'] === deviceId",
  },
  {
    name: 'settings are written without the record',
    in: 'patchAction',
    code: '{ tags, properties: { desired: desiredPatch(desired, next, changes, profiles) } }',
    replacement: '{ properties: { desired: desiredPatch(desired, next, changes, profiles) } }',
  },
  {
    name: 'the record takes the place of those of other installations',
    in: 'recordRemoval',
    code: 'isObject(records) && Object.keys(records).length === 1',
    replacement: 'isObject(records)',
  },
  {
    name: 'the record names the etag before the write',
    in: 'composeRecord',
    code: 'counter + 1n',
    replacement: 'counter',
  },
  {
    name: 'an answer that is not what was written is believed',
    in: 'write',
    code: 'writes(next)',
    replacement: "next.type === 'Create'",
  },
  {
    name: 'a twin one byte too large is written',
    in: 'tooLarge',
    code: 'tagBytes >= TAGS_BYTES_MAX',
    replacement: 'tagBytes > TAGS_BYTES_MAX',
  },
];

export const LISTS: readonly HandMade[] = [
  {
    name: 'a list ends after its second page',
    in: 'queryPages',
    code: "if (typeof next !== 'string' || next === continuation) throw malformed(purpose);",
    replacement: 'if (continuation !== undefined) return;',
  },
  {
    name: 'an empty list of devices is believed',
    in: 'listDevices',
    code: 'if (list.facts.size + list.reserved === 0 && (await hub.countDevices(signal)) > 0) return false;',
    replacement: '',
  },
  {
    name: 'an empty list of twins is believed',
    in: 'listTwins',
    code: 'if (listed.size === 0 && (await isListWrong(context, planner.moduleIds, signal))) return false;',
    replacement: '',
  },
  {
    name: 'a list of devices that fails midway is taken for whole',
    in: 'listDevices',
    code: 'for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts);',
    replacement:
      'try { for await (const page of hub.listDevices(signal, { onUnreadable })) for (const facts of page) list.add(facts); } catch {}',
  },
  {
    name: 'a list of twins that fails midway is taken for whole',
    in: 'listTwins',
    code: 'visitListed(context, planner, visit, signal)',
    replacement: 'visitListed(context, planner, visit, signal).catch(() => new Set<string>())',
  },
  {
    name: 'a 404 of a proxy means that a device is gone',
    in: 'CODES_BY_STATUS',
    code: "404: 'Unavailable'",
    replacement: "404: 'NotFound'",
  },
  {
    name: 'a module that is not listed is taken for missing without a direct read',
    in: 'priorityOfRow',
    code: "if (!isSettled && (before !== undefined || action.type !== 'Skip')) return 'Resync';",
    replacement: '',
  },
  {
    name: 'a source without any manifest is handed on',
    in: 'SourceLoop.#compile',
    code: "if (documents === 0) return this.#refuse({ reason: 'SourceEmpty', kept });",
    replacement: '',
  },
  {
    name: 'a source that holds nothing removes everything',
    in: 'fateOf',
    code: "if (isEmptySource(declared)) return 'SourceEmpty';",
    replacement: '',
  },
  {
    name: 'a part of the source is taken for all of it',
    in: 'fateOf',
    code: "if (declared.partial) return 'OutOfInput';",
    replacement: '',
  },
];

export const DIRECT_READS: readonly HandMade[] = [
  {
    name: 'a removal rests on a row of a list',
    in: 'patchAction',
    code: 'isMembership || isSection || hasNull(tags) || hasNull(patch.properties.desired)',
    replacement: 'isMembership || isSection || hasNull(tags)',
  },
  {
    name: 'the first write of an owner does not ask whether the device is still in the group',
    in: 'patchAction',
    code: 'isFirst || ownership.departed',
    replacement: 'ownership.departed',
  },
  {
    name: 'a departure does not ask whether the device really left the group',
    in: 'patchAction',
    code: 'isFirst || ownership.departed',
    replacement: 'isFirst',
  },
  {
    name: 'the reads that an action asks for are not made',
    in: 'decideByReads',
    code: 'if (!restsOnMembership(decided.action)) return decided;',
    replacement: 'return decided;',
  },
  {
    name: 'what was decided by the manifests before is still written',
    in: 'converge',
    code: 'if (decision.rules !== context.rules) continue;',
    replacement: '',
  },
];
