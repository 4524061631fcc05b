// Classifies failures of the service and the network into the port's closed codes: by status and `iothub-errorcode`,
// not by the SDK's error classes, which have only one for all 403 and one for all 409.
import type { IncomingMessage } from 'node:http';
import { HubError, type HubErrorCode } from '../model/errors.ts';
import { isObject } from '../model/json.ts';
import { maskSecrets } from './secrets.ts';

/** Code names that are more specific than the status. */
const CODES_BY_NAME: ReadonlyMap<string, HubErrorCode> = new Map([
  ['DeviceNotFound', 'NotFound'],
  ['ModuleNotFound', 'NotFound'],
  ['IotHubQuotaExceeded', 'QuotaExceeded'],
  ['OperationNotAvailableInCurrentTier', 'Invalid'],
  ['DeviceModelMaxPropertiesExceeded', 'TooLarge'],
  ['DeviceModelMaxIndexablePropertiesExceeded', 'TooLarge'],
  ['TooManyDevices', 'Invalid'],
  ['TooManyModulesOnDevice', 'Invalid'],
  ['ThrottlingException', 'Throttled'],
  ['ThrottleBacklogLimitExceeded', 'Throttled'],
  ['ThrottlingBacklogTimeout', 'Throttled'],
]);

/** Names by the number in the second envelope, for answers whose header a proxy dropped. */
const NAMES_BY_NUMBER: ReadonlyMap<number, string> = new Map([
  [403_002, 'IotHubQuotaExceeded'],
  [403_010, 'OperationNotAvailableInCurrentTier'],
  [403_100, 'DeviceModelMaxPropertiesExceeded'],
  [403_101, 'DeviceModelMaxIndexablePropertiesExceeded'],
  [404_001, 'DeviceNotFound'],
  [404_010, 'ModuleNotFound'],
  [413_002, 'TooManyDevices'],
  [413_003, 'TooManyModulesOnDevice'],
]);

const CODES_BY_STATUS: Readonly<Record<number, HubErrorCode>> = {
  401: 'Unauthorized',
  403: 'Unauthorized',
  // The hub does not exist, or a proxy answered: this does not mean that the device is gone.
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
  readonly name?: unknown;
  readonly statusCode?: unknown;
  /** Of an unreachable address, and of an unknown host name. */
  readonly address?: unknown;
  readonly port?: unknown;
  readonly hostname?: unknown;
}

/**
 * Describes any failure of a call. `caFile` is the source of the only trusted authority; undefined: the system's are
 * trusted.
 */
export function describeFailure(error: unknown, purpose: string, caFile?: string): HubError {
  const { response, responseBody, code, name, statusCode } = asSdkError(error);
  if (response?.statusCode !== undefined) return refusal(response.statusCode, response.headers, responseBody, purpose);
  if (error instanceof SyntaxError) return new HubError('Malformed', `Could not ${purpose}: the answer is not JSON.`);
  if (typeof name === 'string' && SIGN_IN_FAILURES.test(name)) return noToken(name, statusCode, purpose);
  if (typeof code !== 'string') return new HubError('Unavailable', `Could not ${purpose}: the connection failed.`);
  if (code.startsWith('HPE_')) {
    return new HubError('Malformed', `Could not ${purpose}: the answer is not HTTP (${code}).`);
  }
  if (code === 'ERR_INVALID_CHAR') {
    return new HubError('Invalid', `Could not ${purpose}: the request has characters that no header can hold.`);
  }
  if (TRUST_FAILURES.has(code)) {
    const whose = caFile === undefined ? 'an authority that this machine trusts' : `the authority in ${caFile}`;
    return new HubError('Unavailable', `Could not ${purpose}: its certificate is not signed by ${whose} (${code}).`, {
      hint: AUTHORITY_HINT,
    });
  }
  return new HubError('Unavailable', `Could not ${purpose}: ${networkFailure(code, asSdkError(error))}.`);
}

function networkFailure(code: string, { address, port, hostname }: SdkError): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `no server listens at ${typeof address === 'string' ? `${address}:${Number(port)}` : 'this address'} (${code})`;
    case 'ENOTFOUND':
      return `the host name${typeof hostname === 'string' ? ` ${hostname}` : ''} is not known (${code})`;
    default:
      return NETWORK_FAILURES[code] ?? code;
  }
}

/** The SDK refused the credential: its message may quote it and is omitted. */
export function describeSetupFailure(error: unknown, purpose: string): HubError {
  const code = asSdkError(error).code;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    const message = `Could not ${purpose}: a package that the SDK needs is not installed. Run \`npm ci\` where Twinward is.`;
    return new HubError('Invalid', message, { cause: error });
  }
  const why = `the SDK refused the credential (${error instanceof Error ? error.name : 'unknown reason'})`;
  return new HubError('Unauthorized', `Could not ${purpose}: ${why}. Check the connection string.`);
}

/** Errors of `@azure/identity`, by name, because it is loaded on first use. */
const SIGN_IN_FAILURES =
  /^(?:CredentialUnavailable|Authentication|AggregateAuthentication|AuthenticationRequired)Error$/;

function noToken(name: string, statusCode: unknown, purpose: string): HubError {
  const code = typeof statusCode === 'number' && statusCode >= 500 ? 'Unavailable' : 'Unauthorized';
  return new HubError(code, `Could not ${purpose}: could not get a token for the hub (${name}).`);
}

function asSdkError(error: unknown): SdkError {
  return typeof error === 'object' && error !== null ? error : {};
}

const NETWORK_FAILURES: Readonly<Record<string, string>> = {
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  EAI_AGAIN: 'the host name could not be looked up (EAI_AGAIN)',
  EPROTO: 'the server there does not speak TLS (EPROTO)',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name',
  CERT_HAS_EXPIRED: 'its certificate has expired, by the clock of this machine (CERT_HAS_EXPIRED)',
  CERT_NOT_YET_VALID: 'its certificate is not yet valid, by the clock of this machine (CERT_NOT_YET_VALID)',
};

/** OpenSSL's names for an untrusted chain. */
const TRUST_FAILURES: ReadonlySet<string> = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

export const AUTHORITY_HINT =
  'Name its authority with TWINWARD_HUB_CA=FILE, or as caFile of the Hub. The embedded hub creates a new one each time, unless it keeps ' +
  'its data: the demo writes it to .twinward/ca.pem, `twinward hub` says where.';

/** Undefined for a success. The SDK turns statuses from 300 into errors; those below 200 never arrive here. */
export function classifyAnswer(status: number, purpose: string): HubError | undefined {
  if (status >= 200 && status < 300) return undefined;
  return new HubError('Malformed', `Could not ${purpose}: the hub answered with status ${status}.`);
}

function refusal(status: number, headers: IncomingMessage['headers'], body: unknown, purpose: string): HubError {
  const header = headers['iothub-errorcode'];
  const said = readBody(body);
  const name = typeof header === 'string' && header !== '' ? header : said.name;
  const code = (name === undefined ? undefined : CODES_BY_NAME.get(name)) ?? codeOfStatus(status);
  const text = [name, said.text].filter((part) => part !== undefined && part !== '').join(': ');
  const message = `Could not ${purpose}: the hub answered ${status}${text === '' ? '' : ` ${text}`}.`;
  return new HubError(code, message, { serviceCode: name });
}

function codeOfStatus(status: number): HubErrorCode {
  const known = CODES_BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 500) return 'Unavailable';
  return status >= 400 ? 'Invalid' : 'Malformed';
}

interface Said {
  readonly name: string | undefined;
  /** The service's message. */
  readonly text: string | undefined;
}

/** Either envelope, or the second as text inside the first. */
function readBody(body: unknown): Said {
  const outer = parseObject(body);
  const inner = parseObject(outer['Message']);
  const { Message, message, errorCode } = 'errorCode' in inner ? inner : outer;
  const text = typeof Message === 'string' ? Message : typeof message === 'string' ? message : undefined;
  const [, named, rest] = /^ErrorCode:([^;]*);(.*)$/s.exec(text ?? '') ?? [];
  return {
    name: named ?? (typeof errorCode === 'number' ? NAMES_BY_NUMBER.get(errorCode) : undefined),
    text: oneLine(rest ?? text),
  };
}

/** One line, bounded, without parts of a request that a proxy may echo. */
function oneLine(text: string | undefined): string | undefined {
  return text === undefined ? undefined : maskSecrets(text).replaceAll(/\s+/g, ' ').trim().slice(0, MESSAGE_LENGTH_MAX);
}

function parseObject(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'string') return {};
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : {};
  } catch {
    return {};
  }
}
