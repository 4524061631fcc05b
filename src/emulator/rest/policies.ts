// Owns the hub's shared access policies: what each may do, and the connection strings that name them.
import type { Random } from '../../ports/random.ts';
import type { KeyPair } from './sas-token.ts';

export type Permission = 'RegistryRead' | 'RegistryWrite' | 'ServiceConnect' | 'DeviceConnect';

export interface Policy {
  readonly name: string;
  readonly permissions: readonly Permission[];
  /** Base64 of 32 bytes, as is the secondary key. */
  readonly primaryKey: string;
  readonly secondaryKey: string;
}

/** The policies every real hub is born with. */
const STANDARD_POLICIES: readonly (readonly [name: string, permissions: readonly Permission[]])[] = [
  ['iothubowner', ['RegistryRead', 'RegistryWrite', 'ServiceConnect', 'DeviceConnect']],
  ['service', ['ServiceConnect']],
  ['device', ['DeviceConnect']],
  ['registryRead', ['RegistryRead']],
  ['registryReadWrite', ['RegistryRead', 'RegistryWrite']],
];

const KEY_BYTES = 32;

export function createPolicies(random: Random): Policy[] {
  return STANDARD_POLICIES.map(([name, permissions]) => ({
    name,
    permissions,
    primaryKey: createKey(random),
    secondaryKey: createKey(random),
  }));
}

/** A secret: never to be logged. Undefined where no policy has the name. */
export function connectionString(hostName: string, policies: readonly Policy[], name: string): string | undefined {
  const policy = policies.find((candidate) => candidate.name === name);
  if (policy === undefined) return undefined;
  return `HostName=${hostName};SharedAccessKeyName=${policy.name};SharedAccessKey=${policy.primaryKey}`;
}

export function keysOf({ primaryKey, secondaryKey }: Policy): KeyPair {
  return { primary: primaryKey, secondary: secondaryKey };
}

function createKey(random: Random): string {
  return Buffer.from(Array.from({ length: KEY_BYTES }, () => Math.floor(random.next() * 256))).toString('base64');
}
