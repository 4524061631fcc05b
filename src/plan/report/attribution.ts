// What of a plan comes from a change of the manifests, and what would be done without it: one twin, planned both ways.
import { deepEqual } from '../../model/json.ts';
import { changesDevice, changesOf, type SettingChange, type TwinAction } from '../../model/action.ts';

interface Attributed {
  /** The action with only those changes that the manifests before would not make; undefined where nothing is left. */
  readonly fromThisChange: TwinAction | undefined;
  /** True where the manifests before would change something here too. */
  readonly wasAskedBefore: boolean;
}

/** `before` is the action that the manifests before ask for now, on the same twin. */
export function attribute(action: TwinAction, before: TwinAction): Attributed {
  const changes = withoutKnown(changesOf(action), changesOf(before));
  const observed = withoutKnown(action.observed, before.observed);
  const known = changesOf(action).length - changes.length + action.observed.length - observed.length;
  const isSameKind =
    action.type === before.type && action.reason === before.reason && action.message === before.message;
  const isNew = changes.length > 0 || observed.length > 0 || (!isSameKind && known === 0);
  return {
    fromThisChange: !isNew
      ? undefined
      : changesDevice(action)
        ? { ...action, changes, observed }
        : { ...action, observed },
    wasAskedBefore: known > 0 || (isSameKind && action.type !== 'Equal' && action.type !== 'Skip' && !isNew),
  };
}

function withoutKnown(changes: readonly SettingChange[], known: readonly SettingChange[]): readonly SettingChange[] {
  if (known.length === 0) return changes;
  return changes.filter((change) => !known.some((other) => isSame(change, other)));
}

/** The cause may differ: a setting that drifted and then changed in the manifests too counts as the same. */
function isSame(a: SettingChange, b: SettingChange): boolean {
  return deepEqual([...a.path], [...b.path]) && deepEqual(a.before, b.before) && deepEqual(a.after, b.after);
}
