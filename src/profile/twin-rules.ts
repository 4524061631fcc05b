// IoT Hub's limits on keys and values, for any profile (device-twin documentation).
import type { Code } from '../model/codes.ts';
import { isObject, type Json, type JsonObject } from '../model/json.ts';

export interface SettingProblem {
  readonly code: Code;
  /** Keys from the settings to the offending value. */
  readonly path: readonly string[];
  readonly message: string;
  readonly hint?: string | undefined;
}

const DEPTH_MAX = 10;
const KEY_BYTES_MAX = 1_024;
const STRING_BYTES_MAX = 4_096;
const INTEGER_MAX = 2 ** 52 - 1;
const INTEGER_MIN = -(2 ** 52);

/** `sectionDepth`: how many objects are above the settings. */
export function findTwinProblems(settings: JsonObject, sectionDepth: number): SettingProblem[] {
  const problems: SettingProblem[] = [];
  visit(settings, [], problems, DEPTH_MAX - sectionDepth);
  return problems;
}

/** `path` leads to the value; it is unchanged on return. */
function visit(value: Json, path: string[], problems: SettingProblem[], depthLeft: number): void {
  const message = problemOf(value, depthLeft);
  if (message !== undefined) {
    const isNull = value === null;
    problems.push({
      code: isNull ? 'TW1308' : 'TW1309',
      path: [...path],
      message: `"${path.join('.')}" ${message}`,
      hint: isNull ? 'To keep a setting absent, name it under `unset`.' : undefined,
    });
    return;
  }
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      path.push(String(index));
      visit(item, path, problems, depthLeft - 1);
      path.pop();
    }
  } else if (isObject(value)) {
    for (const key of Object.keys(value)) {
      path.push(key);
      const keyMessage = keyProblem(key);
      if (keyMessage !== undefined) problems.push({ code: 'TW1309', path: [...path], message: keyMessage });
      else visit(value[key] as Json, path, problems, depthLeft - 1);
      path.pop();
    }
  }
}

function problemOf(value: Json, depthLeft: number): string | undefined {
  if (value === null) return "can't be null: a twin stores no nulls.";
  if (typeof value === 'string' && isLonger(value, STRING_BYTES_MAX)) {
    return `is longer than the ${STRING_BYTES_MAX} bytes a twin can hold.`;
  }
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) return 'is not a finite number.';
    const isOutside = Number.isInteger(value) && (value > INTEGER_MAX || value < INTEGER_MIN);
    return isOutside ? `is outside the integers a twin can hold (${INTEGER_MIN} to ${INTEGER_MAX}).` : undefined;
  }
  if (typeof value === 'object' && depthLeft < 0) return `lies deeper than the ${DEPTH_MAX} levels a twin can hold.`;
  return undefined;
}

function keyProblem(key: string): string | undefined {
  if (key === '') return 'A key in the settings is empty.';
  if (/[\u0000-\u001F\u007F-\u009F.$# ]/u.test(key)) {
    return `${JSON.stringify(key)} can't be a key in a twin: no control characters, ".", "$", "#" or spaces.`;
  }
  if (isLonger(key, KEY_BYTES_MAX)) return `A key is longer than the ${KEY_BYTES_MAX} bytes a twin can hold.`;
  return undefined;
}

/** A UTF-16 unit takes at most three bytes of UTF-8: short texts need no measuring. */
function isLonger(text: string, bytesMax: number): boolean {
  return text.length * 3 > bytesMax && Buffer.byteLength(text) > bytesMax;
}
