// The settings once more, for an agent that forgot them after somebody else's write: nothing of the twin changes.
import { isObject, mergePatch } from '../../model/json.ts';
import type { Twin } from '../../model/twin.ts';
import type { PatchAction } from '../../model/action.ts';
import { isMet } from './changes.ts';
import { afterCorrections } from '../record/contest.ts';
import { tooLarge } from './limits.ts';
import { findForgotten, nextNudge } from '../record/nudge.ts';
import { nextVersion, userDesired, wholeSections } from './patch.ts';
import { recordPatch, type RecordContext } from '../record/record-write.ts';
import { rawRecord, readRecord } from '../record/record.ts';
import type { Target } from '../target/target.ts';

/**
 * Undefined where no agent forgot anything; without a patch where it did and is left alone for now. Only what live has as
 * declared is asked about, and nothing where a layer only looks on: its settings would be sent too.
 */
export function planNudge(
  live: Twin,
  target: Target,
  context: RecordContext,
): { readonly patch: PatchAction['patch'] | undefined; readonly message: string } | undefined {
  if (target.hasFrozen || !target.profiles.some(({ nudge }) => nudge)) return undefined;
  if (isLastWriter(live, context.instance)) return undefined;
  const record = readRecord(live, context.instance);
  if (record.kind !== 'valid') return undefined;
  const { owners, memory } = record;
  const { desired } = live.properties;
  const atoms = target.atoms
    .map(({ atom }) => atom)
    .filter((atom) => atom.policy === 'Override' && isMet(atom, desired));
  const forgotten = findForgotten(target.profiles, atoms, live);
  if (forgotten === undefined) return undefined;
  const names = forgotten.names.map((name) => `"${name}"`).join(', ');
  const what = `The agent runs with its defaults for ${names} since somebody else wrote to the module`;
  const nudges = nextNudge(memory.nudges, context.nowMs);
  if (nudges === undefined)
    return { patch: undefined, message: `${what}; it was sent them again, and is not for now.` };
  const contests = afterCorrections(memory.contests, [], context.nowMs);
  const tags = recordPatch(live, owners, { contests, nudges, desiredVersion: nextVersion(live) }, context);
  const nextTags = mergePatch(live.tags, tags);
  const size = tooLarge(isObject(nextTags) ? nextTags : {}, userDesired(desired));
  if (size !== undefined)
    return {
      patch: undefined,
      message: `${what}; to send them again takes too much: ${size}. Remove what others left on the twin.`,
    };
  const patch = { tags, properties: { desired: wholeSections(desired, forgotten.profiles) } };
  return { patch, message: `${what}; all settings are sent once more.` };
}

/** True where nobody wrote desired properties after us: an agent that runs with something else had it all, and refused. */
function isLastWriter(live: Twin, instance: string): boolean {
  const raw = rawRecord(live, instance);
  return isObject(raw) && raw['desired'] === live.properties.desired['$version'];
}
