// One result of `doctor`: verdict, message and fix.
import { HubError, type HubErrorCode } from '../../model/errors.ts';

export type Verdict = 'ok' | 'warning' | 'failed';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly fix?: string;
  /** Code of a failed call to the hub. */
  readonly code?: HubErrorCode;
}

export type Attempt<T> = { readonly value: T } | { readonly error: HubError };

/** A bug is rethrown. */
export async function attempt<T>(run: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await run() };
  } catch (error) {
    if (!(error instanceof HubError) || error.code === 'Aborted') throw error;
    return { error };
  }
}

export function ok(check: string, message: string): Finding {
  return { check, verdict: 'ok', message };
}

export function refused(check: string, { code, message, hint }: HubError, fix: string): Finding {
  return {
    check,
    verdict: 'failed',
    message,
    code,
    ...(code === 'Unauthorized' || code === 'Unavailable' ? { fix: hint ?? fix } : {}),
  };
}
