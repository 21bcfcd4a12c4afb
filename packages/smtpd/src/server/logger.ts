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

function writeLine(level: 'warn' | 'error', fields: object, message: string): void {
  const line = process.stderr.isTTY
    ? `smtpd: ${level}: ${message} ${describe(fields)}`
    : JSON.stringify({ level, time: new Date().toISOString(), name: 'smtpd', message, ...plain(fields) });
  process.stderr.write(`${line}\n`);
}

/** Fields made readable: JSON leaves an error's message out, and an application may throw what JSON cannot write at all. */
function plain(fields: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]: [string, unknown]) => [name, isPlain(value) ? value : inspect(value)]),
  );
}

function isPlain(value: unknown): boolean {
  return value === undefined || typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function describe(fields: object): string {
  return Object.entries(plain(fields))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ');
}

function ignore(): void {
  // A level that is not written.
}
