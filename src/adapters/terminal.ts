// One question to whoever sits at a terminal.
import { createInterface } from 'node:readline/promises';

export interface Terminal {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Ends the wait, as Ctrl-C does: the answer rejects with an AbortError. */
  readonly signal: AbortSignal;
}

/** Resolves with the line that was typed; with nothing where the input ends first, as Ctrl-D does. */
export async function askLine(question: string, { input, output, signal }: Terminal): Promise<string> {
  const lines = createInterface({ input, output });
  // The question alone would wait for ever after Ctrl-D, and take Ctrl-C for the same.
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
