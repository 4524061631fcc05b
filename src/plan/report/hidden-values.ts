// Twins without their secrets, for files that leave the organization, and how such a twin is planned.
import { cloneJson, getPath, isObject, setPath, type Json, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import type { Twin } from '../../model/twin.ts';
import { hideSecrets } from '../../profile/secrets.ts';
import { wrapPlanner, type Planner } from '../planner.ts';
import { RECORD_TAG } from '../record/record.ts';
import { createRedaction, REDACTED } from './redaction.ts';
import type { Target } from '../target/target.ts';

/** A module twin with all that planning reads: of the tags only our records, and no value that is or seems sensitive. */
export function createValueHiding(profiles: ReadonlyMap<string, Profile>): (twin: Twin) => Twin {
  const byModule = Map.groupBy(profiles.values(), ({ moduleId }) => moduleId);
  const hiders = new Map<string, (section: JsonObject) => JsonObject>();
  function hiderFor(moduleId: string): (section: JsonObject) => JsonObject {
    const redact = createRedaction(profiles.values(), moduleId);
    const known = new Set(
      (byModule.get(moduleId) ?? []).flatMap(({ schema: { properties } }) =>
        isObject(properties) ? Object.keys(properties) : [],
      ),
    );
    return (section) => hideSecrets(redact([], section), REDACTED, (name) => known.has(name)) as JsonObject;
  }
  return (twin) => {
    const { deviceId, moduleId = '', etag, status, connectionState, capabilities, configurations } = twin;
    const { tags, properties } = twin;
    const hide = hiders.get(moduleId) ?? hiderFor(moduleId);
    hiders.set(moduleId, hide);
    const records = tags?.[RECORD_TAG];
    return {
      deviceId,
      moduleId,
      etag,
      ...(status === undefined ? {} : { status }),
      ...(connectionState === undefined ? {} : { connectionState }),
      ...(capabilities === undefined ? {} : { capabilities }),
      ...(configurations === undefined ? {} : { configurations }),
      ...(records === undefined ? {} : { tags: { [RECORD_TAG]: records } }),
      properties: { desired: hide(properties.desired), reported: hide(properties.reported) },
    };
  };
}

/**
 * The planner for twins with hidden values: a hidden value counts as the declared one, as it can't be compared. It
 * calls `onHiddenValue` for each.
 */
export function assumingHiddenValues(planner: Planner, onHiddenValue: () => void): Planner {
  return wrapPlanner(
    planner,
    (plan) =>
      (target, device, live, ...rest) =>
        plan(target, device, live === undefined ? undefined : reveal(target, live, onHiddenValue), ...rest),
  );
}

function reveal({ atoms, observedAtoms }: Target, live: Twin, onHiddenValue: () => void): Twin {
  const hiddenValues = [...atoms, ...observedAtoms].filter(({ atom }) =>
    isHiddenValue(getPath(live.properties.desired, atom.path)),
  );
  if (hiddenValues.length === 0) return live;
  const desired = cloneJson(live.properties.desired);
  const reported = cloneJson(live.properties.reported);
  for (const { atom } of hiddenValues) {
    onHiddenValue();
    setPath(desired, atom.path, atom.value);
    if (isHiddenValue(getPath(reported, atom.path))) setPath(reported, atom.path, atom.value);
  }
  return { ...live, properties: { desired, reported } };
}

function isHiddenValue(value: Json | undefined): boolean {
  return value === REDACTED || (isObject(value) && value['value'] === REDACTED);
}
