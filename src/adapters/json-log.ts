// The operator's log: JSON lines as Kubernetes controllers write them, or plain lines for people.
import { pino, type Logger } from 'pino';
import type { Clock } from '../ports/clock.ts';
import type { Log, LogFields } from '../ports/log.ts';
import { maskSecrets } from './secrets.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  readonly level: LogLevel;
  readonly encoding: 'json' | 'console';
  readonly clock: Clock;
  /** Called with whole lines. */
  readonly write: (text: string) => void;
}

export function jsonLog({ level, encoding, clock, write }: LogOptions): Log {
  if (encoding === 'console') return consoleLog(level, clock, write);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"ts":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return toLog((kind, message, fields) => logAt(logger, kind, message, fields));
}

function logAt(logger: Logger, level: LogLevel, message: string, fields: LogFields): void {
  logger[level](fields, message);
}

/** Characters that would look like another field or line, or control a terminal. */
const UNPLAIN = /^$|[\s"=\p{Cc}]/u;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

function consoleLog(level: LogLevel, clock: Clock, write: (text: string) => void): Log {
  return toLog((kind, message, fields) => {
    if (LEVELS.indexOf(kind) < LEVELS.indexOf(level)) return;
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) =>
          `${name}=${typeof value === 'string' && UNPLAIN.test(value) ? JSON.stringify(value) : value}`,
      );
    write(`${[time, kind.padEnd(5), message, ...details].join(' ')}\n`);
  });
}

/** Merges the fields of a child itself: pino would write a field twice that a line sets again. */
function toLog(log: (level: LogLevel, message: string, fields: LogFields) => void, bound: LogFields = {}): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void =>
      log(level, maskSecrets(message), { ...bound, ...masked(fields) });
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => toLog(log, { ...bound, ...masked(fields) }),
  };
}

function masked(fields: LogFields): LogFields {
  const entries = Object.entries(fields);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === 'string' ? maskSecrets(value) : value]),
  );
}
