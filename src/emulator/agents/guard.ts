// Acme's own agent, as a fleet may have one: it mirrors its section, and old firmware does not know every value.
import { getKey, isObject, type Json, type JsonObject, mergePatch, setKey } from '../../model/json.ts';
import type { Behaviour } from './behaviour.ts';

export const GUARD_MODULE_ID = 'acmeGuard';

const SECTION = 'guard';
/** Never mirrored: reports are read by many. */
const SECRET = 'uploadToken';
const DEFAULTS: JsonObject = { scanInterval: 'PT6H', usbPolicy: 'allow' };
const DURATION = /^P(?=.)(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?$/;

const CURRENT_USB_POLICIES: readonly string[] = ['allow', 'audit', 'block'];
/** By firmware, where it differs from the current one. */
const USB_POLICIES: ReadonlyMap<string, readonly string[]> = new Map([['1.2', ['allow', 'block']]]);

/**
 * Merges patches, and mirrors the settings in force. After a refusal it keeps the old ones and reports them anew, so that
 * the report is fresh and differs; `lastError` says why, and `guardStatus` says it beside the section.
 */
export function createGuard(firmware: string): Behaviour {
  return (state, notification, kind) => {
    const before = state ?? DEFAULTS;
    const section = getKey(notification, SECTION);
    const told = isObject(section) ? section : {};
    if (kind === 'Change' && section === undefined) return { state: before };
    // A section that was removed leaves the defaults, as does a setting.
    const base = kind === 'Change' && section !== null ? before : DEFAULTS;
    const settings = { ...DEFAULTS, ...(mergePatch(base, told) as JsonObject) };
    const refusal = findRefusal(settings, firmware);
    const taken = refusal === undefined ? settings : before;
    return { state: taken, report: mirror([...Object.keys(before), ...Object.keys(told)], taken, firmware, refusal) };
  };
}

function findRefusal({ usbPolicy, scanInterval }: JsonObject, firmware: string): string | undefined {
  const policies = USB_POLICIES.get(firmware) ?? CURRENT_USB_POLICIES;
  if (typeof usbPolicy !== 'string' || !policies.includes(usbPolicy)) {
    return `usbPolicy: firmware ${firmware} does not know ${JSON.stringify(usbPolicy ?? null)}`;
  }
  if (typeof scanInterval !== 'string' || !DURATION.test(scanInterval)) {
    return `scanInterval: ${JSON.stringify(scanInterval ?? null)} is no duration`;
  }
  return undefined;
}

/** Of the names it knows, those that it does not run with are null: an earlier report may still hold them. */
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
