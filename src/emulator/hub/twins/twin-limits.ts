// The limits of a twin: IoT Hub's rules on keys, values and sizes, with the texts of its refusals.
import { isObject, type Json, type JsonObject } from '../../../model/json.ts';
import { badRequest, invalidArgument, sectionTooLarge } from '../service-error.ts';

const KEY_BYTES_MAX = 1024;
const STRING_BYTES_MAX = 4096;
const INTEGER_MAX = 2 ** 52 - 1;
const INTEGER_MIN = -(2 ** 52);
/** Objects or arrays below the section itself; the innermost may hold scalars. */
const DEPTH_MAX = 10;

const NUMBER_BYTES = 8;
const BOOLEAN_BYTES = 4;

const FORBIDDEN_IN_KEYS = /[\u0000-\u001F\u007F-\u009F.$# ]/;
const CONTROL_CHARACTERS = /[\u0000-\u001F\u007F-\u009F]/g;

/**
 * A merge patch from a client, a replacement of a section, or a device's report, whose refusal of nulls lacks a space.
 */
export type WriteKind = 'patch' | 'replacement' | 'report';

/**
 * Throws if the section is invalid. Nulls remove keys in patches and reports and are refused elsewhere. The texts for
 * depth, key length and integers are not established and are ours.
 */
export function checkValues(section: JsonObject, kind: WriteKind): void {
  checkObject(section, kind, kind !== 'replacement', DEPTH_MAX);
}

/** Throws if the section reaches its limit; `name` as the service writes it. */
export function checkSize(name: string, section: JsonObject, bytesMax: number): void {
  if (sectionBytes(section) >= bytesMax) throw sectionTooLarge(name, bytesMax);
}

/**
 * The size of a section by the documented formula: UTF-8 bytes of keys and strings without control characters, 8 for a
 * number, 4 for a boolean. Whether the service counts bytes or characters is not established; bytes are stricter.
 */
export function sectionBytes(value: Json): number {
  if (typeof value === 'string') return textBytes(value);
  if (typeof value === 'number') return NUMBER_BYTES;
  if (typeof value === 'boolean') return BOOLEAN_BYTES;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + sectionBytes(item), 0);
  if (!isObject(value)) return 0;
  return Object.keys(value).reduce((sum, key) => sum + textBytes(key) + sectionBytes(value[key] as Json), 0);
}

function textBytes(text: string): number {
  // Few texts contain any: searching first avoids copying all others.
  return Buffer.byteLength(text.search(CONTROL_CHARACTERS) === -1 ? text : text.replaceAll(CONTROL_CHARACTERS, ''));
}

function checkObject(object: JsonObject, kind: WriteKind, canRemove: boolean, depthLeft: number): void {
  for (const key of Object.keys(object)) {
    checkKey(key);
    const value = object[key] as Json;
    if (value !== null || !canRemove) checkValue(key, value, kind, canRemove, depthLeft);
  }
}

function checkKey(key: string): void {
  if (FORBIDDEN_IN_KEYS.test(key)) {
    const rule = "Must not contain Control Characters, '.', '$', '#', or ' '.";
    throw invalidArgument(
      `Property or Tag name has invalid characters. Error in Property/Tag ${key.replaceAll(CONTROL_CHARACTERS, '?')}. ${rule}`,
    );
  }
  if (Buffer.byteLength(key) > KEY_BYTES_MAX) {
    throw invalidArgument(`Property or Tag name should be maximum ${KEY_BYTES_MAX} bytes.`);
  }
}

function checkValue(key: string, value: Json, kind: WriteKind, canRemove: boolean, depthLeft: number): void {
  if (value === null) {
    const place = kind === 'report' ? 'Error inProperty/Tag' : 'Error in Property/Tag';
    throw invalidArgument(`Value of Property or Tag cannot be null. ${place} ${key}`);
  }
  if (typeof value === 'boolean') return;
  if (typeof value === 'number') checkNumber(key, value);
  else if (typeof value === 'string') checkText(key, value);
  else if (typeof value !== 'object') throw badRequest(`${key} is not a JSON value`);
  else if (depthLeft === 0) {
    throw invalidArgument(`Property or Tag should be nested at most ${DEPTH_MAX} deep. Error in Property/Tag ${key}`);
  } else if (Array.isArray(value)) {
    // Arrays are stored as they are: a null inside is a value, not a removal.
    for (const item of value) checkValue(key, item, kind, false, depthLeft - 1);
  } else checkObject(value, kind, canRemove, depthLeft - 1);
}

function checkNumber(key: string, value: number): void {
  const isOutside = Number.isInteger(value) && (value > INTEGER_MAX || value < INTEGER_MIN);
  if (isOutside || !Number.isFinite(value)) {
    throw invalidArgument(
      `Property or Tag integer should be between ${INTEGER_MIN} and ${INTEGER_MAX}. Error in Property/Tag ${key}`,
    );
  }
}

function checkText(key: string, value: string): void {
  if (Buffer.byteLength(value) <= STRING_BYTES_MAX) return;
  throw invalidArgument(
    `Property or Tag value should be maximum ${STRING_BYTES_MAX} bytes. Error in Property/Tag ${key}`,
  );
}
