// Direct reads whose failure is an answer too.
import { HubError } from '../../model/errors.ts';

/** Undefined where there is no such thing. */
export async function orMissing<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof HubError && error.code === 'NotFound') return undefined;
    throw error;
  }
}

/** For reads that are only a help: undefined where the hub does not answer. */
export async function unlessRefused<T>(read: Promise<T>): Promise<T | undefined> {
  try {
    return await read;
  } catch (error) {
    if (error instanceof HubError && error.code !== 'Aborted') return undefined;
    throw error;
  }
}
