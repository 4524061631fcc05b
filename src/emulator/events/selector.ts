// Where a receiver wants to begin, as Event Hubs clients write it into the filter of their link.
import type { StartPosition } from './event-log.ts';

const SELECTOR =
  /^amqp\.annotation\.x-opt-(?<what>enqueued-time|offset|sequence-number) (?<operator>>=?) '(?<value>[^']*)'$/;

const KINDS: Readonly<Record<string, 'time' | 'offset' | 'sequence'>> = {
  'enqueued-time': 'time',
  offset: 'offset',
  'sequence-number': 'sequence',
};

/** Undefined where the text is no such selector. Without one a client gets what comes from now on. */
export function parseSelector(text: string | undefined): StartPosition | undefined {
  if (text === undefined) return { kind: 'latest' };
  const { what = '', operator = '', value = '' } = SELECTOR.exec(text)?.groups ?? {};
  const kind = KINDS[what];
  if (kind === undefined) return undefined;
  if (value === '@latest') return { kind: 'latest' };
  const number = Number(value);
  if (value === '' || !Number.isFinite(number)) return undefined;
  return { kind, value: number, inclusive: operator === '>=' };
}
