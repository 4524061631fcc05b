import { expect, test } from 'vitest';
import { abortable } from '../../../src/controller/queue/abortable.ts';

const stopped = (): Error => new Error('stopped');

test('settles as the work does', async () => {
  const { signal } = new AbortController();
  await expect(abortable(Promise.resolve(1), signal, stopped)).resolves.toBe(1);
  await expect(abortable(Promise.reject(new Error('work')), signal, stopped)).rejects.toThrow('work');
});

test('ends at once when aborted, and what the work does later bothers nobody', async () => {
  const controller = new AbortController();
  const work = Promise.withResolvers<number>();
  const waiting = abortable(work.promise, controller.signal, stopped);
  controller.abort();
  await expect(waiting).rejects.toThrow('stopped');
  work.reject(new Error('much later'));
  await expect(abortable(Promise.resolve(1), controller.signal, stopped)).rejects.toThrow('stopped');
});
