// Settings sent once more to an agent that forgot them after another writer's patch: when, and how often.
import { isObject, type Json, type JsonObject } from '../../model/json.ts';
import type { Atom, Profile } from '../../model/profile.ts';
import type { Twin } from '../../model/twin.ts';
import { forgottenSettings } from '../../profile/acknowledgement.ts';

/** The nudges of one twin. */
export interface Nudges {
  readonly count: number;
  /** Of the last one. */
  readonly atSeconds: number;
}

const NUDGES_MAX = 3;
const PAUSE_SECONDS = 60;
/** Each further pause is this many times as long. */
const PAUSE_GROWTH = 4;
/** After so long without one, what was before no longer counts. */
const FORGIVEN_SECONDS = 24 * 3_600;

/** Undefined where there was none, or what is there can't be ours. */
export function readNudges(raw: Json | undefined): Nudges | undefined {
  if (!isObject(raw)) return undefined;
  const { n: count, at: atSeconds } = raw;
  if (typeof count !== 'number' || typeof atSeconds !== 'number' || count < 1) return undefined;
  return { count, atSeconds };
}

export function composeNudges({ count, atSeconds }: Nudges): JsonObject {
  return { n: count, at: atSeconds };
}

/** The nudges with another one now; undefined where it is too early, or there were enough. */
export function nextNudge(before: Nudges | undefined, nowMs: number): Nudges | undefined {
  const nowSeconds = Math.floor(nowMs / 1_000);
  // By a clock that is wrong the last one may lie ahead.
  const passed = before === undefined ? Number.POSITIVE_INFINITY : Math.abs(nowSeconds - before.atSeconds);
  if (before === undefined || passed >= FORGIVEN_SECONDS) return { count: 1, atSeconds: nowSeconds };
  const isEarly = passed < PAUSE_SECONDS * PAUSE_GROWTH ** before.count;
  return isEarly || before.count >= NUDGES_MAX ? undefined : { count: before.count + 1, atSeconds: nowSeconds };
}

interface Forgotten {
  /** Through which the settings were written. */
  readonly profiles: readonly Profile[];
  readonly names: readonly string[];
}

/**
 * What agents forgot that the twin still has as declared: the profile asks for nudges, and a report that is newer than
 * the last write shows defaults.
 */
export function findForgotten(profiles: readonly Profile[], atoms: readonly Atom[], live: Twin): Forgotten | undefined {
  const forgotten = profiles
    .filter(({ nudge }) => nudge)
    .map((profile) => ({ profile, names: forgottenSettings(profile, atoms, live) }))
    .filter(({ names }) => names.length > 0);
  if (forgotten.length === 0) return undefined;
  return { profiles: forgotten.map(({ profile }) => profile), names: forgotten.flatMap(({ names }) => names) };
}
