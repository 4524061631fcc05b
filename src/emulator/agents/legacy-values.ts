// How each of the two legacy agents parses a value and writes it in its report.
import type { Json } from '../../model/json.ts';

export type ValueType = 'duration' | 'bytes' | 'priority' | 'boolean' | 'text';

/** The value in the agent's own spelling; undefined if the agent refuses it. */
export type ValueReader = (value: Json) => Json | undefined;

const UINT32_MAX = 4_294_967_295;
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/** C# (`XmlConvert`, Newtonsoft.Json): xsd durations, which have no weeks; priorities by name or number. */
export const CS_READERS: Readonly<Record<ValueType, ValueReader>> = {
  duration: readCsDuration,
  bytes: readCsBytes,
  priority: readCsPriority,
  boolean: readBoolean,
  text: readText,
};

/** C (`time_utils.c`, parson): weeks but no fractions, milliseconds in 32 bits, priorities in lower case. */
export const C_READERS: Readonly<Record<ValueType, ValueReader>> = {
  duration: readCDuration,
  bytes: (value) => (typeof value === 'number' ? Math.trunc(value) >>> 0 : undefined),
  priority: readCPriority,
  boolean: readBoolean,
  text: readText,
};

const CS_DURATION =
  /^(-)?P(?=.)(?:(\d{1,6})Y)?(?:(\d{1,6})M)?(?:(\d{1,8})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,7})?)S)?)?$/;
const CS_UNITS = [YEAR, MONTH, DAY, HOUR, MINUTE, 1];
const CS_PRIORITIES = ['Off', 'Low', 'High', 'Operational'];

const C_DURATION =
  /^P(?=.)(?:(\d{1,9})Y)?(?:(\d{1,9})M)?(?:(\d{1,9})W)?(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9})S)?)?$/;
/** Years are parsed but add nothing. */
const C_UNITS = [0, MONTH, WEEK, DAY, HOUR, MINUTE, 1];
const C_PRIORITIES = ['high', 'low', 'off'];

function readCsDuration(value: Json): Json | undefined {
  const match = typeof value === 'string' ? CS_DURATION.exec(value) : null;
  if (match === null) return undefined;
  const seconds = total(match.slice(2), CS_UNITS);
  if (seconds === 0) return 'PT0S';
  return `${match[1] ?? ''}${formatDuration(seconds, { D: DAY }, { H: HOUR, M: MINUTE, S: 1 })}`;
}

function readCDuration(value: Json): Json | undefined {
  const match = typeof value === 'string' ? C_DURATION.exec(value) : null;
  if (match === null) return undefined;
  const seconds = total(match.slice(1), C_UNITS);
  if (seconds === 0 || seconds * 1000 > UINT32_MAX) return undefined;
  return formatDuration(seconds, { M: MONTH, W: WEEK, D: DAY }, { H: HOUR, M: MINUTE, S: 1 });
}

function total(counts: readonly (string | undefined)[], units: readonly number[]): number {
  return counts.reduce((sum, count, index) => sum + Number(count ?? 0) * (units[index] ?? 0), 0);
}

type Units = Readonly<Record<string, number>>;

/** Formats with the largest units first: date units before "T", time units after it. */
function formatDuration(seconds: number, dateUnits: Units, timeUnits: Units): string {
  const date = take(seconds, dateUnits);
  const time = take(date.rest, timeUnits);
  return `P${date.text}${time.text === '' ? '' : `T${time.text}`}`;
}

function take(seconds: number, units: Units): { text: string; rest: number } {
  let rest = seconds;
  let text = '';
  for (const [letter, size] of Object.entries(units)) {
    const count = size === 1 ? Number(rest.toFixed(7)) : Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) text += `${count}${letter}`;
  }
  return { text, rest };
}

function readCsBytes(value: Json): Json | undefined {
  const count = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : value;
  const isUint32 = typeof count === 'number' && Number.isInteger(count) && count >= 0 && count <= UINT32_MAX;
  return isUint32 ? count : undefined;
}

function readCsPriority(value: Json): Json | undefined {
  if (typeof value === 'number') return CS_PRIORITIES[value];
  return CS_PRIORITIES.find((name) => typeof value === 'string' && name.toLowerCase() === value.toLowerCase());
}

function readCPriority(value: Json): Json | undefined {
  return C_PRIORITIES.find((name) => typeof value === 'string' && name === value.toLowerCase());
}

function readBoolean(value: Json): Json | undefined {
  return typeof value === 'boolean' ? value : undefined;
}

function readText(value: Json): Json | undefined {
  return typeof value === 'string' ? value : undefined;
}
