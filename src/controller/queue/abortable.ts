// Waiting that an abort ends at once, whatever becomes of what was waited for.

/** Settles as `work` does; rejects with `stopped()` where the signal fires first. What `work` does later is nobody's. */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal, stopped: () => Error): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const stop = (): void => aborted.reject(stopped());
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    return await Promise.race([aborted.promise, work]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
