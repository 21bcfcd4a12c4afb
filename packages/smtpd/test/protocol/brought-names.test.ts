/** What options are called elsewhere: that every name which people bring is answered, and that what they are told to write works. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runInThisContext } from 'node:vm';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

import { completeClientOptions } from '../../src/client/client-options.js';
import { SMTPClientPool } from '../../src/client/pool.js';
import { DebuggingServer } from '../../src/handlers/debugging-server.js';
import { Maildir } from '../../src/handlers/maildir.js';
import { MailmanProxy } from '../../src/handlers/mailman-proxy.js';
import { forward } from '../../src/handlers/forward.js';
import { PureProxy } from '../../src/handlers/pure-proxy.js';
import { Sink } from '../../src/handlers/sink.js';
import * as brought from '../../src/protocol/brought-names.js';
import { UsageError } from '../../src/protocol/errors.js';
import { completeOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import { startTestServer } from '../../src/testing/index.js';
import { requirePythonModuleFor } from '../support/component.js';

const ANYWHERE = { remoteAddress: { host: 'localhost', port: 25 } };

/** By list: takes options that a meaning says, as they are to be written. */
const TAKERS: Record<Exclude<keyof typeof brought, 'broughtStages' | 'broughtEvents'>, (options: object) => unknown> = {
  broughtToServer: (options) => completeOptions(options),
  broughtToServerTLS: (tls) => completeOptions({ tls: { mode: 'offer', ...tls } }),
  broughtToServerAuth: (auth) => completeOptions({ tls: { mode: 'offer' }, auth: { mode: 'offer', ...auth } }),
  broughtToClient: (options) => completeClientOptions({ ...ANYWHERE, ...options }, 'localhost'),
  broughtToClientTLS: (tls) => completeClientOptions({ ...ANYWHERE, tls: { mode: 'require', ...tls } }, 'localhost'),
  broughtToClientAuth: (auth) => {
    const user = 'password' in auth || 'token' in auth ? { user: 'alice' } : { password: 'x' };
    return completeClientOptions({ ...ANYWHERE, auth: { user: 'alice', ...user, ...auth } }, 'localhost');
  },
  broughtToMaildir: (options) => new Maildir({ folder: '', ...options }),
  broughtToProxy: (options) => new PureProxy(options),
  broughtToUpstream: (upstream) => new PureProxy({ remoteAddress: 'localhost:25', upstream }),
  broughtToPool: (options) => new SMTPClientPool(options),
};

describe('what names from elsewhere mean', () => {
  const said = Object.entries(TAKERS).flatMap(([list, take]) =>
    Object.entries(brought[list as keyof typeof TAKERS]())
      .filter(([, meaning]) => meaning.startsWith('say '))
      .map(([name, meaning]) => [list, name, meaning, take] as const),
  );

  it.each(said)('%s: %s: what one is told to say is taken: %s', (_list, name, meaning, take) => {
    const literal = meaning.slice('say '.length).split(';')[0] ?? '';
    // Words in capitals stand for what only the reader knows.
    const text = literal.replaceAll('HOST', 'localhost').replaceAll('PORT', '2525').replaceAll('NETWORK', 'loopback');
    const options = runInThisContext(`({ ${text} })`) as object;
    expect(Object.keys(options)).not.toContain(name);
    expect(() => take(options)).not.toThrow();
  });

  it('in no list is a name that there is', () => {
    const names = (list: keyof typeof TAKERS): string[] => Object.keys(brought[list]());
    for (const list of Object.keys(TAKERS) as (keyof typeof TAKERS)[]) {
      for (const name of names(list)) expect(() => TAKERS[list]({ [name]: undefined }), name).toThrow(UsageError);
    }
  });
});

describe('every name is answered', () => {
  it('that smtp-server of npm takes', () => {
    const names = membersOf('node_modules/smtp-server/dist/esm/types.d.ts', 'SMTPServerOptions');
    expect(names.length).toBeGreaterThan(40);
    // A logger is one here, too, though of another shape.
    expect(names.filter((name) => name !== 'logger').filter(isUnanswered)).toEqual([]);
  });

  it('that aiosmtpd takes', (context) => {
    const python = requirePythonModuleFor(context, 'aiosmtpd');
    const program = `
import inspect, json
from aiosmtpd.smtp import SMTP
from aiosmtpd.controller import BaseThreadedController, InetMixin, UnixSocketMixin
kinds = SMTP, BaseThreadedController, InetMixin, UnixSocketMixin
print(json.dumps([name for kind in kinds for name in inspect.signature(kind.__init__).parameters]))`;
    const names = JSON.parse(execFileSync(python, ['-c', program], { encoding: 'utf8' })) as string[];
    expect(names).toContain('data_size_limit');
    // What stands for any others; and the host name, which is an option here, of another meaning in one of theirs.
    const others = ['self', 'kwargs', 'SMTP_parameters', 'hostname'];
    expect(names.filter((name) => !others.includes(name)).filter(isUnanswered)).toEqual([]);
  });

  it('that a program may bring to node:net', () => {
    for (const name of ['port', 'host', 'path', 'fd', 'exclusive', 'ipv6Only', 'key', 'cert', 'ca', 'allowHalfOpen'])
      expect(isUnanswered(name), name).toBe(false);
  });
});

/** Whether who gives an option of this name to a server is told nothing but what there is. */
function isUnanswered(name: string): boolean {
  return messageOf(() => completeOptions({ [name]: undefined })).includes('there are:');
}

describe('everything that takes options says what was meant', () => {
  it.each<[string, () => unknown, string]>([
    ['a server', () => new SMTPServer(any({ port: 2525 })), `There is no option "port"; say localAddress: 'HOST:PORT'`],
    [
      'a server, of each name',
      () => new SMTPServer(any({ size: 1, localAdress: ':25' })),
      'There is no option "size"; say dataSizeLimit: 33_554_432\nThere is no option "localAdress"; did you mean localAddress?',
    ],
    [
      'its TLS',
      () => new SMTPServer({ tls: any({ mode: 'offer', ca: 'PEM' }) }),
      "There is no option tls.ca; say clientCertificates: 'require', clientCAFile: 'CA'",
    ],
    [
      'its certificates by name',
      () => new SMTPServer({ tls: { mode: 'offer', names: any({ 'a.example': { keyfile: 'x' } }) } }).listen(),
      'There is no option "names["a.example"].keyfile"; did you mean keyFile?',
    ],
    [
      'its AUTH',
      () => new SMTPServer({ auth: any({ mode: 'offer', methods: ['PLAIN'] }) }),
      "There is no option auth.methods; say mechanisms: ['PLAIN', 'LOGIN']",
    ],
    [
      'its limits',
      () => new SMTPServer({ limits: any({ maxRecipients: 1, colour: 1 }) }),
      'limits.maxRecipients is unknown; did you mean recipientsMax?\nlimits.colour is unknown; there are: command',
    ],
    [
      'a hook',
      () => new SMTPServer().use(any({ name: 'mine', rcptTo: () => undefined })),
      'Hook mine: there is no stage "rcptTo"; write rcpt',
    ],
    [
      'an event',
      () => new SMTPServer().on('error' as 'fault', () => undefined),
      'There is no event "error"; faults of',
    ],
    ['an event that is near', () => new SMTPServer().on('falt' as 'fault', () => undefined), 'did you mean fault?'],
    [
      'a DebuggingServer',
      () => new DebuggingServer(any({ ouput: process.stderr })),
      'There is no option "ouput"; did you mean output?',
    ],
    ['a Sink', () => new Sink(any({ port: 25 })), `There is no option "port"; say localAddress: 'HOST:PORT'`],
    [
      'a Maildir',
      () => new Maildir(any({ folder: '/tmp', feilds: [] })),
      'There is no option "feilds"; did you mean fields?',
    ],
    [
      'a proxy',
      () => new PureProxy(any({ relay: 'a:25' })),
      `There is no option "relay"; say remoteAddress: 'HOST:PORT'`,
    ],
    [
      'a proxy to Mailman',
      () => new MailmanProxy(any({ mailmen: {} })),
      'There is no option "mailmen"; did you mean mailman?',
    ],
    [
      'what is behind a proxy',
      () => new PureProxy({ remoteAddress: 'a:25', upstream: any({ maxConnections: 1 }) }),
      'There is no option upstream.maxConnections; did you mean connectionsMax?',
    ],
    [
      'forward()',
      () => forward(any({ to: 'a:25', addRecieved: false })),
      'There is no option addRecieved of forward(); did you mean addReceived?',
    ],
    [
      'a client',
      () => completeClientOptions(any({ host: 'localhost' }), 'localhost'),
      `There is no option host of a client; say remoteAddress: { host: 'HOST', port: 25 }`,
    ],
    [
      'its TLS',
      () =>
        completeClientOptions({ ...ANYWHERE, tls: any({ mode: 'require', rejectUnauthorized: false }) }, 'localhost'),
      'There is no option tls.rejectUnauthorized of a client; say verify: false',
    ],
    [
      'its AUTH',
      () => completeClientOptions({ ...ANYWHERE, auth: any({ user: 'a', pass: 'b' }) }, 'localhost'),
      `There is no option auth.pass of a client; say password: 'SECRET'`,
    ],
    [
      'its waits',
      () => completeClientOptions({ ...ANYWHERE, waits: any({ connect: 1 }) }, 'localhost'),
      'waits.connect is unknown; did you mean connectMs?',
    ],
    [
      'a pool',
      () => new SMTPClientPool(any({ maxConnections: 1 })),
      'There is no option maxConnections of a pool; did you mean connectionsMax?',
    ],
    [
      'a test server',
      () => startTestServer(any({ localAddress: ':25' })),
      `There is no option "localAddress"; say host: '127.0.0.1', port: 2525`,
    ],
  ])('%s', async (_, make, message) => {
    const error: unknown = await Promise.resolve()
      .then(make)
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
  });
});

function messageOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  return '';
}

/** What a program without types may give. */
function any(given: unknown): never {
  return given as never;
}

/** The names in an interface of a declaration. */
function membersOf(file: string, name: string): string[] {
  const path = fileURLToPath(new URL(`../../../../${file}`, import.meta.url));
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest);
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter((declared) => declared.name.text === name)
    .flatMap(({ members }) => members.map((member) => (member.name as ts.Identifier).text));
}
