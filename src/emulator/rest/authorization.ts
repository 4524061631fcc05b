// Authorization: a token's policy, identity key or roles against the requirements of an endpoint.
import type { Clock } from '../../ports/clock.ts';
import type { IotHub } from '../hub/iot-hub.ts';
import { attempt, notPermitted, ServiceError, unauthorized } from '../hub/service-error.ts';
import { keysOf, type Permission, type Policy } from './policies.ts';
import { type DataAction, isGranted } from './roles.ts';
import { isSignedBy, isTokenFor, parseSasToken, type SasToken } from './sas-token.ts';
import type { TokenIssuer } from './token-issuer.ts';

export interface Credentials {
  /** The header `authorization`. */
  readonly header: string | undefined;
  /** The request's path by decoded segment: `['devices', 'd', 'modules']`. */
  readonly path: readonly string[];
  /** For the text of a refusal. */
  readonly method?: string;
}

/** The rights that a call requires. Endpoints that an identity may call with its own key say so. */
export interface Access {
  /** Permission required of a policy. */
  readonly permission: Permission;
  /** Actions that roles must grant, all of them; undefined: no role is sufficient. */
  readonly actions?: readonly DataAction[];
  readonly allowsIdentity?: boolean;
}

/** How the caller authenticated: some answers differ by it. */
export type Caller = 'signature' | 'bearer';

export type Authorize = (credentials: Credentials, access: Access) => Caller;

export interface Authorities {
  readonly hub: IotHub;
  readonly policies: readonly Policy[];
  readonly issuer?: TokenIssuer | undefined;
}

const BEARER = 'Bearer ';

/** Limit for the cache of verified signatures, which is cleared when full. Clients send one token for an hour. */
const KNOWN_MAX = 1024;

/**
 * The check throws IotHubUnauthorizedAccess (401) without naming the wrong part; but for a valid bearer token without
 * the right, IotHubUnauthorized (401) names its principal, like Entra's. `sr` may name the host or any prefix of the
 * path. A token is valid until the second `se`; whether a real hub tolerates clock drift is not established.
 */
export function createAuthorize({ hub, policies, issuer }: Authorities, clock: Clock): Authorize {
  const policiesByName = new Map(policies.map((policy) => [policy.name, policy]));
  /** By header. Only valid tokens of policies, whose keys never change: strangers can't fill it. */
  const known = new Map<string, SasToken>();

  function isAllowed(header: string, token: SasToken, { permission, allowsIdentity }: Access): boolean {
    if (token.policyName === undefined) return allowsIdentity === true && isSignedByIdentity(token);
    const policy = policiesByName.get(token.policyName);
    if (policy === undefined || !policy.permissions.includes(permission)) return false;
    return isSignedByPolicy(header, token, policy);
  }

  function isSignedByPolicy(header: string, token: SasToken, policy: Policy): boolean {
    if (known.has(header)) return true;
    if (!isSignedBy(token, keysOf(policy))) return false;
    if (known.size === KNOWN_MAX) known.clear();
    known.set(header, token);
    return true;
  }

  /** The resource of such a token is the identity: `host/devices/d` or `host/devices/d/modules/m`. */
  function isSignedByIdentity(token: SasToken): boolean {
    const [, devices, deviceId, modules, moduleId, ...rest] = token.resource;
    if (devices !== 'devices' || deviceId === undefined || rest.length > 0) return false;
    if (modules !== undefined && (modules !== 'modules' || moduleId === undefined)) return false;
    const keys = hub.identityKeys(moduleId === undefined ? { deviceId } : { deviceId, moduleId });
    return keys !== undefined && isSignedBy(token, keys);
  }

  function checkBearer(token: string, { path, method = '' }: Credentials, { actions }: Access): void {
    const principal = issuer?.verify(token, clock.now());
    if (principal === undefined) throw unauthorized();
    if (!isGranted(principal.roles, actions)) throw notPermitted(principal.name, `${method} on /${path.join('/')}`);
  }

  return (credentials, access) => {
    const { header = '', path } = credentials;
    if (header.startsWith(BEARER)) {
      checkBearer(header.slice(BEARER.length), credentials, access);
      return 'bearer';
    }
    const token = known.get(header) ?? parseSasToken(header);
    if (token === undefined) throw unauthorized();
    const isExpired = token.expiresAtSeconds * 1000 <= clock.now();
    if (!isTokenFor(token, hub.hostName, path) || isExpired || !isAllowed(header, token, access)) throw unauthorized();
    return 'signature';
  };
}

/**
 * Under SAS, calls on module identities answer 401 if the device is missing or disabled, for any policy: the service
 * checks the device's own rights first.
 */
export function requireEnabledDevice(hub: IotHub, deviceId: string): void {
  if (isEnabled(hub, deviceId)) return;
  throw new ServiceError('IotHubUnauthorizedAccess', 'Unauthorized', { envelope: 2 });
}

function isEnabled(hub: IotHub, deviceId: string): boolean {
  const device = attempt(() => hub.getDevice(deviceId));
  return !(device instanceof ServiceError) && device['status'] === 'enabled';
}
