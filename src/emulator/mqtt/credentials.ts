// Who a client says it is, and whether its token proves that.
import type { IotHub } from '../hub/iot-hub.ts';
import { isId, type IdentityRef } from '../hub/record.ts';
import type { Policy } from '../rest/policies.ts';
import { isSignedBy, parseSasToken, type SasToken } from '../rest/sas-token.ts';

export interface Claimed {
  readonly ref: IdentityRef;
  /** When the token ends; the hub ends the connection then too. */
  readonly expiresAtMs: number;
}

export interface SignIn {
  readonly clientId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
}

/** Undefined where the client may not come in. */
export function verifySignIn(
  { hub, policies, nowMs }: { hub: IotHub; policies: readonly Policy[]; nowMs: number },
  { clientId, username = '', password = '' }: SignIn,
): Claimed | undefined {
  const ref = parseUsername(username, hub.hostName);
  if (ref === undefined || clientId !== nameOf(ref)) return undefined;
  const token = parseSasToken(password);
  if (token === undefined || token.expiresAtSeconds * 1_000 <= nowMs) return undefined;
  if (!isFor(token, ref, hub.hostName) || !isProven(token, ref, hub, policies)) return undefined;
  return { ref, expiresAtMs: token.expiresAtSeconds * 1_000 };
}

/** `host/device[/module]/?api-version=...`: what follows the first "?" is not looked at. */
function parseUsername(username: string, hostName: string): IdentityRef | undefined {
  const [path = ''] = username.split('?');
  const [host, deviceId, moduleId, ...rest] = path.replace(/\/$/, '').split('/');
  if (host?.toLowerCase() !== hostName.toLowerCase() || !isId(deviceId) || rest.length > 0) return undefined;
  if (moduleId === undefined) return { deviceId };
  return isId(moduleId) ? { deviceId, moduleId } : undefined;
}

function nameOf({ deviceId, moduleId }: IdentityRef): string {
  return moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`;
}

/** `sr` names the host or any prefix of the identity's own place. */
function isFor({ resource }: SasToken, { deviceId, moduleId }: IdentityRef, hostName: string): boolean {
  const [host, ...scope] = resource;
  const place = ['devices', deviceId, ...(moduleId === undefined ? [] : ['modules', moduleId])];
  return host?.toLowerCase() === hostName.toLowerCase() && scope.every((segment, index) => segment === place[index]);
}

/** With a key of the identity itself, or of a policy that may connect devices. */
function isProven(token: SasToken, ref: IdentityRef, hub: IotHub, policies: readonly Policy[]): boolean {
  if (token.policyName === undefined) {
    const keys = hub.identityKeys(ref);
    return keys !== undefined && isSignedBy(token, keys);
  }
  const policy = policies.find(({ name }) => name === token.policyName);
  if (policy?.permissions.includes('DeviceConnect') !== true) return false;
  return isSignedBy(token, { primary: policy.primaryKey, secondary: policy.secondaryKey });
}
