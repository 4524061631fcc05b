// A change in one line of plain text: the same words in plans, events and logs. Sensitive values stay out.
import type { Json } from '../../model/json.ts';
import { isBareWrapper } from '../../profile/meaning.ts';
import type { SettingChange } from '../../model/action.ts';
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

/** So that a text that was cut can be told from a whole one. */
export function clip(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}
