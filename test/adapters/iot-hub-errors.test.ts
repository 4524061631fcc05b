// Classification of the service's refusals: by code name, then by status, in any envelope.
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { classifyAnswer, describeFailure, describeSetupFailure } from '../../src/adapters/iot-hub-errors.ts';
import type { HubErrorCode } from '../../src/model/errors.ts';

const TRACKING = 'Tracking ID:4D2CE505AD7945E4B55EF03952FA8549-G2:-TimeStamp:2026-08-15T09:07:36.757669697Z';

function refused(status: number, name: string | undefined, body: unknown): Error {
  const response = {
    statusCode: status,
    headers: name === undefined ? {} : { 'iothub-errorcode': name },
  } as unknown as IncomingMessage;
  return Object.assign(new Error('SDK text'), {
    response,
    responseBody: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

const envelope1 = (name: string, text: string): object => ({
  Message: `ErrorCode:${name};${text}`,
  ExceptionMessage: TRACKING,
});
const envelope2 = (errorCode: number, message: string): object => ({
  errorCode,
  message,
  trackingId: TRACKING,
  info: null,
});
const nested = (errorCode: number, message: string): object => ({
  Message: JSON.stringify(envelope2(errorCode, message)),
  ExceptionMessage: '',
});

describe('status and code name', () => {
  const rows: readonly (readonly [status: number, name: string | undefined, code: HubErrorCode])[] = [
    [400, 'ArgumentInvalid', 'Invalid'],
    [400, 'IotHubFormatError', 'Invalid'],
    [400, 'InvalidProtocolVersion', 'Invalid'],
    [400, undefined, 'Invalid'],
    [401, 'IotHubNotFound', 'Unauthorized'],
    [401, 'IotHubUnauthorizedAccess', 'Unauthorized'],
    [401, undefined, 'Unauthorized'],
    [403, 'GenericForbidden', 'Unauthorized'],
    [403, 'IotHubSuspended', 'Unauthorized'],
    [403, 'IotHubQuotaExceeded', 'QuotaExceeded'],
    [403, 'OperationNotAvailableInCurrentTier', 'Invalid'],
    [403, 'DeviceModelMaxPropertiesExceeded', 'TooLarge'],
    [403, 'DeviceModelMaxIndexablePropertiesExceeded', 'TooLarge'],
    [403, undefined, 'Unauthorized'],
    [404, 'DeviceNotFound', 'NotFound'],
    [404, 'ModuleNotFound', 'NotFound'],
    [404, 'IotHubFailingOver', 'Unavailable'],
    [404, 'IotHubNotFound', 'Unavailable'],
    [404, 'constructor', 'Unavailable'],
    [404, undefined, 'Unavailable'],
    [405, 'OperationNotAllowedInCurrentState', 'Invalid'],
    [407, undefined, 'Unauthorized'],
    [408, undefined, 'Unavailable'],
    [409, 'DeviceAlreadyExists', 'AlreadyExists'],
    [409, 'ModuleAlreadyExistsOnDevice', 'AlreadyExists'],
    [412, 'PreconditionFailed', 'PreconditionFailed'],
    [412, undefined, 'PreconditionFailed'],
    [413, 'MessageTooLarge', 'TooLarge'],
    [413, 'TooManyModulesOnDevice', 'Invalid'],
    [413, undefined, 'TooLarge'],
    [429, 'GenericTooManyRequests', 'Throttled'],
    [429, 'ThrottlingException', 'Throttled'],
    [429, 'ThrottleBacklogLimitExceeded', 'Throttled'],
    [429, 'ThrottlingBacklogTimeout', 'Throttled'],
    [429, undefined, 'Throttled'],
    [500, 'ServerError', 'Unavailable'],
    [500, 'GenericTimeout', 'Unavailable'],
    [502, undefined, 'Unavailable'],
    [503, 'ServiceUnavailable', 'Unavailable'],
    [503, 'ServerBusy', 'Unavailable'],
    [504, 'GatewayTimeout', 'Unavailable'],
    [301, undefined, 'Malformed'],
    [304, undefined, 'Malformed'],
  ];
  test.each(rows)('%i %s is %s', (status, name, code) => {
    const error = describeFailure(refused(status, name, name === undefined ? '' : envelope1(name, 'text')), 'try');
    expect([error.code, error.serviceCode]).toEqual([code, name]);
  });
});

describe('the body speaks where the header is lost', () => {
  const rows: readonly (readonly [
    sentence: string,
    status: number,
    body: unknown,
    code: HubErrorCode,
    name: string | undefined,
  ])[] = [
    ['envelope 1', 404, envelope1('DeviceNotFound', 'd'), 'NotFound', 'DeviceNotFound'],
    [
      'envelope 1 of the quota',
      403,
      envelope1('IotHubQuotaExceeded', 'Total number…'),
      'QuotaExceeded',
      'IotHubQuotaExceeded',
    ],
    ['envelope 2', 404, envelope2(404_010, 'x'), 'NotFound', 'ModuleNotFound'],
    ['envelope 2 of the size', 403, envelope2(403_100, 'x'), 'TooLarge', 'DeviceModelMaxPropertiesExceeded'],
    ['envelope 2 within envelope 1', 404, nested(404_001, 'x'), 'NotFound', 'DeviceNotFound'],
    ['an unknown number', 404, envelope2(404_999, 'x'), 'Unavailable', undefined],
    ['a page of a proxy', 404, '<html>Not Found</html>', 'Unavailable', undefined],
    ['nothing', 404, '', 'Unavailable', undefined],
    ['JSON that is no object', 404, '[null]', 'Unavailable', undefined],
  ];
  test.each(rows)('%s', (_sentence, status, body, code, name) => {
    const error = describeFailure(refused(status, undefined, body), 'try');
    expect([error.code, error.serviceCode]).toEqual([code, name]);
  });

  test('but the header wins', () => {
    expect(describeFailure(refused(404, 'IotHubFailingOver', envelope1('DeviceNotFound', 'd')), 'try').code).toBe(
      'Unavailable',
    );
  });
});

describe('messages', () => {
  const rows: readonly (readonly [sentence: string, error: unknown, message: string])[] = [
    [
      'name the attempt, the status, the code and the service’s words',
      refused(412, 'PreconditionFailed', envelope1('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.')),
      'Could not read it: the hub answered 412 PreconditionFailed: PreconditionFailed, ETag may be invalid..',
    ],
    [
      'read the nested envelope',
      refused(401, 'IotHubUnauthorizedAccess', nested(401_002, 'Unauthorized')),
      'Could not read it: the hub answered 401 IotHubUnauthorizedAccess: Unauthorized.',
    ],
    ['do with the status alone', refused(502, undefined, '<html>'), 'Could not read it: the hub answered 502.'],
    [
      'are one line',
      refused(403, 'JobQuotaExceeded', envelope1('JobQuotaExceeded', 'Error: 403\nMessage: no\n')),
      'Could not read it: the hub answered 403 JobQuotaExceeded: Error: 403 Message: no.',
    ],
    [
      'name the cause of a lost connection',
      { code: 'ECONNRESET' },
      'Could not read it: the connection was cut (ECONNRESET).',
    ],
    [
      'say that nobody vouches for a certificate',
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      'Could not read it: its certificate is not signed by an authority that this machine trusts (DEPTH_ZERO_SELF_SIGNED_CERT).',
    ],
    [
      'name the address',
      { code: 'ECONNREFUSED', address: '127.0.0.1', port: 8443 },
      'Could not read it: no server listens at 127.0.0.1:8443 (ECONNREFUSED).',
    ],
    [
      'name the host',
      { code: 'ENOTFOUND', hostname: 'acme.azure-devices.net' },
      'Could not read it: the host name acme.azure-devices.net is not known (ENOTFOUND).',
    ],
    [
      'say that there is no TLS',
      { code: 'EPROTO' },
      'Could not read it: the server there does not speak TLS (EPROTO).',
    ],
    ['pass on what they do not know', { code: 'EPIPE' }, 'Could not read it: EPIPE.'],
    ['do without anything', undefined, 'Could not read it: the connection failed.'],
  ];
  test.each(rows)('%s', (_sentence, error, message) => {
    expect(describeFailure(error, 'read it').message).toBe(message);
  });

  test('are bounded', () => {
    const { message } = describeFailure(
      refused(400, 'ArgumentInvalid', envelope1('ArgumentInvalid', 'x'.repeat(9_999))),
      'try',
    );
    expect(message.length).toBeLessThan(300);
  });

  const secrets = [
    'SharedAccessSignature sr=h&sig=s3cr3t%2B&skn=x&se=1',
    'authorization: Bearer s3cr3t.jwt',
    'HostName=h;SharedAccessKeyName=x;SharedAccessKey=s3cr3t==',
  ];
  test.each(secrets)('show nothing of an echoed %s', (text) => {
    expect(describeFailure(refused(400, undefined, envelope1('X', text)), 'try').message).not.toContain('s3cr3t');
    expect(describeFailure(new Error(text), 'try').message).not.toContain('s3cr3t');
    expect(describeSetupFailure(new Error(text), 'try').message).not.toContain('s3cr3t');
  });
});

test.each(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'])('a missing package (%s) is no refused credential', (code) => {
  const { message } = describeSetupFailure(Object.assign(new Error('Cannot find package'), { code }), 'list');
  expect(message).toBe(
    'Could not list: a package that the SDK needs is not installed. Run `npm ci` where Twinward is.',
  );
});

test('statuses of 200 and over are answers, others are not', () => {
  expect([200, 201, 204].map((status) => classifyAnswer(status, 'try'))).toEqual([undefined, undefined, undefined]);
  expect([0, 101, 300].map((status) => classifyAnswer(status, 'try')?.code)).toEqual([
    'Malformed',
    'Malformed',
    'Malformed',
  ]);
});
