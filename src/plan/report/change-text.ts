// A change in one line of plain text: the same words in plans, events and logs. Sensitive values stay out.
import type { Json } from '../../model/json.ts';
import { isBareWrapper } from '../../profile/meaning.ts';
import type { SettingChange } from '../../model/action.ts';
import type { Scalar } from '../../model/selector.ts';
import { clip } from '../../model/text.ts';
import { REDACTED } from './redaction.ts';

const VALUE_LENGTH_MAX = 60;
const CHANGES_MAX = 5;

export type ChangeSign = '+' | '-' | '~';

export function signOf({ before, after }: Pick<SettingChange, 'before' | 'after'>): ChangeSign {
  if (after === undefined) return '-';
  return before === undefined ? '+' : '~';
}

/** `"Low" → "High"`, or the one value there is. */
export function valuesText({ before, after, sensitive }: SettingChange): string {
  const show = (value: Json): string => (sensitive ? REDACTED : shortValue(value));
  if (before === undefined) return after === undefined ? '' : show(after);
  return after === undefined ? show(before) : `${show(before)} → ${show(after)}`;
}

/** `~ eventPriorityLogin "Low" → "High", - snapshotFrequency "PT1H"`. */
export function changesText(changes: readonly SettingChange[]): string {
  const texts = changes.slice(0, CHANGES_MAX).map((change) => `${signOf(change)} ${change.name} ${valuesText(change)}`);
  const more = changes.length - texts.length;
  return [...texts, ...(more > 0 ? [`and ${more} more`] : [])].join(', ');
}

/** A wrapped value without its wrapper. */
export function shortValue(value: Json): string {
  const text = JSON.stringify(isBareWrapper(value) ? value.value : value);
  return clip(text, VALUE_LENGTH_MAX);
}

/** A text that reads like another type, or like more than one word, is in quotes. */
export function tagText(value: Scalar): string {
  if (typeof value !== 'string') return String(value);
  const isPlain = /^[^\s,"']+$/.test(value) && !/^(?:true|false|null)$/.test(value) && Number.isNaN(Number(value));
  return isPlain ? value : JSON.stringify(value);
}
