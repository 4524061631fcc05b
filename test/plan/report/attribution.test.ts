// Attributes changes of twins to a change of the manifests, or to pending work.
import { describe, expect, test } from 'vitest';
import { changesOf, type SettingChange, type TwinAction } from '../../../src/model/action.ts';
import { actionOf } from '../actions.ts';
import { attribute } from '../../../src/plan/report/attribution.ts';

function change(name: string, after: number | undefined, cause: SettingChange['cause'] = 'Drift'): SettingChange {
  return { name, path: ['s', name], before: 1, after, owner: 'SecurityConfiguration/x', cause, sensitive: false };
}

const EQUAL = actionOf('Equal', 'InSync');
const DRIFT = actionOf('Patch', 'Drift', { changes: [change('a', 2)] });
const OBSERVED = actionOf('Observe', 'ModeObserve', { observed: [change('a', 2)] });

describe('one twin, planned with the manifests before and after', () => {
  test.each<[sentence: string, after: TwinAction, before: TwinAction, fresh: string[] | undefined, pending: boolean]>([
    ['nothing to do either way', EQUAL, EQUAL, undefined, false],
    ['drift that was there already', DRIFT, DRIFT, undefined, true],
    ['a change alone', DRIFT, EQUAL, ['a'], false],
    [
      'a change beside drift: only the change is shown',
      actionOf('Patch', 'ConfigurationChanged', { changes: [change('a', 2), change('b', 3, 'ConfigurationChanged')] }),
      DRIFT,
      ['b'],
      true,
    ],
    ['another value than before', actionOf('Patch', 'Drift', { changes: [change('a', 3)] }), DRIFT, ['a'], false],
    ['drift that the change no longer asks to correct', EQUAL, DRIFT, [], false],
    ['a hold that is new', actionOf('Hold', 'Conflicted', { message: 'x' }), DRIFT, [], false],
    ['a mode that lets it be written now', DRIFT, OBSERVED, ['a'], false],
    ['a difference that is only seen, and new', OBSERVED, EQUAL, [], false],
    ['a difference that was seen before too', OBSERVED, OBSERVED, undefined, true],
  ])('%s', (_sentence, after, before, fresh, pending) => {
    const attributed = attribute(after, before);
    expect(attributed.fromThisChange && changesOf(attributed.fromThisChange).map(({ name }) => name)).toEqual(fresh);
    expect(attributed.wasAskedBefore).toBe(pending);
  });
});
