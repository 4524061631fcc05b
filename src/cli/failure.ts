// How a command fails: what happened, what to do next, and the exit code. Bugs are not failures and show their stack.
import { HubError, ListenError, SourceError, unreachable, type HubErrorCode } from '../model/errors.ts';
import { EXIT, type ExitCode } from './exit-code.ts';

/** The message never contains a secret. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly exitCode: ExitCode;
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, hint?: string) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** Undefined for bugs. */
export function toFailure(error: unknown): CliFailure | undefined {
  if (error instanceof CliFailure) return error;
  if (error instanceof SourceError) {
    return new CliFailure(error.code === 'Aborted' ? EXIT.Interrupted : EXIT.Failed, error.message);
  }
  if (error instanceof ListenError) return new CliFailure(EXIT.Failed, error.message, error.hint);
  if (error instanceof HubError) return new CliFailure(exitCodeOf(error.code), error.message, hintFor(error));
  return undefined;
}

export function exitCodeOf(code: HubErrorCode): ExitCode {
  switch (code) {
    case 'Unauthorized':
      return EXIT.Unauthorized;
    case 'Throttled':
    case 'QuotaExceeded':
      return EXIT.Throttled;
    case 'Timeout':
      return EXIT.Timeout;
    case 'PreconditionFailed':
      return EXIT.Stale;
    case 'Aborted':
      return EXIT.Interrupted;
    case 'NotFound':
    case 'AlreadyExists':
    case 'TooLarge':
    case 'Invalid':
    case 'Unavailable':
    case 'Malformed':
      return EXIT.Failed;
    default:
      return unreachable(code);
  }
}

const HINTS: Partial<Record<HubErrorCode, string>> = {
  Unauthorized:
    "Check the policy's name and its key. It needs registry read and service connect; registry write too for the lease and for modules.",
  Throttled: 'Other clients use up the throttle of the hub. Try again, or lower spec.budget.throttle of the Hub.',
  QuotaExceeded: "The hub's daily message quota is spent; it comes back at 00:00 UTC.",
  Timeout: 'The write may have landed. Running the same command again is safe.',
  Unavailable: 'Check the address and the network. Running the same command again is safe.',
};

/** A missing right that the hub did not report needs no permission hint: its message names the fix. */
function hintFor({ code, serviceCode, hint }: HubError): string | undefined {
  if (hint !== undefined) return hint;
  return code === 'Unauthorized' && serviceCode === undefined ? undefined : HINTS[code];
}
