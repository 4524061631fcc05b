// Opens an embedded hub: new or from a data directory, with everything its server needs.
import { mkdirSync } from 'node:fs';
import type { Clock } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { HubLimits } from '../hub/limits.ts';
import { IotHub } from '../hub/iot-hub.ts';
import { createAuthority, issueServerCertificate, type ServerCertificate } from '../rest/certificates.ts';
import { createPolicies, type Policy } from '../rest/policies.ts';
import { createTokenIssuer, generateIssuerKey, type IssuerKey, type TokenIssuer } from '../rest/token-issuer.ts';
import { FileJournal } from './file-journal.ts';
import { finish, PRIVATE_DIRECTORY_MODE } from './private-file.ts';
import { type HubSettings, readSettings, writeSettings } from './settings.ts';

export interface OpenHubOptions {
  /** The name of a new hub; one from a directory keeps its own. */
  readonly hostName: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits?: Partial<HubLimits> | undefined;
  /** Undefined keeps everything in memory. Created if missing; one process at a time. */
  readonly directory?: string | undefined;
  /** Replaces the hub's own issuer of bearer tokens; not stored. */
  readonly issuerKey?: IssuerKey | undefined;
  /** Journal size from which a new snapshot is written; for tests. */
  readonly compactBytesMin?: number | undefined;
}

export interface OpenHub {
  readonly hub: IotHub;
  readonly policies: readonly Policy[];
  /** Stored in the directory, so its tokens stay valid. */
  readonly issuer: TokenIssuer;
  /** Issued at each start, by an authority stored in the directory. */
  readonly certificate: ServerCertificate;
  /** True if the directory had no hub: create a first fleet. */
  readonly isNew: boolean;
  /** Writes a snapshot and releases the directory. Idempotent. */
  close(): void;
}

/** Rejects with a readable error if the directory is not usable. */
export async function openHub(options: OpenHubOptions): Promise<OpenHub> {
  const { directory, clock, random, limits } = options;
  const stored = directory === undefined ? undefined : openDirectory(directory);
  const { issuerKey = generateIssuerKey(), ...rest } = stored ?? (await createSettings(options));
  // Also if an older version without issuer created the directory.
  if (directory !== undefined && stored?.issuerKey === undefined) writeSettings(directory, { ...rest, issuerKey });
  const { hostName, policies, authority } = rest;
  const issuer = createTokenIssuer(options.issuerKey ?? issuerKey);
  const certificate = await issueServerCertificate(authority, hostName, clock);
  const common = { policies, issuer, certificate, isNew: stored === undefined };
  if (directory === undefined) {
    const hub = new IotHub({ hostName, clock, random, limits });
    return { ...common, hub, close: () => hub.close() };
  }
  const { hub, close } = openJournaled({ ...options, hostName, directory });
  return { ...common, hub, close };
}

function openJournaled(options: OpenHubOptions & { readonly directory: string }): { hub: IotHub; close: () => void } {
  const { hostName, clock, random, limits, directory, compactBytesMin } = options;
  const compact = (): Generator<void, void, undefined> => journal.compact(() => hub.dump());
  let cancelCompaction = (): void => {};
  const journal = new FileJournal({
    directory,
    compactBytesMin,
    // Later: inside an append the change is in the journal but not yet in the hub.
    onCompactionDue: () => resumeLater(compact()),
  });
  /** One piece at a time, so that calls are answered between them. */
  function resumeLater(steps: Generator<void, void, undefined>): void {
    const cancel = clock.schedule(0, () => {
      try {
        if (steps.next().done !== true) resumeLater(steps);
      } catch {
        // For example a full disk: the journal still has everything, and continues until the next start.
      }
    });
    cancelCompaction = () => {
      cancel();
      steps.return();
    };
  }
  const hub = IotHub.restore(
    { hostName, clock, random, limits, journal },
    journal.readSnapshot(),
    journal.readRecords(),
  );
  journal.open();
  const close = (): void => {
    hub.close();
    cancelCompaction();
    try {
      finish(compact());
    } finally {
      journal.close();
    }
  };
  return { hub, close };
}

/** Undefined if the directory has no hub yet. */
function openDirectory(directory: string): HubSettings | undefined {
  mkdirSync(directory, { recursive: true, mode: PRIVATE_DIRECTORY_MODE });
  return readSettings(directory);
}

async function createSettings({ hostName, clock, random }: OpenHubOptions): Promise<HubSettings> {
  return { hostName, policies: createPolicies(random), authority: await createAuthority(clock) };
}
