// From a declared hub to the feed of its changes.
import { parseEventsConnectionString, readSecret } from '../../adapters/credentials.ts';
import { eventHubFeed } from '../../adapters/event-hub.ts';
import type { SecretRef } from '../../model/declared.ts';
import { HubError } from '../../model/errors.ts';
import type { ChangeFeed } from '../../ports/change-feed.ts';
import type { World } from '../world.ts';

const TIMEOUT_MS = 15_000;
const LOSS_NOTICED_MS = 3_000;

/** Rejects with HubError, whose message says what to do. Calls nothing. */
export async function connectEvents(
  secret: SecretRef,
  { env, clock }: Pick<World, 'env' | 'clock'>,
): Promise<ChangeFeed> {
  const connectionString = await readSecret(secret, env);
  const parsed = parseEventsConnectionString(connectionString);
  if ('problem' in parsed) {
    const where = 'env' in secret ? `the environment variable ${secret.env}` : secret.file;
    const message = `The connection string of the change events in ${where} can not be used: ${parsed.problem}`;
    throw new HubError('Unauthorized', message);
  }
  return eventHubFeed({ connectionString, timeoutMs: TIMEOUT_MS, lossNoticedMs: LOSS_NOTICED_MS, clock });
}
