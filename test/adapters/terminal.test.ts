// A question at a terminal: what is typed, Ctrl-D, Ctrl-C.
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { askLine } from '../../src/adapters/terminal.ts';

function terminal(): { input: PassThrough; output: PassThrough; shown: () => string; stop: AbortController } {
  const [input, output, stop] = [new PassThrough(), new PassThrough(), new AbortController()];
  return { input, output, stop, shown: () => String(output.read() ?? '') };
}

test('the line that is typed is the answer', async () => {
  const { input, output, shown, stop } = terminal();
  const answer = askLine('Go on? ', { input, output, signal: stop.signal });
  input.write('yes\nmore\n');
  expect(await answer).toBe('yes');
  expect(shown()).toBe('Go on? ');
});

test('an input that ends, as Ctrl-D ends it, is no answer, and what follows begins on a line of its own', async () => {
  const { input, output, shown, stop } = terminal();
  const answer = askLine('Go on? ', { input, output, signal: stop.signal });
  input.end();
  expect(await answer).toBe('');
  expect(shown()).toBe('Go on? \n');
});

test('Ctrl-C at a terminal is no answer either: it rejects', async () => {
  const { input, output, stop } = terminal();
  Object.assign(input, { isTTY: true });
  Object.assign(output, { isTTY: true });
  const answer = askLine('Go on? ', { input, output, signal: stop.signal });
  input.write('\u0003');
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
});

test('an interruption rejects', async () => {
  const { input, output, stop } = terminal();
  const answer = askLine('Go on? ', { input, output, signal: stop.signal });
  stop.abort();
  await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
});
