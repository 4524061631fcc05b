// ISO 8601 durations as the agents read them: a month is 30 days, a year 365, as in the C# and C agents' own parsers.

const DURATION =
  /^(-)?P(?=.)(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

const SECONDS = [365 * 86_400, 30 * 86_400, 7 * 86_400, 86_400, 3_600, 60, 1] as const;

/** Seconds, or undefined if the text is not a duration. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (match === null) return undefined;
  let total = 0;
  for (const [index, seconds] of SECONDS.entries()) total += Number(match[index + 2] ?? 0) * seconds;
  return match[1] === undefined ? total : -total;
}

/** Whole numbers of days, hours, minutes and seconds: both security agents parse these alike. */
const AGENT_DURATION = /^P(?=.)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/;

/**
 * Agents differ on weeks (refused by C#), years (ignored by C) and fractions (refused by C); for both a month is 30
 * days.
 */
export function isReadAlike(text: string): boolean {
  return !/[WY.]/.test(text);
}

/** The C agent counts milliseconds in 32 bits. */
const AGENT_DURATION_SECONDS_MAX = 4_294_967;

/** True if every known agent parses the duration alike: 1 s to about 49 days, no weeks, no fractions. */
export function isAgentDuration(text: string): boolean {
  if (!AGENT_DURATION.test(text)) return false;
  const seconds = parseDuration(text);
  return seconds !== undefined && seconds >= 1 && seconds <= AGENT_DURATION_SECONDS_MAX;
}
