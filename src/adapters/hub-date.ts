// What time a hub thinks it is: the date of an answer to a call without a credential, which it refuses.
import { request } from 'node:https';
import { HubError } from '../model/errors.ts';
import { describeFailure } from './iot-hub-errors.ts';

export interface HubAddress {
  readonly hostName: string;
  readonly endpoint: string;
  /** PEM of the authority to trust. */
  readonly ca: string | undefined;
  /** The file that it is from, for messages. */
  readonly caFile?: string | undefined;
}

const PURPOSE = 'ask the hub for the time';
const TIMEOUT_MS = 10_000;

/** In milliseconds since 1970, to the second. Rejects with HubError where the address does not answer, or not over TLS. */
export function readHubDate({ hostName, endpoint, ca, caFile }: HubAddress, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'GET',
      servername: hostName,
      headers: { host: hostName },
      timeout: TIMEOUT_MS,
      signal,
      ...(ca === undefined ? {} : { ca }),
    };
    const sent = request(new URL('/', endpoint), options, (response) => {
      response.resume();
      const dateMs = Date.parse(response.headers.date ?? '');
      if (Number.isNaN(dateMs)) reject(new HubError('Malformed', `Could not ${PURPOSE}: its answer has no date.`));
      else resolve(dateMs);
    });
    sent.on('timeout', () => {
      sent.destroy();
      reject(
        new HubError('Timeout', `Could not ${PURPOSE}: ${hostName} did not answer within ${TIMEOUT_MS / 1_000} s.`),
      );
    });
    sent.on('error', (error) => {
      reject(
        signal.aborted
          ? new HubError('Aborted', `Stopped during the attempt to ${PURPOSE}.`)
          : describeFailure(error, PURPOSE, caFile),
      );
    });
    sent.end();
  });
}
