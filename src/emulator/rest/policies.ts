// The hub's shared access policies: their rights, and their connection strings.
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

/** The policies of every new hub. */
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

/** A secret: never log it. Undefined if there is no policy with this name. */
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
