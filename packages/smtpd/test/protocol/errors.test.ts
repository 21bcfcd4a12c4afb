import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { assertNever, ERROR_CODES, invariant, InvariantError, UsageError } from '../../src/protocol/errors.js';

const SOURCES = new URL('../../src/', import.meta.url);
const FILES = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const CODE = /'(SMTPD_[A-Z_]+)'/g;

/** Code → the files that have it as a literal, without its declaration. */
const USED = new Map<string, string[]>();
for (const file of FILES) {
  if (file.endsWith('protocol/errors.ts')) continue;
  for (const [, code = ''] of readFileSync(new URL(file, SOURCES), 'utf8').matchAll(CODE)) {
    USED.set(code, [...(USED.get(code) ?? []), file]);
  }
}

describe('the error codes', () => {
  it('that are used anywhere are declared, and all that are declared are used', () => {
    expect(FILES.length).toBeGreaterThan(50);
    // This one is thrown where it is declared.
    expect([...USED.keys(), 'SMTPD_INVARIANT'].sort()).toEqual(Object.keys(ERROR_CODES).sort());
  });

  it('that documentation of the code names are declared', () => {
    for (const file of FILES) {
      // The command line names variables of the environment in the same way.
      if (file.startsWith('cli/')) continue;
      for (const [code] of readFileSync(new URL(file, SOURCES), 'utf8').matchAll(/SMTPD_[A-Z]+(?:_[A-Z]+)*/g)) {
        expect(ERROR_CODES, `${code} in ${file}`).toHaveProperty(code);
      }
    }
  });

  it('and their meanings stand in docs/errors.md, one row each', () => {
    const page = readFileSync(new URL('../../../../docs/errors.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(SMTPD_\w+)` +\| (.+?) +\|$/gm)].map(([, code, meaning]) => [code, meaning]);
    expect(rows).toEqual(Object.entries(ERROR_CODES));
  });

  it('are sentences for people', () => {
    for (const [code, meaning] of Object.entries(ERROR_CODES)) {
      expect(code).toMatch(/^SMTPD_[A-Z]+(?:_[A-Z]+)*$/);
      expect(meaning).toMatch(/^[A-Zl].*\.$/);
    }
  });
});

describe('the errors', () => {
  it('UsageError has the code, the message and the cause', () => {
    const cause = new Error('EACCES');
    const error = new UsageError('SMTPD_LISTEN_FAILED', 'Use a port above 1023', { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'UsageError',
      code: 'SMTPD_LISTEN_FAILED',
      message: 'Use a port above 1023',
      cause,
    });
    expect(new UsageError('SMTPD_BAD_OPTION', 'x')).not.toHaveProperty('cause');
  });

  it('invariant throws when it does not hold, and only then', () => {
    expect(() => {
      invariant(true, 'x');
    }).not.toThrow();
    expect(() => {
      invariant(false, 'Water runs uphill');
    }).toThrow(new InvariantError('Water runs uphill'));
    expect(new InvariantError('x')).toMatchObject({ name: 'InvariantError', code: 'SMTPD_INVARIANT' });
  });

  it('assertNever says what could not be', () => {
    expect(() => assertNever({ kind: 'new' } as never)).toThrow(new InvariantError('Unexpected value: {"kind":"new"}'));
  });
});
