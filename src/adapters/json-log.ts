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
  const safely = (text: string): void => write(maskSecrets(text));
  if (encoding === 'console') return consoleLog(level, clock, safely);
  const logger = pino(
    {
      level,
      base: null,
      timestamp: () => `,"ts":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write: safely },
  );
  return toLog((kind, message, fields) => logAt(logger, kind, message, fields));
}

function logAt(logger: Logger, level: LogLevel, message: string, fields: LogFields): void {
  logger[level](fields, message);
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

function consoleLog(level: LogLevel, clock: Clock, write: (text: string) => void): Log {
  return toLog((kind, message, fields) => {
    if (LEVELS.indexOf(kind) < LEVELS.indexOf(level)) return;
    const time = new Date(clock.now()).toISOString().slice(11, 19);
    const details = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(
        ([name, value]) => `${name}=${typeof value === 'string' && /\s/.test(value) ? JSON.stringify(value) : value}`,
      );
    write(`${[time, kind.padEnd(5), message, ...details].join(' ')}\n`);
  });
}

function toLog(log: (level: LogLevel, message: string, fields: LogFields) => void): Log {
  return {
    debug: (message, fields = {}) => log('debug', message, fields),
    info: (message, fields = {}) => log('info', message, fields),
    warn: (message, fields = {}) => log('warn', message, fields),
    error: (message, fields = {}) => log('error', message, fields),
  };
}
