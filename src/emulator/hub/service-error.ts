// The error of every refused hub request: code, number, and the service's text.

/** Microsoft's table of codes ("Troubleshoot IoT Hub errors"); the HTTP status is the number's first three digits. */
const ERROR_NUMBERS = {
  GenericBadRequest: 400000,
  InvalidProtocolVersion: 400001,
  ArgumentInvalid: 400004,
  ArgumentNull: 400005,
  IotHubFormatError: 400006,
  DeviceDefinedMultipleTimes: 400011,
  DeserializationError: 400012,
  BulkRegistryOperationFailure: 400013,
  EtagDoesNotMatch: 400023,
  InvalidConfigurationTargetCondition: 400401,
  InvalidConfigurationContent: 400402,
  InvalidConfigurationCustomMetricsQuery: 400404,
  IotHubNotFound: 401001,
  IotHubUnauthorizedAccess: 401002,
  IotHubUnauthorized: 401003,
  SystemModuleModifyUnauthorizedAccess: 401100,
  GenericForbidden: 403000,
  IotHubSuspended: 403001,
  IotHubQuotaExceeded: 403002,
  OperationNotAvailableInCurrentTier: 403010,
  DeviceDisabled: 403012,
  DeviceModelMaxPropertiesExceeded: 403100,
  DeviceModelMaxIndexablePropertiesExceeded: 403101,
  DeviceNotFound: 404001,
  JobNotFound: 404002,
  ModuleNotFound: 404010,
  IotHubFailingOver: 404012,
  DeviceNotOnline: 404103,
  ConfigurationNotFound: 404301,
  OperationNotAllowedInCurrentState: 405102,
  DeviceAlreadyExists: 409001,
  JobAlreadyExists: 409104,
  ModuleAlreadyExistsOnDevice: 409301,
  ConfigurationAlreadyExists: 409401,
  PreconditionFailed: 412001,
  MessageTooLarge: 413001,
  TooManyDevices: 413002,
  TooManyModulesOnDevice: 413003,
  ConfigurationCountLimitExceeded: 413101,
  GenericTooManyRequests: 429000,
  ThrottlingException: 429001,
  ThrottleBacklogLimitExceeded: 429002,
  ThrottlingBacklogTimeout: 429003,
  ThrottlingMaxActiveJobCountExceeded: 429004,
  ServerError: 500001,
  GenericTimeout: 500008,
  ServiceUnavailable: 503001,
  ServerBusy: 503005,
  GatewayTimeout: 504101,
} as const;

export type ServiceCode = keyof typeof ERROR_NUMBERS;

export const SERVICE_CODES = Object.keys(ERROR_NUMBERS) as readonly ServiceCode[];

/** 1: `{Message, ExceptionMessage}`; 2: `{errorCode, message, trackingId, timestampUtc}` (module identities, device side). */
export type Envelope = 1 | 2;

export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  /** HTTP status. */
  readonly status: number;
  /** As in the header `iothub-errorcode`. */
  readonly code: ServiceCode;
  readonly number: number;
  /** The text after `ErrorCode:<code>;` in envelope 1, and `message` in envelope 2. */
  readonly text: string;
  readonly envelope: Envelope;
  /** The reason, for logs: the real service sends only `text`. */
  readonly detail: string | undefined;

  constructor(code: ServiceCode, text: string, options: { envelope?: Envelope; detail?: string | undefined } = {}) {
    super(`${code}: ${options.detail ?? text}`);
    this.code = code;
    this.number = ERROR_NUMBERS[code];
    this.status = Math.floor(this.number / 1000);
    this.text = text;
    this.envelope = options.envelope ?? 1;
    this.detail = options.detail;
  }
}

/** Runs operations of module identities and devices, whose refusals use envelope 2. */
export function inEnvelope2<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    throw new ServiceError(error.code, error.text, { envelope: 2, detail: error.detail });
  }
}

/** Returns a refusal as a value. Any other exception is a bug, and propagates. */
export function attempt<T>(run: () => T): T | ServiceError {
  try {
    return run();
  } catch (error) {
    if (error instanceof ServiceError) return error;
    throw error;
  }
}

/** The bare 400 of the service: for malformed bodies and every invalid query. */
export function badRequest(detail: string): ServiceError {
  return new ServiceError('ArgumentInvalid', 'BadRequest', { detail });
}

export function invalidArgument(text: string): ServiceError {
  return new ServiceError('ArgumentInvalid', text);
}

/** Also the answer for a missing module *twin*. */
export function deviceNotFound(deviceId: string): ServiceError {
  return new ServiceError('DeviceNotFound', deviceId);
}

/** A missing module *identity*; its text is not established. */
export function moduleNotFound(deviceId: string, moduleId: string): ServiceError {
  return new ServiceError('ModuleNotFound', `Module ${moduleId} on device ${deviceId} not found.`, { envelope: 2 });
}

export function deviceAlreadyExists(deviceId: string): ServiceError {
  return new ServiceError('DeviceAlreadyExists', `A device with ID '${deviceId}' is already registered.`);
}

export function moduleAlreadyExists(hubName: string, deviceId: string, moduleId: string): ServiceError {
  const text = `Device ${deviceId} in IotHub ${hubName} already contains Module ${moduleId}.`;
  return new ServiceError('ModuleAlreadyExistsOnDevice', text, { envelope: 2 });
}

export function tooManyModules(deviceId: string, max: number): ServiceError {
  const text = `Device ${deviceId} already has the maximum of ${max} modules.`;
  return new ServiceError('TooManyModulesOnDevice', text, { envelope: 2 });
}

export function tooManyDevices(text: string): ServiceError {
  return new ServiceError('TooManyDevices', text);
}

export function deviceDefinedMultipleTimes(deviceId: string): ServiceError {
  return new ServiceError('DeviceDefinedMultipleTimes', `DeviceDefinedMultipleTimes, device ID ${deviceId}`);
}

export function etagMissing(): ServiceError {
  return new ServiceError('PreconditionFailed', 'Etag missing');
}

export function etagInvalid(): ServiceError {
  return new ServiceError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.');
}

/** Both versions are the decimal counters inside identity etags. */
export function versionMismatch(existing: number, sent: string): ServiceError {
  const text = `Precondition failed: Device version did not match, existingVersion:${existing} newVersion:${sent}`;
  return new ServiceError('PreconditionFailed', text);
}

/** `section` as the service names it: `Tags`, `Properties.Desired`, `Properties.Reported`. */
export function sectionTooLarge(section: string, bytesMax: number): ServiceError {
  const text = `'${section}' size should be less than ${bytesMax} bytes.`;
  return new ServiceError('DeviceModelMaxPropertiesExceeded', text);
}

export function systemModule(moduleId: string): ServiceError {
  const text = `System module ${moduleId} cannot be changed.`;
  return new ServiceError('SystemModuleModifyUnauthorizedAccess', text, { envelope: 2 });
}

export function deviceDisabled(deviceId: string): ServiceError {
  return new ServiceError('DeviceDisabled', `Device ${deviceId} is disabled.`, { envelope: 2 });
}

export function deviceNotOnline(deviceId: string): ServiceError {
  return new ServiceError('DeviceNotOnline', `The connection of device ${deviceId} is closed.`, { envelope: 2 });
}

export function unauthorized(): ServiceError {
  return new ServiceError('IotHubUnauthorizedAccess', 'Unauthorized');
}

/** `operation` as the service names it, such as `TwinUpdate`. No Retry-After goes with it. */
export function throttled(operation: string): ServiceError {
  const text = `The request has been throttled. Wait 10 seconds and try again. Operation type: ${operation}`;
  return new ServiceError('ThrottlingBacklogTimeout', text);
}

/** The texts of refused configurations are ours; their codes are the service's. */
export function configurationNotFound(id: string): ServiceError {
  return new ServiceError('ConfigurationNotFound', `Configuration with ID '${id}' does not exist.`);
}

export function configurationAlreadyExists(id: string): ServiceError {
  return new ServiceError('ConfigurationAlreadyExists', `A configuration with ID '${id}' already exists.`);
}

export function configurationCountExceeded(max: number): ServiceError {
  return new ServiceError('ConfigurationCountLimitExceeded', `The hub already has ${max} configurations.`);
}

export function invalidConfigurationContent(text: string): ServiceError {
  return new ServiceError('InvalidConfigurationContent', text);
}

export function invalidTargetCondition(condition: string, reason: string): ServiceError {
  const text = `The target condition "${condition}" cannot be taken: ${reason}.`;
  return new ServiceError('InvalidConfigurationTargetCondition', text);
}

export function invalidCustomMetric(name: string, reason: string): ServiceError {
  const text = `The custom metric "${name}" cannot be taken: ${reason}.`;
  return new ServiceError('InvalidConfigurationCustomMetricsQuery', text);
}

export function jobNotFound(jobId: string): ServiceError {
  return new ServiceError('JobNotFound', `Job ${jobId} does not exist.`);
}

export function jobAlreadyExists(jobId: string): ServiceError {
  return new ServiceError('JobAlreadyExists', `A job with ID '${jobId}' already exists.`);
}

export function tooManyActiveJobs(max: number): ServiceError {
  return new ServiceError('ThrottlingMaxActiveJobCountExceeded', `At most ${max} jobs may wait or run.`);
}

export function jobIsBeyondCancelling(jobId: string, status: string): ServiceError {
  return new ServiceError('OperationNotAllowedInCurrentState', `Job ${jobId} is ${status} and cannot be cancelled.`);
}

/** Under Entra: a valid token without the right. */
export function notPermitted(principal: string, call: string): ServiceError {
  const text = `Principal ${principal} is not authorized for ${call} due to no assigned permissions`;
  return new ServiceError('IotHubUnauthorized', text);
}
