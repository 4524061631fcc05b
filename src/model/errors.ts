// External failures, with closed codes. Bugs throw through `invariant`; bad input is data (see diagnostic.ts).

export type HubErrorCode =
  | 'NotFound' // the device or module does not exist
  | 'AlreadyExists'
  | 'PreconditionFailed' // the etag moved (412): get and plan again
  | 'Throttled' // 429; IoT Hub sends no Retry-After
  | 'QuotaExceeded' // daily message quota (403002): until the next UTC day
  | 'Unauthorized' // 401, or 403 for a missing permission
  | 'TooLarge' // a section of the twin would exceed its limit (403100)
  | 'Invalid' // 400: the hub refused the request
  | 'Timeout' // our time limit passed; the write may have landed
  | 'Unavailable' // 5xx, connection refused or reset; the write may have landed
  | 'Malformed' // the service does not document such an answer
  | 'Aborted'; // the caller's signal fired

/** A failed call to the hub. The message never holds a key, a token or a connection string. */
export class HubError extends Error {
  override readonly name = 'HubError';
  readonly code: HubErrorCode;
  /** The service's code name from the `iothub-errorcode` header, if any. */
  readonly serviceCode: string | undefined;
  /** What to do next, if the code alone does not say it. */
  readonly hint: string | undefined;

  constructor(
    code: HubErrorCode,
    message: string,
    options: { serviceCode?: string | undefined; hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.serviceCode = options.serviceCode;
    this.hint = options.hint;
  }
}

export type SourceErrorCode = 'NotFound' | 'Unreadable' | 'TooLarge' | 'Aborted';

/** Manifests could not be read at all. A problem inside a manifest is a Diagnostic instead. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: SourceErrorCode;

  constructor(code: SourceErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/** An address that can't be served: malformed, or used by another process. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** What to do next. */
  readonly hint: string;

  constructor(message: string, hint: string) {
    super(message);
    this.hint = hint;
  }
}

/** Throws on a bug; `belief` is the violated assumption. */
export function invariant(condition: unknown, belief: string): asserts condition {
  if (!condition) throw new Error(`Bug in Twinward: ${belief}. Please report it with this stack.`);
}

/** Makes a switch exhaustive: a new member of the union fails to compile here. */
export function unreachable(value: never): never {
  throw new Error(`Bug in Twinward: unexpected ${JSON.stringify(value)}`);
}
