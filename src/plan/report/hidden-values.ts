// Twins without their secrets, for files that leave the house; and how such a twin is planned.
import { cloneJson, getPath, isObject, setPath, type Json, type JsonObject } from '../../model/json.ts';
import type { Profile } from '../../model/profile.ts';
import type { Twin } from '../../model/twin.ts';
import { hideSecrets } from '../../profile/secrets.ts';
import { wrapPlanner, type Planner } from '../planner.ts';
import { RECORD_TAG } from '../record/record.ts';
import { createRedaction, REDACTED } from './redaction.ts';
import type { Target } from '../target/target.ts';

/** A module twin with all that a plan looks at: of the tags only our records, and no value that is or looks sensitive. */
export function createHiding(profiles: ReadonlyMap<string, Profile>): (twin: Twin) => Twin {
  const byModule = Map.groupBy(profiles.values(), ({ moduleId }) => moduleId);
  const hiders = new Map<string, (section: JsonObject) => JsonObject>();
  function hiderFor(moduleId: string): (section: JsonObject) => JsonObject {
    const redact = createRedaction(profiles.values(), moduleId);
    const known = new Set((byModule.get(moduleId) ?? []).flatMap(({ schema }) => namesOf(schema)));
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

function namesOf({ properties }: JsonObject): string[] {
  return isObject(properties) ? Object.keys(properties) : [];
}

/**
 * The planner for twins with hidden values: what is hidden is taken for what is declared, as nobody can tell. `onHidden`
 * hears of each setting that is taken so.
 */
export function assumingHidden(planner: Planner, onHidden: () => void): Planner {
  return wrapPlanner(
    planner,
    (plan) =>
      (target, device, live, ...rest) =>
        plan(target, device, live === undefined ? undefined : reveal(target, live, onHidden), ...rest),
  );
}

function reveal({ atoms, observedAtoms }: Target, live: Twin, onHidden: () => void): Twin {
  const hidden = [...atoms, ...observedAtoms].filter(({ atom }) =>
    isHidden(getPath(live.properties.desired, atom.path)),
  );
  if (hidden.length === 0) return live;
  const desired = cloneJson(live.properties.desired);
  const reported = cloneJson(live.properties.reported);
  for (const { atom } of hidden) {
    onHidden();
    setPath(desired, atom.path, atom.value);
    if (isHidden(getPath(reported, atom.path))) setPath(reported, atom.path, atom.value);
  }
  return { ...live, properties: { desired, reported } };
}

function isHidden(value: Json | undefined): boolean {
  return value === REDACTED || (isObject(value) && value['value'] === REDACTED);
}
