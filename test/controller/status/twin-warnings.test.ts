// Events of twins in trouble: one when it begins, one when it is over.
import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { eventMessage } from '../../../src/controller/status/event-text.ts';
import { TwinWarnings } from '../../../src/controller/status/twin-warnings.ts';
import { TwinTable } from '../../../src/controller/twins/twin-table.ts';
import type { TwinState } from '../../../src/controller/twins/twin-state.ts';
import { REASONS } from '../../../src/model/action.ts';
import { EVENT_REASONS, eventType, type ControllerEvent } from '../../../src/model/event.ts';

function state(fields: Partial<TwinState>): TwinState {
  const equal = { type: 'Equal', reason: 'InSync', acknowledgement: 'Applied' } as const;
  return { ...equal, owners: [], isDrifted: false, detail: undefined, failure: undefined, ...fields };
}

const WAITING = state({ type: 'Patch', reason: 'Drift', acknowledgement: undefined });
const WRITTEN = state({ acknowledgement: 'Written' });
const APPLIED = state({});
const REJECTED = state({ acknowledgement: 'Rejected', detail: 'usb: no such mode' });
const SILENT = state({ acknowledgement: 'NotAcknowledged' });
const HELD = state({
  type: 'Hold',
  reason: 'ManagedByEdge',
  acknowledgement: undefined,
  detail: 'IoT Edge manages it.',
});
const GUARDED = state({ type: 'Hold', reason: 'GuardRefused', acknowledgement: undefined });
const CONTESTED = state({ type: 'Observe', reason: 'Contested', acknowledgement: undefined, detail: 'usb' });
const ALONE = state({ type: 'Keep', reason: 'Unassigned', acknowledgement: undefined, detail: 'left' });
const THROTTLED = state({ ...WAITING, failure: 'Throttled' });
const REFUSED = state({ ...WAITING, failure: 'TooLarge' });

function recorded(...states: readonly (TwinState | undefined)[]): string[] {
  const events: ControllerEvent[] = [];
  const twins = new TwinTable((key, next) => warnings.update(key, next));
  const warnings = new TwinWarnings('dev', { record: (event) => void events.push(event) }, twins);
  for (const one of states) twins.setState('d1/m', one);
  for (const event of events) expect(event).toMatchObject({ hub: 'dev', deviceId: 'd1', moduleId: 'm' });
  return events.map((event) => `${eventType(event)} ${event.reason} ${eventMessage(event)}`);
}

const REJECTION = 'Warning Rejected usb: no such mode';

describe('of one twin', () => {
  test.each<[what: string, states: readonly (TwinState | undefined)[], told: readonly string[]]>([
    ['all is well', [WAITING, WRITTEN, APPLIED, APPLIED], []],
    ['a refusal, seen in many passes', [REJECTED, REJECTED, REJECTED], [REJECTION]],
    ['a refusal that is over', [REJECTED, APPLIED, APPLIED], [REJECTION, 'Normal Recovered Rejected is over.']],
    ['another try that is refused too', [REJECTED, WAITING, WRITTEN, REJECTED], [REJECTION]],
    [
      'a refusal that comes back',
      [REJECTED, APPLIED, REJECTED],
      [REJECTION, 'Normal Recovered Rejected is over.', REJECTION],
    ],
    [
      'one trouble after the other',
      [REJECTED, SILENT],
      [REJECTION, 'Warning NotAcknowledged The agent is connected and does not answer.'],
    ],
    [
      'a hold that each pass asks for anew',
      [WAITING, HELD, WAITING, HELD],
      ['Warning ManagedByEdge IoT Edge manages it.'],
    ],
    [
      'a hold that is over',
      [HELD, WRITTEN],
      ['Warning ManagedByEdge IoT Edge manages it.', 'Normal Recovered ManagedByEdge is over.'],
    ],
    ['what guards refuse, as their hub tells that', [GUARDED, WAITING, GUARDED, APPLIED], []],
    ['a contest', [CONTESTED, CONTESTED, APPLIED], ['Warning Contested usb', 'Normal Recovered Contested is over.']],
    ['a device without a configuration', [ALONE, ALONE], ['Warning Unassigned left']],
    ['a failure that heals by itself', [THROTTLED, WRITTEN], []],
    [
      'a failure that does not',
      [REFUSED, REFUSED, WRITTEN],
      [
        'Warning WriteFailed The last write failed (TooLarge); the log has more.',
        'Normal Recovered WriteFailed is over.',
      ],
    ],
    [
      'a failure of a twin in other trouble',
      [REJECTED, { ...REJECTED, failure: 'Unauthorized' }],
      [REJECTION, 'Warning WriteFailed The last write failed (Unauthorized); the log has more.'],
    ],
    ['a twin that is gone', [REJECTED, undefined, APPLIED], [REJECTION]],
  ])('%s', (_what, states, events) => {
    expect(recorded(...states)).toEqual(events);
  });
});

test('every hold that concerns one twin has an event, and every event is explained, in order', () => {
  const page = readFileSync(new URL('../../../docs/reasons.md', import.meta.url), 'utf8');
  const section = page.slice(page.indexOf('\n## Events\n'), page.indexOf('\n## Exceptions\n'));
  const rows = [...section.matchAll(/^\| `(\w+)` \| (?:twin|hub|source|twin, hub) \| .*\. \|$/gm)].map(
    ([, name]) => name,
  );
  const writes = new Set<string>([...REASONS.Patch, ...REASONS.Record]);
  const { Normal, Warning } = EVENT_REASONS;
  expect(rows).toEqual([...Normal.filter((reason) => !writes.has(reason)), ...Warning]);
  expect(Warning).toEqual(expect.arrayContaining(REASONS.Hold.filter((reason) => reason !== 'PlanStale')));
});
