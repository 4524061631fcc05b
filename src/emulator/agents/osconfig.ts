// OSConfig's security baseline, a Plug and Play agent: it acknowledges each property separately.
import { getKey, isObject, type Json, type JsonObject, setKey } from '../../model/json.ts';
import type { Behaviour } from './behaviour.ts';

export const OSCONFIG_MODULE_ID = 'osconfig';

const COMPONENT = 'SecurityBaseline';
const MARKER = '__t';
const WRITABLE = /^(?:remediate|init)[A-Z]\w*$/;

/**
 * Applies and acknowledges only what a patch names, so a partial patch does no harm. A removed property arrives as
 * null, is refused and stays in force. Its audit results are not simulated.
 */
export const reactAsOsconfig: Behaviour = (state, notification) => {
  const component = getKey(notification, COMPONENT);
  const settings: JsonObject = { ...state };
  if (!isObject(component)) return { state: settings };
  const replies: JsonObject = {};
  for (const [name, value] of Object.entries(component)) {
    if (name === MARKER) continue;
    const isTaken = WRITABLE.test(name) && typeof value === 'string';
    if (isTaken) setKey(settings, name, value);
    setKey(replies, name, acknowledge(value, isTaken, getKey(notification, '$version') ?? 0));
  }
  if (Object.keys(replies).length === 0) return { state: settings };
  return { state: settings, report: { [COMPONENT]: { [MARKER]: 'c', ...replies } } };
};

/** A report can't hold a null, so the acknowledgement of a removal has no value. */
function acknowledge(value: Json, isTaken: boolean, version: Json): JsonObject {
  return { ...(value === null ? {} : { value }), ac: isTaken ? 200 : 400, ad: '-', av: version };
}
