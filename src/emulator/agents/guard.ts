// The invented acme-guard agent: it mirrors its section, and old firmware does not know every value.
import { getKey, isObject, type Json, type JsonObject, mergePatch, setKey } from '../../model/json.ts';
import type { Behaviour } from './behaviour.ts';

export const GUARD_MODULE_ID = 'acmeGuard';

const SECTION = 'guard';
/** Never mirrored, because many can read reports. */
const SECRET = 'uploadToken';
const DEFAULTS: JsonObject = { scanInterval: 'PT6H', usbPolicy: 'allow' };
const DURATION = /^P(?=.)(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?$/;

const CURRENT_USB_POLICIES: readonly string[] = ['allow', 'audit', 'block'];
/** By firmware; others accept all values. */
const USB_POLICIES: ReadonlyMap<string, readonly string[]> = new Map([['1.2', ['allow', 'block']]]);

/**
 * Merges patches, and mirrors its effective settings. After a refusal it keeps the old settings and reports them again,
 * so that the report is fresh and differs; `lastError` holds the reason, and `guardStatus`, outside the section,
 * repeats it.
 */
export function createGuard(firmware: string): Behaviour {
  return (state, notification, kind) => {
    const before = state ?? DEFAULTS;
    const section = getKey(notification, SECTION);
    const settingsPatch = isObject(section) ? section : {};
    if (kind === 'Change' && section === undefined) return { state: before };
    // Removing the section or a setting restores defaults.
    const base = kind === 'Change' && section !== null ? before : DEFAULTS;
    const settings = { ...DEFAULTS, ...(mergePatch(base, settingsPatch) as JsonObject) };
    const refusal = findRefusal(settings, firmware);
    const taken = refusal === undefined ? settings : before;
    return {
      state: taken,
      report: mirror([...Object.keys(before), ...Object.keys(settingsPatch)], taken, firmware, refusal),
    };
  };
}

function findRefusal({ usbPolicy, scanInterval }: JsonObject, firmware: string): string | undefined {
  const policies = USB_POLICIES.get(firmware) ?? CURRENT_USB_POLICIES;
  if (typeof usbPolicy !== 'string' || !policies.includes(usbPolicy)) {
    return `usbPolicy: firmware ${firmware} does not know ${JSON.stringify(usbPolicy ?? null)}`;
  }
  if (typeof scanInterval !== 'string' || !DURATION.test(scanInterval)) {
    return `scanInterval: ${JSON.stringify(scanInterval ?? null)} is not a duration`;
  }
  return undefined;
}

/** Known settings without an effective value are null: an earlier report may still have them. */
function mirror(
  names: readonly string[],
  taken: JsonObject,
  firmware: string,
  refusal: string | undefined,
): JsonObject {
  const section: JsonObject = { lastError: refusal ?? null };
  const gone = names.filter((name) => !Object.hasOwn(taken, name));
  const entries: [string, Json][] = [...gone.map((name): [string, Json] => [name, null]), ...Object.entries(taken)];
  for (const [name, value] of entries) if (name !== SECRET) setKey(section, name, value);
  return { [SECTION]: section, guardStatus: refusal === undefined ? 'running' : `refused ${refusal}`, firmware };
}
