// A log that a fleet can't flood: of each message a few lines a minute, then a count of those left out.
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';

/** Messages are constants, so that there are few of them; what differs is in the fields. */
const LINES_PER_MINUTE = 10;
const WINDOW_MS = 60_000;

export interface SampledLog extends Log {
  /** Says how many lines were left out, of messages whose minute is over. Called now and then. */
  tellOmitted(): void;
  /** The same at the end. */
  tellAllOmitted(): void;
}

type Level = 'info' | 'warn' | 'error';

interface Window {
  readonly level: Level;
  readonly message: string;
  readonly startedAtMs: number;
  lines: number;
  omitted: number;
}

/** Debug lines pass: who asks for them wants them all. */
export function sampledLog(log: Log, clock: Clock): SampledLog {
  const windows = new Map<string, Window>();

  function close(key: string, { level, message, omitted }: Window): void {
    windows.delete(key);
    if (omitted > 0) log[level](message, { omitted });
  }

  const at =
    (level: Level) =>
    (message: string, fields?: LogFields): void => {
      const key = `${level} ${message}`;
      const nowMs = clock.now();
      let window = windows.get(key);
      if (window !== undefined && isOver(window, nowMs)) {
        close(key, window);
        window = undefined;
      }
      if (window === undefined) {
        window = { level, message, startedAtMs: nowMs, lines: 0, omitted: 0 };
        windows.set(key, window);
      }
      if (window.lines >= LINES_PER_MINUTE) {
        window.omitted += 1;
        return;
      }
      window.lines += 1;
      log[level](message, fields);
    };

  return {
    debug: (message, fields) => log.debug(message, fields),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    tellOmitted() {
      const nowMs = clock.now();
      for (const [key, window] of windows) if (isOver(window, nowMs)) close(key, window);
    },
    tellAllOmitted() {
      for (const [key, window] of windows) close(key, window);
    },
  };
}

/** A clock that was set back ends it too. */
function isOver({ startedAtMs }: Window, nowMs: number): boolean {
  return nowMs >= startedAtMs + WINDOW_MS || nowMs < startedAtMs;
}
