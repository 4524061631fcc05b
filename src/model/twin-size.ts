// IoT Hub's limits on the size of a twin, checked before anything is called.
import { isObject, type Json, type JsonObject } from './json.ts';

/** Bytes, by IoT Hub's own way of counting, that a section must stay below; `tags` of a module twin, `properties.desired`. */
const TAGS_BYTES_MAX = 8 * 1024;
const DESIRED_BYTES_MAX = 32 * 1024;
/** Of one text. */
const TEXT_BYTES_MAX = 4 * 1024;

const NUMBER_BYTES = 8;
const BOOLEAN_BYTES = 4;

/**
 * The size of a section as IoT Hub counts it: names and strings by UTF-8 length without control characters, numbers 8,
 * booleans 4, objects and arrays the sum of what they hold (device-twin documentation, "Device twin size").
 */
export function twinBytes(value: Json): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return NUMBER_BYTES;
  if (typeof value === 'boolean') return BOOLEAN_BYTES;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + twinBytes(item), 0);
  if (!isObject(value)) return 0;
  return Object.keys(value).reduce((sum, key) => sum + textBytes(key) + twinBytes(value[key] as Json), 0);
}

const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/g;

function textBytes(text: string): number {
  // Few texts hold any: the search spares a copy of all others.
  return Buffer.byteLength(text.search(CONTROL_CHARACTERS) === -1 ? text : text.replaceAll(CONTROL_CHARACTERS, ''));
}

/** What would be too large, in words, or undefined. */
export function tooLarge(tags: Json, desired: JsonObject): string | undefined {
  const tagBytes = twinBytes(tags);
  if (tagBytes >= TAGS_BYTES_MAX) return `tags would take ${tagBytes} of ${TAGS_BYTES_MAX} bytes`;
  const desiredBytes = twinBytes(desired);
  if (desiredBytes >= DESIRED_BYTES_MAX)
    return `properties.desired would take ${desiredBytes} of ${DESIRED_BYTES_MAX} bytes`;
  if (longestText(tags) > TEXT_BYTES_MAX)
    return `the record of one configuration would take more than the ${TEXT_BYTES_MAX} bytes of one tag`;
  return undefined;
}

function longestText(value: Json): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (!isObject(value)) return 0;
  return Object.keys(value).reduce((longest, key) => Math.max(longest, longestText(value[key] as Json)), 0);
}
