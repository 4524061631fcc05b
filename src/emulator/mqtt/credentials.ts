// Who a client says it is, and whether its token proves that.
import type { IotHub } from '../hub/iot-hub.ts';
import { isId, type IdentityRef } from '../hub/record.ts';
import { keysOf, type Policy } from '../rest/policies.ts';
import { isSignedBy, isTokenFor, parseSasToken, type SasToken } from '../rest/sas-token.ts';

export interface Claimed {
  readonly ref: IdentityRef;
  /** Of its digital twin; empty where it names none. */
  readonly modelId: string;
  /** When the token ends; the hub ends the connection then too. */
  readonly expiresAtMs: number;
}

export interface SignIn {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Of the language for digital twins, whose newest version allows the most. */
const MODEL_ID_CHARACTERS_MAX = 2_048;

/** Undefined where the client may not come in. */
export function verifySignIn(
  { hub, policies, nowMs }: { hub: IotHub; policies: readonly Policy[]; nowMs: number },
  { clientId, username = '', password = '' }: SignIn,
): Claimed | undefined {
  const claimed = parseUsername(username, hub.hostName);
  if (claimed === undefined || clientId !== nameOf(claimed.ref)) return undefined;
  const { ref } = claimed;
  const token = parseSasToken(password);
  if (token === undefined || token.expiresAtSeconds * 1_000 <= nowMs) return undefined;
  if (!isTokenFor(token, hub.hostName, placeOf(ref)) || !isProven(token, ref, hub, policies)) return undefined;
  return { ...claimed, expiresAtMs: token.expiresAtSeconds * 1_000 };
}

/** `host/device[/module]/?api-version=...&model-id=...`: of what follows the first "?" nothing else is looked at. */
function parseUsername(username: string, hostName: string): Omit<Claimed, 'expiresAtMs'> | undefined {
  const end = username.includes('?') ? username.indexOf('?') : username.length;
  const path = username.slice(0, end);
  const [host, deviceId, moduleId, ...rest] = path.replace(/\/$/, '').split('/');
  if (host?.toLowerCase() !== hostName.toLowerCase() || !isId(deviceId) || rest.length > 0) return undefined;
  const modelId = new URLSearchParams(username.slice(end)).get('model-id') ?? '';
  if (modelId.length > MODEL_ID_CHARACTERS_MAX) return undefined;
  if (moduleId === undefined) return { ref: { deviceId }, modelId };
  return isId(moduleId) ? { ref: { deviceId, moduleId }, modelId } : undefined;
}

function nameOf({ deviceId, moduleId }: IdentityRef): string {
  return moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;
}

/** The identity's own place on the hub. */
function placeOf({ deviceId, moduleId }: IdentityRef): string[] {
  return ['devices', deviceId, ...(moduleId === undefined ? [] : ['modules', moduleId])];
}

/** With a key of the identity itself, or of a policy that may connect devices. */
function isProven(token: SasToken, ref: IdentityRef, hub: IotHub, policies: readonly Policy[]): boolean {
  if (token.policyName === undefined) {
    const keys = hub.identityKeys(ref);
    return keys !== undefined && isSignedBy(token, keys);
  }
  const policy = policies.find(({ name }) => name === token.policyName);
  if (policy?.permissions.includes('DeviceConnect') !== true) return false;
  return isSignedBy(token, keysOf(policy));
}
