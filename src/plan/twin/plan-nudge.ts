// Sends the settings once more to an agent that forgot them after another writer's patch: nothing on the twin changes.
import { isObject, mergePatch } from '../../model/json.ts';
import { nextVersion, userDesired, type Twin } from '../../model/twin.ts';
import type { TwinAction } from '../../model/action.ts';
import { isMet } from './changes.ts';
import { afterCorrections } from '../record/contest.ts';
import { joined } from './aside-message.ts';
import type { TwinFacts } from './twin-facts.ts';
import { tooLarge } from '../../model/twin-size.ts';
import { findForgotten, nextNudge } from '../record/nudge.ts';
import { wholeSections } from './patch.ts';
import { recordPatch } from '../record/record-write.ts';
import { rawRecord } from '../record/record.ts';

/**
 * What is decided otherwise, unless an agent forgot settings: then the nudge, or why there is none for now. Only what live
 * has as declared counts, and nothing where a layer only observes: its settings would be sent too.
 */
export function unlessForgotten(facts: TwinFacts, otherwise: TwinAction): TwinAction {
  const { target, nowMs } = facts.input;
  if (target.hasFrozen || !target.profiles.some(({ nudge }) => nudge)) return otherwise;
  const { live, desired } = facts;
  if (isLastWriter(live, facts.input.instance)) return otherwise;
  const { recorded, memory } = facts;
  if (recorded === undefined) return otherwise;
  const atoms = target.atoms
    .map(({ atom }) => atom)
    .filter((atom) => atom.policy === 'Override' && isMet(atom, desired));
  const forgotten = findForgotten(target.profiles, atoms, live);
  if (forgotten === undefined) return otherwise;
  const names = forgotten.names.map((name) => `"${name}"`).join(', ');
  const what = `The agent runs with its defaults for ${names} since another writer wrote to the module`;
  const withMessage = (more: string): TwinAction => ({ ...otherwise, message: joined([otherwise.message, more]) });
  const nudges = nextNudge(memory.nudges, nowMs);
  if (nudges === undefined) return withMessage(`${what}; they were sent again, and are not sent for now.`);
  const contests = afterCorrections(memory.contests, [], nowMs);
  const tags = recordPatch(live, recorded, { contests, nudges, desiredVersion: nextVersion(live) }, facts.input);
  const size = tooLarge(mergePatch(live.tags, tags), userDesired(desired));
  if (size !== undefined)
    return withMessage(
      `${what}; sending them again would make the twin too large: ${size}. Remove what others left on the twin.`,
    );
  return {
    ...facts.about,
    type: 'Patch',
    reason: 'Nudge',
    etag: live.etag,
    changes: [],
    patch: { tags, properties: { desired: wholeSections(desired, forgotten.profiles) } },
    needs: { moduleTwin: true, deviceTwin: false },
    message: `${what}; all settings are sent once more.`,
  };
}

/** True where we were the last to write desired properties: an agent that runs with something else refused them. */
function isLastWriter(live: Twin, instance: string): boolean {
  const raw = rawRecord(live, instance);
  return isObject(raw) && raw['desired'] === live.properties.desired['$version'];
}
