// A log that a fleet can't flood: a few lines a minute of each message, then a count of the omitted ones.
import type { Clock } from '../../ports/clock.ts';
import type { Log, LogFields } from '../../ports/log.ts';

/** Of one message: messages are constants, and what differs is in the fields. */
const LINES_PER_MINUTE = 10;
const WINDOW_MS = 60_000;

export interface SampledLog extends Log {
  /** Logs how many lines were omitted of each message whose minute is over. To be called from time to time. */
  reportOmitted(): void;
  /** The same for every message, at the end. */
  reportAllOmitted(): void;
}

type Level = 'info' | 'warn' | 'error';

interface Window {
  readonly level: Level;
  readonly message: string;
  readonly startedAtMs: number;
  lines: number;
  omitted: number;
}

/** Passes every debug line. */
export function sampledLog(log: Log, clock: Clock): SampledLog {
  const windows = new Map<string, Window>();

  function close(key: string, { level, message, omitted }: Window): void {
    windows.delete(key);
    if (omitted > 0) log[level](message, { omitted });
  }

  const at =
    (level: Level, bound: LogFields) =>
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
      log[level](message, { ...bound, ...fields });
    };

  /** Children share the windows: a fleet logs through one child for each reconcile. */
  const withFields = (bound: LogFields): Log => ({
    debug: (message, fields) => log.debug(message, { ...bound, ...fields }),
    info: at('info', bound),
    warn: at('warn', bound),
    error: at('error', bound),
    child: (fields) => withFields({ ...bound, ...fields }),
  });

  return {
    ...withFields({}),
    reportOmitted() {
      const nowMs = clock.now();
      for (const [key, window] of windows) if (isOver(window, nowMs)) close(key, window);
    },
    reportAllOmitted() {
      for (const [key, window] of windows) close(key, window);
    },
  };
}

/** A clock that was set back ends it too. */
function isOver({ startedAtMs }: Window, nowMs: number): boolean {
  return nowMs >= startedAtMs + WINDOW_MS || nowMs < startedAtMs;
}
