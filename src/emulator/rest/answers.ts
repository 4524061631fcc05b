// The form of every answer: headers, JSON, and the envelopes of refusals.
import type { Clock } from '../../ports/clock.ts';
import type { ServiceError } from '../hub/service-error.ts';

export interface Answers {
  /** 200 with the value as JSON, and extra headers. */
  json(value: unknown, headers?: Readonly<Record<string, string>>): Response;
  /** Like `json`, for the bulk result that is answered with 400. */
  jsonWithStatus(status: number, value: unknown): Response;
  /** 204. */
  empty(): Response;
  refusal(error: ServiceError): Response;
  /** For what a real hub has and this one lacks, under our own code. */
  missing(status: 404 | 501, code: string, text: string): Response;
}

/** The server name and cache headers of a real hub. */
const COMMON_HEADERS = {
  'content-type': 'application/json; charset=utf-8',
  vary: 'Origin',
  server: 'Microsoft-HTTPAPI/2.0',
};

const TRACKING_ID_DIGITS = 32;
const REQUEST_ID_DIGITS = 12;

/** Request ids are sequential, so that runs are reproducible. */
export function createAnswers(clock: Clock): Answers {
  let requests = 0;

  function answer(status: number, body: string | null, headers?: Readonly<Record<string, string>>): Response {
    requests += 1;
    const requestId = `00000000-0000-4000-8000-${hex(requests, REQUEST_ID_DIGITS)}`;
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    return new Response(body, {
      status,
      headers: { ...COMMON_HEADERS, ...length, 'x-ms-request-id': requestId, ...headers },
    });
  }

  function refuse(status: number, code: string, envelope: object): Response {
    // A throttled connection is closed; there is no Retry-After.
    const closing = status === 429 ? { connection: 'close' } : {};
    return answer(status, JSON.stringify(envelope), { 'iothub-errorcode': code, ...closing });
  }

  function trackingId(time: string): string {
    return `${hex(requests + 1, TRACKING_ID_DIGITS).toUpperCase()}-G2:-TimeStamp:${time}`;
  }

  function envelope1(code: string, text: string): object {
    const time = new Date(clock.now()).toISOString();
    return { Message: `ErrorCode:${code};${text}`, ExceptionMessage: `Tracking ID:${trackingId(time)}` };
  }

  function envelope2({ number, text }: ServiceError): object {
    const timestampUtc = new Date(clock.now()).toISOString();
    return { errorCode: number, message: text, trackingId: trackingId(timestampUtc), timestampUtc };
  }

  /** The front end passes on the refusal of another part of the service: the second envelope as text in the first. */
  function nested(error: ServiceError): object {
    return { Message: JSON.stringify(envelope2(error)), ExceptionMessage: '' };
  }

  function envelopeOf(error: ServiceError): object {
    if (error.envelope === 1) return envelope1(error.code, error.text);
    return error.code === 'IotHubUnauthorizedAccess' ? nested(error) : envelope2(error);
  }

  return {
    json: (value, headers) => answer(200, JSON.stringify(value), headers),
    jsonWithStatus: (status, value) => answer(status, JSON.stringify(value)),
    empty: () => answer(204, null),
    refusal: (error) => refuse(error.status, error.code, envelopeOf(error)),
    missing: (status, code, text) => refuse(status, code, envelope1(code, text)),
  };
}

function hex(count: number, digits: number): string {
  return count.toString(16).padStart(digits, '0');
}
