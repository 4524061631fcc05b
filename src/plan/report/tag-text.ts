// A value of a device tag for people, so that its JSON type shows where it matters.
import type { Scalar } from '../../model/selector.ts';

/** A text that could be taken for another type, or for more than one word, is in quotes. */
export function tagText(value: Scalar): string {
  if (typeof value !== 'string') return String(value);
  const isPlain = /^[^\s,"']+$/.test(value) && !/^(?:true|false|null)$/.test(value) && Number.isNaN(Number(value));
  return isPlain ? value : JSON.stringify(value);
}
