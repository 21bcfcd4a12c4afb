/** What a program without types gives by mistake, as a variable of the environment that is not set: it is told what to write. */

import { describe, expect, it } from 'vitest';

import {
  forward,
  Maildir,
  makeSCRAMCredentials,
  parseRoute,
  passwordAuth,
  PureProxy,
  SMTPServer,
} from '../../src/index.js';
import { startTestServer } from '../../src/testing/index.js';
import { rejection } from './support.js';

const missing = undefined as never;
const misspelt = { hash: 'SHA-256', password: 'pencil', iteration: 10_000 } as const;
const withSalt = { hash: 'SHA-256', password: 'pencil', salt: 'W22ZaJ0SNY7soEsUEjb6gQ==' as never } as const;

describe('a value of another kind', () => {
  it.each([
    ['a hook that is missing', () => new SMTPServer().use(missing), 'A hook is an object with a name and stages'],
    ['a hostname', () => new SMTPServer({ hostname: null as never }), 'hostname is a domain'],
    ['where to forward', () => forward({ to: missing }), "such as 'mail.example.org:25', not undefined"],
    ['where a proxy sends', () => new PureProxy({ remoteAddress: { host: 'a', port: 25 } as never }), 'not the Object'],
    ['a part of a route', () => parseRoute(['a:25', missing]), 'not undefined'],
    ['a folder', () => new Maildir({ folder: missing }), 'folder is the path of a Maildir, not undefined'],
    ['users', () => passwordAuth([] as never), 'Users are an object'],
    ['a password', () => passwordAuth({ alice: missing }), 'The password of "alice" is a string, not undefined'],
    ['a password of SCRAM', () => makeSCRAMCredentials({ hash: 'SHA-1', password: missing }), 'password is a string'],
    [
      'what SCRAM needs',
      () => makeSCRAMCredentials(missing),
      'Options are an object, not undefined; there are: hash, ',
    ],
    ['an option of SCRAM', () => makeSCRAMCredentials(misspelt), 'no option "iteration"; did you mean iterations?'],
    ['a salt as it is stored', () => makeSCRAMCredentials(withSalt), 'salt is a Uint8Array, not a string'],
    ['a hash', () => makeSCRAMCredentials({ hash: 'md5' as never, password: 'x' }), 'hash is SHA-1 or SHA-256'],
  ])('%s', (_name, make, said) => {
    expect(make).toThrow(
      expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(said) as string }),
    );
  });

  it('is no option of a test', async () => {
    await using smtp = await startTestServer();
    expect(await rejection(smtp.waitForMessage({}, 2_000 as never))).toMatchObject({
      message: 'The options of a wait are an object with timeoutMs, signal, after, not a number',
    });
    expect(() => smtp.next('rcpt', 451, 3 as never)).toThrow('an object with times, when, not a number');
  });
});
