// Asks one question at a terminal.
import { createInterface } from 'node:readline/promises';

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Ends the wait, like Ctrl-C: the answer rejects with an AbortError. */
  readonly signal: AbortSignal;
}

/** Resolves with the typed line; with an empty one if the input ends first, as by Ctrl-D. */
export async function askLine(question: string, { input, output, signal }: Terminal): Promise<string> {
  const lines = createInterface({ input, output });
  // `question` alone would wait for ever after Ctrl-D, and treat Ctrl-C the same.
  const ended = new Promise<string>((resolve, reject) => {
    lines.once('SIGINT', () => reject(new DOMException('Interrupted.', 'AbortError')));
    lines.once('close', () => {
      output.write('\n');
      resolve('');
    });
  });
  try {
    return await Promise.race([lines.question(question, { signal }), ended]);
  } finally {
    lines.removeAllListeners('close');
    lines.close();
  }
}
