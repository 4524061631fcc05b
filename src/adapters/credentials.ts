// Connection strings and where to read them. No message ever quotes one.
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import type { SecretRef } from '../model/declared.ts';
import { HubError } from '../model/errors.ts';

export interface ConnectionStringFacts {
  readonly hostName: string;
  readonly sharedAccessKeyName: string;
}

const HOST_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i;

/** The problem, without any part of the string. */
interface Problem {
  readonly problem: string;
}

/** The host of the string, or its problem. */
export function parseConnectionString(text: string): ConnectionStringFacts | Problem {
  const fields = readFields(text);
  if (fields === undefined) return NAMED_TWICE;
  const hostName = fields.get('HostName');
  const sharedAccessKeyName = fields.get('SharedAccessKeyName');
  if (hostName === undefined || hostName === '') return { problem: 'it has no HostName.' };
  if (!HOST_NAME.test(hostName)) return { problem: 'its HostName is not a host name; put a port into "endpoint".' };
  if (fields.has('DeviceId'))
    return { problem: "it is a device's; the connection string of a hub's policy is needed." };
  if (sharedAccessKeyName === undefined || sharedAccessKeyName === '')
    return { problem: 'it has no SharedAccessKeyName.' };
  if ((fields.get('SharedAccessKey') ?? '') === '') return { problem: 'it has no SharedAccessKey.' };
  return { hostName, sharedAccessKeyName };
}

/** The host of an Event Hubs-compatible endpoint, or the problem of its connection string. */
export function parseEventsConnectionString(text: string): { readonly host: string } | Problem {
  const fields = readFields(text);
  if (fields === undefined) return NAMED_TWICE;
  if (fields.has('HostName')) return { problem: "it is a hub's; that of its built-in endpoint is needed." };
  const missing = EVENTS_FIELDS.find((name) => (fields.get(name) ?? '') === '');
  if (missing !== undefined) return { problem: `it has no ${missing}.` };
  const endpoint = fields.get('Endpoint') ?? '';
  if (!URL.canParse(endpoint) || new URL(endpoint).protocol !== 'sb:') {
    return { problem: 'its Endpoint is not an address such as sb://NAME.servicebus.windows.net/.' };
  }
  const host = new URL(endpoint).hostname;
  if (fields.get('UseDevelopmentEmulator')?.toLowerCase() === 'true' && !isLoopback(host)) {
    return { problem: 'it turns encryption off with UseDevelopmentEmulator, and is not for this machine.' };
  }
  return { host };
}

const EVENTS_FIELDS = ['Endpoint', 'SharedAccessKeyName', 'SharedAccessKey', 'EntityPath'];

const NAMED_TWICE: Problem = { problem: 'it names a field twice.' };

/** Undefined if a field is given twice: the SDK might read the other one. */
function readFields(text: string): ReadonlyMap<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const field of text.trim().split(';')) {
    const at = field.indexOf('=');
    if (at <= 0) continue;
    const name = field.slice(0, at).trim();
    if (fields.has(name)) return undefined;
    fields.set(name, field.slice(at + 1).trim());
  }
  return fields;
}

/** Throws HubError if the credential is for another hub. */
export function checkCredentialHost(credentialHost: string, hubHost: string): void {
  if (credentialHost.toLowerCase() === hubHost.toLowerCase()) return;
  throw new HubError(
    'Unauthorized',
    `The credential is for ${credentialHost}, the Hub is ${hubHost}: refused. Give the credential of ${hubHost}.`,
  );
}

/** Without the trailing line break that editors add. Rejects with HubError. */
export async function readSecret(ref: SecretRef, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  if ('env' in ref) {
    const value = env[ref.env];
    if (value !== undefined && value !== '') return value.trim();
    throw new HubError('Unauthorized', `The environment variable ${ref.env}, which should hold a secret, is not set.`);
  }
  try {
    return (await readFile(ref.file, 'utf8')).trim();
  } catch (cause) {
    throw new HubError('Unauthorized', `Could not read the secret in ${ref.file}. Does the file exist?`, { cause });
  }
}

/** True for an address that never leaves this machine: a URL or a host name. False if in doubt. */
export function isLoopback(endpointOrHost: string): boolean {
  const host = URL.canParse(endpointOrHost) ? new URL(endpointOrHost).hostname : endpointOrHost;
  const name = host.replaceAll(/[[\]]/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIPv4(name) && name.startsWith('127.'));
}
