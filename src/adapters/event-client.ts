// Reads the events of a running controller over HTTP, from the address of its metrics.
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { HubError } from '../model/errors.ts';
import { isObject, type JsonObject } from '../model/json.ts';

const TIMEOUT_MS = 10_000;
/** A thousand writes of many settings each. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** Other commands that write record no events. */
const NO_CONTROLLER_HINT =
  'Only a running controller has events: start one with `twinward run`, or give the address of its metrics with ' +
  '--address. `apply` and the demo keep none.';

export interface EventPage {
  /** In the controller's order, oldest first. */
  readonly items: readonly JsonObject[];
  /** Of the last event that it recorded at all. */
  readonly latest: number;
}

/** Rejects with HubError if there is no answer, or none with events. */
export async function readEvents(address: string, after: number, signal: AbortSignal): Promise<EventPage> {
  const value = parse(await readText(new URL(`${address}/events?after=${after}`), signal));
  const { kind, items, latest } = isObject(value) ? value : {};
  if (kind === 'EventList' && Array.isArray(items) && typeof latest === 'number') {
    return { items: items.filter(isObject), latest };
  }
  throw new HubError('Malformed', `The answer from ${address} is not from a controller of this version of Twinward.`);
}

function readText(url: URL, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void =>
      reject(
        signal.aborted
          ? new HubError('Aborted', 'Stopped while reading events.', { cause })
          : new HubError('Unavailable', `No controller answers at ${url.host}.`, { hint: NO_CONTROLLER_HINT, cause }),
      );
    const get = url.protocol === 'https:' ? httpsGet : httpGet;
    const asked = get(url, { signal, timeout: TIMEOUT_MS }, (answer) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes > ANSWER_BYTES_MAX) asked.destroy();
      });
      answer.on('error', fail);
      answer.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', fail);
    asked.on('close', () => fail(undefined));
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
