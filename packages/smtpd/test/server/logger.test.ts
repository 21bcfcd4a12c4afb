/** The loggers: what is written where, that any value can be written, and that one which throws harms nobody. */

import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from 'vitest';

import { defaultLogger, guardLogger, silentLogger, type Logger } from '../../src/server/logger.js';
import { RecordingLogger } from './support.js';

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

let written: string[] = [];
let write: MockInstance;
const wasTerminal = process.stderr.isTTY;

beforeEach(() => {
  written = [];
  write = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
});

afterEach(() => {
  write.mockRestore();
  process.stderr.isTTY = wasTerminal;
});

/** The one line that was written, read as JSON. */
function line(): Record<string, unknown> {
  expect(written).toHaveLength(1);
  expect(written[0]).toMatch(/^[^\n]+\n$/);
  return JSON.parse(written[0]!) as Record<string, unknown>;
}

describe('the default logger', () => {
  beforeEach(() => {
    process.stderr.isTTY = false;
  });

  it.each(['warn', 'error'] as const)('writes %s as one line of JSON to standard error', (level) => {
    defaultLogger[level]({ incident: 'cafe', count: 3, isLate: true }, 'Something happened');
    expect(line()).toEqual({
      level,
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      name: 'smtpd',
      message: 'Something happened',
      incident: 'cafe',
      count: 3,
      isLate: true,
    });
  });

  it('writes neither debug nor info: what happens in the normal course of mail is for events', () => {
    defaultLogger.debug({}, 'x');
    defaultLogger.info({}, 'x');
    expect(written).toEqual([]);
  });

  it('writes an error with its message, its stack and its cause', () => {
    defaultLogger.error({ error: new RangeError('disk on fire', { cause: new Error('match') }) }, 'It failed');
    const { error } = line();
    expect(error).toContain('RangeError: disk on fire\n    at ');
    expect(error).toContain('[cause]: Error: match');
  });

  it('says what it was told to, whatever the fields are called', () => {
    defaultLogger.warn({ message: '9848b4fd718.1', level: 'low', session: 's1' }, 'It failed');
    expect(line()).toMatchObject({ level: 'warn', message: 'It failed', session: 's1' });
  });

  it('leaves out what is undefined', () => {
    defaultLogger.error({ session: undefined }, 'x');
    expect(Object.keys(line())).toEqual(['level', 'time', 'name', 'message']);
  });

  const circular: Record<string, unknown> = {};
  circular['self'] = circular;

  it.each<[string, unknown, string | RegExp]>([
    ['null', null, 'null'],
    ['a bigint', 5n, '5n'],
    ['a symbol', Symbol('x'), 'Symbol(x)'],
    ['a function', () => undefined, '[Function'],
    ['an object that holds itself', circular, '[Circular *1]'],
    [
      'an object whose toJSON throws',
      {
        toJSON() {
          throw new Error('no');
        },
      },
      'toJSON',
    ],
    [
      'an object that throws when it is looked at',
      {
        [inspect.custom]() {
          throw new Error('no');
        },
      },
      '(object that cannot be shown)',
    ],
    [
      'an error whose message cannot be had',
      Object.defineProperty(new Error('x'), 'message', {
        get() {
          throw new Error('no');
        },
      }),
      // Node 24 shows as much as there is.
      /^(\(object that cannot be shown\)|\[object Error\])$/,
    ],
  ])('writes %s', (_, value, text) => {
    defaultLogger.error({ error: value }, 'x');
    expect(line()['error']).toMatch(text);
  });

  it('writes a line for people on a terminal', () => {
    process.stderr.isTTY = true;
    defaultLogger.warn({ incident: 'cafe', count: 3, nothing: undefined }, 'Something happened');
    expect(written).toEqual(['smtpd: warn: Something happened incident=cafe count=3 nothing=undefined\n']);
  });

  it('shows a terminal the control characters that an exception repeats, and does not send them', () => {
    process.stderr.isTTY = true;
    defaultLogger.error({ error: new Error('bad \u001b[2J\u0007\r\u009b1m\tname') }, 'It failed');
    expect(written[0]).toContain('Error: bad \\u001b[2J\\u0007\\u000d\\u009b1m\tname\n    at ');
    expect(written[0]).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  });
});

describe('the silent logger', () => {
  it.each(LEVELS)('writes no %s', (level) => {
    silentLogger[level]({ error: new Error('x') }, 'x');
    expect(written).toEqual([]);
  });
});

describe('a guarded logger', () => {
  it.each(LEVELS)('hands %s on, to the logger that it guards', (level) => {
    const logger = new RecordingLogger();
    const fields = { error: new Error('x') };
    guardLogger(logger)[level](fields, 'Something happened');
    expect(logger.lines).toEqual([{ level, fields, message: 'Something happened' }]);
    expect(logger.lines[0]!.fields).toBe(fields);
    expect(written).toEqual([]);
  });

  it.each(LEVELS)('that throws at %s throws nothing: the line goes to standard error instead', (level) => {
    process.stderr.isTTY = false;
    const broken = (): never => {
      throw new Error('disk full');
    };
    guardLogger({ debug: broken, info: broken, warn: broken, error: broken })[level](
      { incident: 'cafe' },
      'Something happened',
    );
    expect(line()).toMatchObject({
      level: 'error',
      message: 'Something happened (the logger threw)',
      incident: 'cafe',
      loggerError: expect.stringContaining('Error: disk full') as string,
    });
  });

  it('that has no such method is a logger that throws', () => {
    process.stderr.isTTY = false;
    guardLogger({} as Logger).error({}, 'Something happened');
    expect(line()['message']).toBe('Something happened (the logger threw)');
  });
});
