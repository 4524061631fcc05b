// Settings that another writer keeps changing: how often we corrected each one, as the record on the twin remembers it.
import { isObject, setKey, type Json, type JsonObject } from '../../model/json.ts';
import { momentText } from '../../model/moment.ts';

/** Corrections of one setting, halved for each hour since the last. */
interface Contest {
  readonly count: number;
  /** Of the last correction. */
  readonly atSeconds: number;
}

/** By setting name. */
export type Contests = ReadonlyMap<string, Contest>;

export const NO_CONTESTS: Contests = new Map();

const HALF_LIFE_SECONDS = 3_600;
/** As many corrections within little time make a setting contested... */
const CONTESTED_FROM = 5;
/** ...until so little is left of them: more than two hours later. */
const CONTESTED_ABOVE = 1;
/** Less than this is as good as nothing. */
const REMEMBERED_FROM = 0.1;
/** The most that corrections can come to; more was not written by us. */
const COUNT_MAX = CONTESTED_FROM + 1;
/** Bounds the size of a record; the oldest go. */
const CONTESTS_MAX = 16;

/** What can't be ours is left out: a damaged memory is no damaged record. */
export function readContests(raw: Json | undefined): Contests {
  if (!isObject(raw)) return NO_CONTESTS;
  const contests = new Map<string, Contest>();
  for (const name of Object.keys(raw)) {
    const entry = raw[name];
    const [count, atSeconds] = Array.isArray(entry) ? entry : [];
    if (typeof count !== 'number' || typeof atSeconds !== 'number' || count <= 0) continue;
    contests.set(name, { count: Math.min(count, COUNT_MAX), atSeconds });
  }
  return contests;
}

/** Undefined where there is nothing to remember. */
export function composeContests(contests: Contests): JsonObject | undefined {
  if (contests.size === 0) return undefined;
  const raw: JsonObject = {};
  for (const name of [...contests.keys()].toSorted()) {
    const { count, atSeconds } = contests.get(name) as Contest;
    setKey(raw, name, [count, atSeconds]);
  }
  return raw;
}

/** True where the setting is left alone for now. */
export function isContested(contest: Contest | undefined, nowMs: number): boolean {
  return contest !== undefined && contest.count >= CONTESTED_FROM && decayed(contest, nowMs) > CONTESTED_ABOVE;
}

/** What is worth remembering once these settings are corrected. Those that are contested keep their count and time. */
export function afterCorrections(contests: Contests, names: Iterable<string>, nowMs: number): Contests {
  const next = new Map([...contests].filter(([, contest]) => decayed(contest, nowMs) >= REMEMBERED_FROM));
  const atSeconds = Math.floor(nowMs / 1_000);
  for (const name of names) {
    const before = contests.get(name);
    const count = 1 + (before === undefined ? 0 : decayed(before, nowMs));
    next.delete(name);
    next.set(name, { count: Math.round(Math.min(count, COUNT_MAX) * 100) / 100, atSeconds });
  }
  const newestFirst = [...next].toSorted(([, a], [, b]) => b.atSeconds - a.atSeconds);
  return new Map(newestFirst.slice(0, CONTESTS_MAX));
}

const NAMES_SHOWN_MAX = 4;

/** Which settings, how often and since when: those alike together, the rest counted. */
export function contestsText(contests: Contests, names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX);
  const alike = Map.groupBy(shown, (name) => rateText(contests.get(name) as Contest));
  const texts = [...alike].map(([rate, those]) => `${those.map((name) => `"${name}"`).join(', ')} ${rate}`);
  const more = names.length > shown.length ? `; and ${names.length - shown.length} more` : '';
  return `Another writer keeps changing ${texts.join('; ')}${more}. Find it, or let the setting go.`;
}

function rateText({ count, atSeconds }: Contest): string {
  const perHour = Math.round(count * Math.LN2);
  return `(corrected about ${perHour} times an hour, left alone since ${momentText(atSeconds * 1_000)})`;
}

/** A time ahead of ours, by a clock that is wrong, counts as far off as one behind. */
function decayed({ count, atSeconds }: Contest, nowMs: number): number {
  return count * 0.5 ** (Math.abs(nowMs / 1_000 - atSeconds) / HALF_LIFE_SECONDS);
}
