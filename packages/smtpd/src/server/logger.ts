/**
 * Where a server writes what its operator should know. Any logger of pino's shape can be given instead.
 *
 * Not here: what happens in the normal course of mail; that is for events and `node:diagnostics_channel`.
 */

import { inspect } from 'node:util';

/** A logger of pino's shape. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Writes warnings and errors to standard error: JSON lines, or readable lines on a terminal. */
export const defaultLogger: Logger = Object.freeze({
  debug: ignore,
  info: ignore,
  warn: (fields: object, message: string) => {
    writeLine('warn', fields, message);
  },
  error: (fields: object, message: string) => {
    writeLine('error', fields, message);
  },
});

/** Writes nothing. */
export const silentLogger: Logger = Object.freeze({ debug: ignore, info: ignore, warn: ignore, error: ignore });

/** The same logger, except that what it throws costs its line and nothing else: it is the application's, like a hook. */
export function guardLogger(logger: Logger): Logger {
  const guard =
    (level: keyof Logger) =>
    (fields: object, message: string): void => {
      try {
        logger[level](fields, message);
      } catch (error) {
        defaultLogger.error({ ...fields, loggerError: error }, `${message} (the logger threw)`);
      }
    };
  return Object.freeze({ debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') });
}

function writeLine(level: 'warn' | 'error', fields: object, message: string): void {
  // No field takes the place of what every line has, whatever it is called.
  const own = { level, time: new Date().toISOString(), name: 'smtpd', message };
  const line = process.stderr.isTTY
    ? visible(`smtpd: ${level}: ${message} ${describe(fields)}`)
    : JSON.stringify({ ...own, ...plain(fields), ...own });
  process.stderr.write(`${line}\n`);
}

/** Fields made readable: JSON leaves an error's message out, and an application may throw what JSON cannot write at all. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [name, isPlain(value) ? value : show(value)]),
  );
}

/** A value as text. One that throws when it is looked at is named by its kind. */
function show(value: unknown): string {
  try {
    return inspect(value);
  } catch {
    return `(${typeof value} that cannot be shown)`;
  }
}

function isPlain(value: unknown): boolean {
  return value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function describe(fields: object): string {
  return Object.entries(plain(fields))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

/** Exceptions repeat what a client sent; a terminal must not obey it. */
function visible(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`);
}

function ignore(): void {
  // A level that is not written.
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for, tab and line feed excepted
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
