// Actions in a few words, and what any action may have, for tests that do not care about the type.
import type { ActionType, PatchAction, ReasonOf, SettingChange, TwinAction } from '../../src/model/action.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Owner } from '../../src/model/owner.ts';

export interface ActionParts {
  readonly deviceId?: string;
  readonly moduleId?: string;
  readonly owners?: readonly Owner[];
  readonly observed?: readonly SettingChange[];
  readonly message?: string;
  readonly changes?: readonly SettingChange[];
  readonly etag?: string;
  readonly patch?: { readonly tags: JsonObject; readonly properties?: { readonly desired: JsonObject } };
  readonly needs?: PatchAction['needs'];
}

/** With what the type has and no more. */
export function actionOf<T extends ActionType>(type: T, reason: ReasonOf<T>, parts: ActionParts = {}): TwinAction {
  const { deviceId = 'd1', moduleId = 'm', owners = [], observed = [], message } = parts;
  const { changes = [], etag = 'AAAAAAAAAAE=', patch = { tags: {}, properties: { desired: {} } } } = parts;
  const { needs = { moduleTwin: true, deviceTwin: false } } = parts;
  return {
    type,
    reason,
    deviceId,
    moduleId,
    owners,
    observed,
    message,
    ...(type === 'Patch' || type === 'Create' ? { changes, needs } : {}),
    ...(type === 'Patch' || type === 'Record' ? { etag, patch, needs } : {}),
    ...(reason === 'GuardRefused' ? { refusedBy: 'Guards' } : {}),
  } as TwinAction;
}

/** Undefined where nothing is written to a twin. */
export function patchOf(action: TwinAction): Partial<PatchAction['patch']> | undefined {
  return 'patch' in action ? action.patch : undefined;
}

export function needsOf(action: TwinAction): PatchAction['needs'] | undefined {
  return 'needs' in action ? action.needs : undefined;
}
