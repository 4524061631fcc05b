// Which address, which credential, which ceiling: the one place where a declared hub becomes a connected one.
import { readFile } from 'node:fs/promises';
import { checkCredentialHost, isLoopback, parseConnectionString, readSecret } from '../../adapters/credentials.ts';
import { AUTHORITY_HINT, describeSetupFailure } from '../../adapters/iot-hub-errors.ts';
import { connectIotHub, type IotHubCredential } from '../../adapters/iot-hub.ts';
import { meteredHub } from '../../adapters/metered-hub.ts';
import type { Capacity, DeclaredHub, SecretRef } from '../../model/declared.ts';
import type { Connection } from '../../controller/loop/connection.ts';
import { HubError } from '../../model/errors.ts';
import type { Metrics } from '../../ports/metrics.ts';
import { valueOf, type World } from '../world.ts';

export const CONNECTION_STRING_ENV = 'IOTHUB_CONNECTION_STRING';
export const ENDPOINT_ENV = 'TWINWARD_HUB_ENDPOINT';
export const CA_ENV = 'TWINWARD_HUB_CA';

export interface Connected extends Connection {
  readonly hostName: string;
  /** `https://127.0.0.1:8443` or `https://acme.azure-devices.net`. */
  readonly endpoint: string;
  /** The certificate authority to trust there, in PEM; undefined for those that the system trusts. */
  readonly ca: string | undefined;
  readonly caFile: string | undefined;
  /** Name of the shared access policy that signs in; undefined where none does. */
  readonly policy: string | undefined;
}

export interface ConnectContext extends Pick<World, 'env' | 'clock'> {
  readonly metrics: Metrics;
  /** Hubs in the manifests: the environment can speak for one alone. */
  readonly hubCount: number;
}

/** Assumed of a hub that says nothing: the smallest that has twins without being free, so that we starve nobody. */
const SMALLEST_CAPACITY: Capacity = { tier: 'S1', units: 1 };

const TIMEOUT_MS = 30_000;
/** Sockets of one hub. */
const CONNECTIONS_MAX = 32;

/** Rejects with HubError, whose message says what to do. Calls nothing. */
export async function connectHub(declared: DeclaredHub, context: ConnectContext): Promise<Connected> {
  const { env, clock, metrics } = context;
  const { hostName, credential, policy } = await findCredential(declared, env);
  const address = addressOf(declared, context);
  const { caFile } = address;
  const authority = caFile === undefined ? {} : { ca: await readCa(caFile), caFile };
  const hub = connectIotHub({
    hostName,
    ...(address.endpoint === undefined ? {} : { endpoint: address.endpoint }),
    ...authority,
    credential,
    timeoutMs: TIMEOUT_MS,
    clock,
    concurrency: CONNECTIONS_MAX,
  });
  const endpoint = address.endpoint ?? `https://${hostName}`;
  const isLocal = isLoopback(endpoint);
  return {
    hub: meteredHub(hub, { metrics, clock, host: hostName }),
    mode: declared.mode ?? (isLocal ? 'Enforce' : 'Observe'),
    capacity: declared.capacity ?? (isLocal ? undefined : SMALLEST_CAPACITY),
    hostName,
    endpoint,
    ca: authority.ca,
    caFile,
    policy,
  };
}

/** The environment wins over the manifest, and is refused where it could mean several hubs. */
function addressOf(declared: DeclaredHub, { env, hubCount }: ConnectContext): Pick<DeclaredHub, 'endpoint' | 'caFile'> {
  const endpoint = valueOf(env, ENDPOINT_ENV);
  const caFile = valueOf(env, CA_ENV);
  if (endpoint === undefined && caFile === undefined) return declared;
  if (hubCount > 1) {
    throw new HubError(
      'Invalid',
      `${ENDPOINT_ENV} and ${CA_ENV} name one address, and the manifests have ${hubCount} hubs. ` +
        'Unset them, and write "endpoint" and "caFile" into the Hub manifests.',
    );
  }
  if (endpoint !== undefined && !isHttpsAddress(endpoint)) {
    throw new HubError('Invalid', `${ENDPOINT_ENV} is not an https address such as https://127.0.0.1:8443.`);
  }
  return { endpoint: endpoint ?? declared.endpoint, caFile: caFile ?? declared.caFile };
}

function isHttpsAddress(text: string): boolean {
  return URL.canParse(text) && new URL(text).protocol === 'https:';
}

async function readCa(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    const message = `Could not read the certificate authority ${path}. Is the hub that writes it running?`;
    throw new HubError('Unavailable', message, { hint: AUTHORITY_HINT, cause });
  }
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  const message = `There is no certificate in the form of PEM in ${path}, which is to hold the certificate authority.`;
  throw new HubError('Unavailable', message, { hint: AUTHORITY_HINT });
}

interface FoundCredential {
  readonly hostName: string;
  readonly credential: IotHubCredential;
  readonly policy: string | undefined;
}

/**
 * The environment's connection string counts where it names this hub; else the manifest's own credential does. One that
 * names another hub is never used.
 */
async function findCredential(declared: DeclaredHub, env: World['env']): Promise<FoundCredential> {
  const { authentication } = declared;
  const fromEnvironment = valueOf(env, CONNECTION_STRING_ENV);
  const secret = authentication?.type === 'ConnectionString' ? authentication.secret : undefined;
  const hasOwn = secret !== undefined || authentication?.type === 'Entra';
  if (fromEnvironment !== undefined && (!hasOwn || namesHub(fromEnvironment, declared.hostName))) {
    return byConnectionString(declared, fromEnvironment, `the environment variable ${CONNECTION_STRING_ENV}`);
  }
  if (secret !== undefined) {
    const where = 'env' in secret ? `the environment variable ${secret.env}` : secret.file;
    return byConnectionString(declared, await readOwnSecret(declared, secret, env), where);
  }
  if (authentication?.type === 'Entra' && declared.hostName !== undefined) {
    const { DefaultAzureCredential } = await import('@azure/identity').catch((error: unknown) => {
      throw describeSetupFailure(error, `sign in to hub ${declared.name}`);
    });
    return {
      hostName: declared.hostName,
      credential: { type: 'Entra', credential: new DefaultAzureCredential() },
      policy: undefined,
    };
  }
  throw new HubError(
    'Unauthorized',
    `No credential for hub ${declared.name}. Set ${CONNECTION_STRING_ENV}, or write spec.auth into the Hub manifest.`,
  );
}

/** A file that the embedded hub writes is there only while it runs. */
async function readOwnSecret({ endpoint = '' }: DeclaredHub, secret: SecretRef, env: World['env']): Promise<string> {
  try {
    return await readSecret(secret, env);
  } catch (error) {
    if (!(error instanceof HubError) || !isLoopback(endpoint)) throw error;
    const message = `${error.message} The embedded hub writes its own while it runs: \`npm start\`.`;
    throw new HubError(error.code, message, { cause: error });
  }
}

function namesHub(connectionString: string, hostName: string | undefined): boolean {
  const parsed = parseConnectionString(connectionString);
  return 'hostName' in parsed && hostName !== undefined && parsed.hostName.toLowerCase() === hostName.toLowerCase();
}

function byConnectionString(declared: DeclaredHub, connectionString: string, where: string): FoundCredential {
  const parsed = parseConnectionString(connectionString);
  if (!('hostName' in parsed)) {
    throw new HubError('Unauthorized', `The connection string in ${where} can not be used: ${parsed.problem}`);
  }
  const hostName = declared.hostName ?? parsed.hostName.toLowerCase();
  checkCredentialHost(parsed.hostName, hostName);
  return {
    hostName,
    credential: { type: 'ConnectionString', connectionString },
    policy: parsed.sharedAccessKeyName,
  };
}
