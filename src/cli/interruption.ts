// Waits for an interruption, or for a delay that an interruption cuts short.
import type { World } from './world.ts';

/** Resolves once the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** Resolves after the delay, or at once on an interruption. */
export async function pause(
  { clock, interrupted }: Pick<World, 'clock' | 'interrupted'>,
  delayMs: number,
): Promise<void> {
  if (interrupted.aborted) return;
  const over = Promise.withResolvers<void>();
  const end = (): void => over.resolve();
  const cancel = clock.schedule(delayMs, end);
  interrupted.addEventListener('abort', end, { once: true });
  try {
    await over.promise;
  } finally {
    cancel();
    interrupted.removeEventListener('abort', end);
  }
}
