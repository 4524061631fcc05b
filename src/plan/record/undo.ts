// What undoes an exception: in its entry of the record, what was there before, and marks of what it left there.
import { hash } from 'node:crypto';
import { canonicalJson, getKey, isObject, setKey, type Json, type JsonObject } from '../../model/json.ts';

export interface Undo {
  /** Setting names to the value before the exception, as `rememberValue` spells it. */
  readonly before: ReadonlyMap<string, string>;
  /** Marks of settings with the values that the exception left there: they distinguish these from what others write later. */
  readonly wrote: ReadonlySet<string>;
}

const ABSENT = '';
const HASH_BYTES = 6;

/** JSON text, or "" for none: whatever its depth, it is one text to the hub. */
export function rememberValue(value: Json | undefined): string {
  return value === undefined ? ABSENT : canonicalJson(value);
}

/** Undefined where the text is none that `rememberValue` makes. */
export function recallValue(text: string): { readonly value: Json | undefined } | undefined {
  if (text === ABSENT) return { value: undefined };
  try {
    const value = JSON.parse(text) as Json;
    return value === null ? undefined : { value };
  } catch {
    return undefined;
  }
}

/** The mark of a setting with this value. */
export function markOf(name: string, value: Json): string {
  const text = `${name}\n${canonicalJson(value)}`;
  return hash('sha256', text, 'buffer').toString('base64', 0, HASH_BYTES);
}

/** What is damaged here is forgotten: then less is put back, and nothing wrong. */
export function readUndo({ before, wrote }: JsonObject): Undo | undefined {
  if (before === undefined && wrote === undefined) return undefined;
  const texts = new Map<string, string>();
  for (const name of isObject(before) ? Object.keys(before) : []) {
    const text = isObject(before) ? getKey(before, name) : undefined;
    if (typeof text === 'string') texts.set(name, text);
  }
  const marks = new Set<string>();
  const bytes = Buffer.from(typeof wrote === 'string' ? wrote : '', 'base64');
  for (let end = HASH_BYTES; end <= bytes.length; end += HASH_BYTES) {
    marks.add(bytes.toString('base64', end - HASH_BYTES, end));
  }
  return { before: texts, wrote: marks };
}

/** Members of an entry in the record. */
export function composeUndo(undo: Undo | undefined): JsonObject {
  if (undo === undefined) return {};
  const before: JsonObject = {};
  for (const [name, text] of undo.before) setKey(before, name, text);
  const marks = [...undo.wrote].toSorted().map((mark) => Buffer.from(mark, 'base64'));
  return {
    ...(undo.before.size === 0 ? {} : { before }),
    ...(marks.length === 0 ? {} : { wrote: Buffer.concat(marks).toString('base64') }),
  };
}
