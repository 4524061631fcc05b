// How other terminals reach an embedded hub: its connection strings, a token, its authority and its address, in private files.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readHubDate } from '../../adapters/hub-date.ts';
import { HubError } from '../../model/errors.ts';
import { parseConnectionString } from '../../adapters/credentials.ts';
import { makeFolder } from '../input/make-folder.ts';

const PRIVATE_FILE_MODE = 0o600;
export const PRIVATE_FOLDER_MODE = 0o700;

export interface Access {
  /** A secret. */
  readonly connectionString: string;
  /** A secret; undefined where no change events are served. */
  readonly eventsConnectionString: string | undefined;
  /** A secret. */
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  readonly endpoint: string;
}

export interface AccessFiles {
  readonly connectionStringFile: string;
  readonly eventsConnectionStringFile: string | undefined;
  readonly tokenFile: string;
  readonly caFile: string;
  /** Removes those that are still as they were written: what another hub put there since is its own. */
  remove(): void;
}

/** Makes the folder where it is missing. */
export function writeAccess(folder: string, access: Access): AccessFiles {
  const { connectionString, eventsConnectionString, token, ca, endpoint } = access;
  makeFolder(folder, PRIVATE_FOLDER_MODE);
  const { connectionStringFile, eventsConnectionStringFile, tokenFile, caFile, endpointFile } = pathsIn(folder);
  const texts: readonly (readonly [path: string, text: string])[] = [
    [connectionStringFile, `${connectionString}\n`],
    ...(eventsConnectionString === undefined
      ? []
      : [[eventsConnectionStringFile, `${eventsConnectionString}\n`] as const]),
    [tokenFile, `${token}\n`],
    [caFile, ca],
    [endpointFile, `${endpoint}\n`],
  ];
  // What a hub that was killed left there may be of an endpoint that is not served any more, or for everybody to read.
  for (const path of [eventsConnectionStringFile, ...texts.map(([one]) => one)]) rmSync(path, { force: true });
  for (const [path, text] of texts) writeFileSync(path, text, { mode: PRIVATE_FILE_MODE });
  return {
    connectionStringFile,
    eventsConnectionStringFile: eventsConnectionString === undefined ? undefined : eventsConnectionStringFile,
    tokenFile,
    caFile,
    remove: () => {
      // All or none: an address alone can be the same twice.
      if (textOf(caFile) !== ca) return;
      for (const [path] of texts) rmSync(path, { force: true });
    },
  };
}

/** The address of the hub whose files are in the folder, where it still answers: with another's authority nobody passes for it. */
export async function livingHub(folder: string, signal: AbortSignal): Promise<string | undefined> {
  const { connectionStringFile, caFile, endpointFile } = pathsIn(folder);
  const [endpoint, ca, secret] = [endpointFile, caFile, connectionStringFile].map(textOf);
  if (endpoint === undefined || ca === undefined || secret === undefined || !URL.canParse(endpoint)) return undefined;
  const parsed = parseConnectionString(secret.trim());
  if (!('hostName' in parsed)) return undefined;
  try {
    await readHubDate({ hostName: parsed.hostName, endpoint: endpoint.trim(), ca }, signal);
    return endpoint.trim();
  } catch (error) {
    if (error instanceof HubError && error.code !== 'Aborted') return undefined;
    throw error;
  }
}

function pathsIn(folder: string) {
  return {
    connectionStringFile: join(folder, 'connection-string'),
    eventsConnectionStringFile: join(folder, 'events-connection-string'),
    tokenFile: join(folder, 'token'),
    caFile: join(folder, 'ca.pem'),
    endpointFile: join(folder, 'endpoint'),
  };
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
