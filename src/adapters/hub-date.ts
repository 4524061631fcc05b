// A hub's clock: the date header of its answer to a call without a credential, which it refuses.
import { request } from 'node:https';
import { HubError } from '../model/errors.ts';
import { describeFailure } from './iot-hub-errors.ts';

export interface HubAddress {
  readonly hostName: string;
  readonly endpoint: string;
  /** PEM of the certificate authority to trust. */
  readonly ca: string | undefined;
  /** The file with `ca`, for messages. */
  readonly caFile?: string | undefined;
}

const PURPOSE = 'ask the hub for the time';
const TIMEOUT_MS = 10_000;

/** Milliseconds since 1970, to the second. Rejects with HubError if the address does not answer over TLS. */
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
