// What the service and the network answer, as the port's closed codes: by status and `iothub-errorcode`, never by the
// SDK's error classes, of which 403 and 409 have one each for everything.
import type { IncomingMessage } from 'node:http';
import { HubError, type HubErrorCode } from '../model/errors.ts';

/** Where the code name says more than the status. */
const CODES_BY_NAME: Readonly<Record<string, HubErrorCode>> = {
  DeviceNotFound: 'NotFound',
  ModuleNotFound: 'NotFound',
  IotHubQuotaExceeded: 'QuotaExceeded',
  DeviceModelMaxPropertiesExceeded: 'TooLarge',
  MessageTooLarge: 'TooLarge',
  RequestEntityTooLarge: 'TooLarge',
  ThrottlingException: 'Throttled',
  ThrottleBacklogLimitExceeded: 'Throttled',
  ThrottlingBacklogTimeout: 'Throttled',
};

const CODES_BY_STATUS: Readonly<Record<number, HubErrorCode>> = {
  401: 'Unauthorized',
  403: 'Unauthorized',
  // A hub that is not there, or a proxy: no device is gone because of it.
  404: 'Unavailable',
  407: 'Unauthorized',
  408: 'Unavailable',
  409: 'AlreadyExists',
  412: 'PreconditionFailed',
  413: 'TooLarge',
  429: 'Throttled',
};

const MESSAGE_LENGTH_MAX = 200;

interface SdkError {
  readonly response?: IncomingMessage;
  readonly responseBody?: unknown;
  readonly code?: unknown;
}

/** Any failure of a call, whatever it is. */
export function describeFailure(error: unknown, purpose: string): HubError {
  const { response, responseBody, code } = (typeof error === 'object' && error !== null ? error : {}) as SdkError;
  if (response?.statusCode !== undefined) return refusal(response.statusCode, response.headers, responseBody, purpose);
  if (error instanceof SyntaxError) return new HubError('Malformed', `Could not ${purpose}: the answer is not JSON.`);
  const why = typeof code === 'string' ? (NETWORK_FAILURES[code] ?? code) : 'the connection failed';
  return new HubError('Unavailable', `Could not ${purpose}: ${why}.`);
}

const NETWORK_FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens at this address (ECONNREFUSED)',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  ENOTFOUND: 'the host name is not known (ENOTFOUND)',
  EAI_AGAIN: 'the host name could not be looked up (EAI_AGAIN)',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate authority is not trusted (give it as caFile or TWINWARD_HUB_CA)',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate authority is not trusted (give it as caFile or TWINWARD_HUB_CA)',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its certificate authority is not trusted (give it as caFile or TWINWARD_HUB_CA)',
  CERT_SIGNATURE_FAILURE: 'its certificate is not signed by the authority given as caFile or TWINWARD_HUB_CA',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
};

/** Undefined for a success. The SDK turns statuses from 300 into errors; those below 200 never get here. */
export function classifyAnswer(status: number, purpose: string): HubError | undefined {
  if (status >= 200 && status < 300) return undefined;
  return new HubError('Malformed', `Could not ${purpose}: the hub answered with status ${status}.`);
}

function refusal(status: number, headers: IncomingMessage['headers'], body: unknown, purpose: string): HubError {
  const header = headers['iothub-errorcode'];
  const name = typeof header === 'string' ? header : undefined;
  const code = (name === undefined ? undefined : CODES_BY_NAME[name]) ?? codeOfStatus(status);
  const text = [name, messageIn(body)].filter((part) => part !== undefined).join(': ');
  const message = `Could not ${purpose}: the hub answered ${status}${text === '' ? '' : ` ${text}`}.`;
  return new HubError(code, message, { serviceCode: name });
}

function codeOfStatus(status: number): HubErrorCode {
  const known = CODES_BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 500) return 'Unavailable';
  return status >= 400 ? 'Invalid' : 'Malformed';
}

/** The service's own words, from either envelope. Requests carry tokens in headers alone, which are never echoed. */
function messageIn(body: unknown): string | undefined {
  const parsed = parse(body);
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { Message, message } = parsed as { Message?: unknown; message?: unknown };
  const text = typeof Message === 'string' ? Message : typeof message === 'string' ? message : undefined;
  return text?.replace(/^ErrorCode:[^;]*;/, '').slice(0, MESSAGE_LENGTH_MAX);
}

function parse(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
