// Owns who may call what: a token's policy or identity key against the permission that an endpoint asks for.
import type { Clock } from '../../ports/clock.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import { ServiceError, unauthorized } from '../hub/service-error.ts';
import type { Permission, Policy } from './policies.ts';
import { isSignedBy, parseSasToken, type SasToken } from './sas-token.ts';

export interface Credentials {
  /** The header `authorization`. */
  readonly header: string | undefined;
  /** The request's path by decoded segment: `['devices', 'd', 'modules']`. */
  readonly path: readonly string[];
}

/** The reading of permissions; endpoints that an identity may call with its own key say so. */
export interface Access {
  readonly permission: Permission;
  readonly allowsIdentity?: boolean;
}

export type Authorize = (credentials: Credentials, access: Access) => void;

/**
 * The check throws IotHubUnauthorizedAccess (401) and never says which part was wrong. `sr` may name the host or any
 * prefix of the path. A token is good until the second `se`; whether a real hub allows clocks some drift is not established.
 */
export function createAuthorize(hub: IotHub, policies: readonly Policy[], clock: Clock): Authorize {
  const policiesByName = new Map(policies.map((policy) => [policy.name, policy]));
  const host = hub.hostName.toLowerCase();

  function isAllowed(token: SasToken, { permission, allowsIdentity }: Access): boolean {
    if (token.policyName === undefined) return allowsIdentity === true && isSignedByIdentity(token);
    const policy = policiesByName.get(token.policyName);
    if (policy === undefined || !policy.permissions.includes(permission)) return false;
    return isSignedBy(token, { primary: policy.primaryKey, secondary: policy.secondaryKey });
  }

  /** The resource of such a token is the identity: `host/devices/d` or `host/devices/d/modules/m`. */
  function isSignedByIdentity(token: SasToken): boolean {
    const [, devices, deviceId, modules, moduleId, ...rest] = token.resource;
    if (devices !== 'devices' || deviceId === undefined || rest.length > 0) return false;
    if (modules !== undefined && (modules !== 'modules' || moduleId === undefined)) return false;
    const keys = hub.identityKeys(moduleId === undefined ? { deviceId } : { deviceId, moduleId });
    return keys !== undefined && isSignedBy(token, keys);
  }

  return ({ header, path }, access) => {
    const token = header === undefined ? undefined : parseSasToken(header);
    if (token === undefined) throw unauthorized();
    const [tokenHost, ...scope] = token.resource;
    const isForHost = tokenHost?.toLowerCase() === host;
    const isForPath = scope.every((segment, index) => segment === path[index]);
    const isExpired = token.expiresAtSeconds * 1000 <= clock.now();
    if (!isForHost || !isForPath || isExpired || !isAllowed(token, access)) throw unauthorized();
  };
}

/**
 * Under SAS the calls on module identities answer 401 where the device is missing or disabled, for any policy: the service
 * looks up the device's own rights first.
 */
export function requireEnabledDevice(hub: IotHub, deviceId: string): void {
  if (isEnabled(hub, deviceId)) return;
  throw new ServiceError('IotHubUnauthorizedAccess', 'Unauthorized', { envelope: 2 });
}

function isEnabled(hub: IotHub, deviceId: string): boolean {
  try {
    return hub.getDevice(deviceId)['status'] === 'enabled';
  } catch (error) {
    if (error instanceof ServiceError) return false;
    throw error;
  }
}
