// What `doctor` says of one thing: how it is, and what to do about it.
import { HubError, type HubErrorCode } from '../../model/errors.ts';

export type Verdict = 'ok' | 'warning' | 'failed';

export interface Finding {
  readonly check: string;
  readonly verdict: Verdict;
  readonly message: string;
  readonly fix?: string;
  /** Of the hub, where a call failed. */
  readonly code?: HubErrorCode;
}

export type Attempt<T> = { readonly value: T } | { readonly error: HubError };

/** A bug stays one. */
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
