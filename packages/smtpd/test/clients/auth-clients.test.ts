/**
 * Real clients with AUTH: each mechanism that each of them knows, and what each makes of a wrong password. The password has all that a
 * client could get wrong, where the client can say it.
 */

import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';

import type { SASLMechanismName } from '../../src/protocol/sasl/mechanism.js';
import { eventsOf, type KeepingServer } from '../server/support.js';
import { accounts, ASCII_PASSWORD, PASSWORD, TOKEN, USER } from '../support/accounts.js';
import { Certificates } from '../support/certificates.js';
import { requireCommand, requirePerlModule } from '../support/component.js';
import { runSmtplib } from './smtplib.js';
import {
  AWKWARD_MESSAGE,
  curlArguments,
  msmtpArguments,
  onlyMessage,
  runClient,
  startServer,
  swaksArguments,
} from './support.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

/** A server that has these mechanisms, on TLS, and lets in nobody else than Alice. */
async function startFor(
  mechanisms: readonly SASLMechanismName[],
  { password = PASSWORD, tls = 'require' }: { readonly password?: string; readonly tls?: 'require' | 'off' } = {},
): Promise<KeepingServer> {
  const { keyFile, certFile } = certificates.server;
  const { certFile: clientCAFile } = mechanisms.includes('EXTERNAL') ? certificates.authority : { certFile };
  const server = await startServer({
    auth: { mode: 'require', mechanisms, plaintext: tls === 'off' ? 'always' : 'tls' },
    // Nobody guesses here.
    limits: { authFailureDelayMs: 1 },
    ...(tls === 'off' ? {} : { tls: { mode: tls, keyFile, certFile, clientCertificates: 'request', clientCAFile } }),
  });
  return server.use(accounts(password));
}

/** The message came, from Alice, by this mechanism. */
function expectAlice(server: KeepingServer, mechanism: SASLMechanismName): void {
  const { session } = onlyMessage(server);
  expect(session.identity).toEqual({ user: USER, authorizationIdentity: undefined, mechanism });
}

describe('curl', () => {
  const curl = requireCommand('curl');

  /** @param user - its name and password, with a colon between them */
  function send({ port }: KeepingServer, mechanism: string, more: readonly string[]) {
    const url = `smtp://localhost:${String(port)}/client.example`;
    const tls = ['--ssl-reqd', '--ipv4', '--cacert', certificates.server.certFile];
    const argv = [...curlArguments(url), ...tls, '--login-options', `AUTH=${mechanism}`, ...more];
    return runClient(curl, argv, AWKWARD_MESSAGE);
  }

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    for (const more of [[], ['--sasl-ir']]) {
      expect(await send(server, mechanism, ['--user', `${USER}:${PASSWORD}`, ...more])).toMatchObject({
        code: 0,
        stderr: '',
      });
      expectAlice(server, mechanism);
      server.messages.length = 0;
    }
  });

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-1'] as const)('with %s, if it was built with GNU SASL', async (mechanism) => {
    await using server = await startFor([mechanism]);
    const { stdout } = await runClient(curl, ['--version']);
    const ended = await send(server, mechanism, ['--user', `${USER}:${PASSWORD}`]);
    if (/^Features:.* gsasl\b/m.test(stdout)) {
      expect(ended).toMatchObject({ code: 0 });
      expectAlice(server, mechanism);
    } else {
      // CURLE_LOGIN_DENIED: there is no mechanism that both have.
      expect(ended.code).toBe(67);
    }
  });

  it.each(['XOAUTH2', 'OAUTHBEARER'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    expect(await send(server, mechanism, ['--user', USER, '--oauth2-bearer', TOKEN])).toMatchObject({ code: 0 });
    expectAlice(server, mechanism);
    // The token is wrong; the client hears why, says that it has heard, and is refused.
    expect(await send(server, mechanism, ['--user', USER, '--oauth2-bearer', 'stale'])).toMatchObject({ code: 67 });
  });

  it('with EXTERNAL and its certificate', async () => {
    await using server = await startFor(['EXTERNAL']);
    const { certFile, keyFile } = certificates.client(USER);
    const shown = ['--cert', certFile, '--key', keyFile];
    expect(await send(server, 'EXTERNAL', ['--user', `${USER}:`, ...shown])).toMatchObject({ code: 0, stderr: '' });
    expectAlice(server, 'EXTERNAL');
  });

  it('is refused with the wrong password', async () => {
    await using server = await startFor(['PLAIN', 'CRAM-MD5']);
    const attempts = eventsOf(server, 'auth');
    for (const mechanism of ['PLAIN', 'CRAM-MD5']) {
      const ended = await send(server, mechanism, ['--user', `${USER}:wrong`]);
      // CURLE_LOGIN_DENIED.
      expect(ended.code).toBe(67);
      expect(ended.stderr).toContain('Login denied');
    }
    expect(attempts).toMatchObject([
      { mechanism: 'PLAIN', user: USER, isAccepted: false },
      { mechanism: 'CRAM-MD5', user: USER, isAccepted: false },
    ]);
    expect(server.messages).toEqual([]);
  });
});

describe('swaks', () => {
  const swaks = requireCommand('swaks');
  requirePerlModule('Net::SSLeay');
  requirePerlModule('Authen::SASL');

  function send({ port }: KeepingServer, auth: readonly string[], more: readonly string[] = ['--tls']) {
    const argv = [...swaksArguments(port), '--to', 'bob@b.example', ...more, '--auth-user', USER, ...auth];
    return runClient(swaks, argv);
  }

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    expect(await send(server, ['--auth', mechanism, '--auth-password', PASSWORD])).toMatchObject({ code: 0 });
    expectAlice(server, mechanism);
  });

  it.each(['DIGEST-MD5', 'CRAM-SHA1'])('with %s, which is not there', async (mechanism) => {
    await using server = await startFor(['PLAIN', 'SCRAM-SHA-256']);
    const { code, stderr } = await send(server, ['--auth', mechanism, '--auth-password', PASSWORD]);
    expect(code).toBe(28);
    expect(stderr).toContain('Auth not attempted, requested type not available');
    expect(server.messages).toEqual([]);
  });

  it('is refused with the wrong password', async () => {
    await using server = await startFor(['CRAM-MD5', 'PLAIN', 'LOGIN']);
    const attempts = eventsOf(server, 'auth');
    const { code, stdout } = await send(server, ['--auth', '--auth-password', 'wrong']);
    expect(code).toBe(28);
    expect(stdout).toMatch(/^<~\* 535 5\.7\.8 /m);
    // It tries all that it knows.
    expect(attempts.map(({ mechanism }) => mechanism).sort()).toEqual(['CRAM-MD5', 'LOGIN', 'PLAIN']);
    expect(server.messages).toEqual([]);
  });

  it('does not send a password in clear, as it is not offered there', async () => {
    await using server = await startFor(['PLAIN', 'LOGIN', 'CRAM-MD5']);
    expect(await send(server, ['--auth', 'PLAIN', '--auth-password', PASSWORD], [])).toMatchObject({ code: 28 });
    await using open = await startFor(['PLAIN'], { tls: 'off' });
    expect(await send(open, ['--auth', 'PLAIN', '--auth-password', PASSWORD], [])).toMatchObject({ code: 0 });
    expectAlice(open, 'PLAIN');
  });

  it('without AUTH is told by a server that requires it', async () => {
    await using server = await startFor(['PLAIN']);
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--tls'];
    const { stdout: transcript } = await runClient(swaks, argv);
    expect(transcript).toMatch(/^<~\* 530 5\.7\.0 /m);
  });
});

describe('smtplib', () => {
  const python = requireCommand('python3');

  function send({ port }: KeepingServer, login: { mechanism: string; password: string; initial?: boolean }) {
    const tls = { mode: 'starttls', ca: certificates.server.certFile } as const;
    const request = { where: port, call: 'sendmail', tls, login: { user: USER, ...login } } as const;
    return runSmtplib(python, request, AWKWARD_MESSAGE);
  }

  it.each([
    ['PLAIN', true],
    ['PLAIN', false],
    ['LOGIN', true],
    ['LOGIN', false],
    ['CRAM-MD5', false],
  ] as const)('with %s, initial response: %s', async (mechanism, initial) => {
    // It encodes passwords as ASCII and as nothing else.
    await using server = await startFor([mechanism], { password: ASCII_PASSWORD });
    expect(await send(server, { mechanism, password: ASCII_PASSWORD, initial })).toEqual({ refused: {} });
    expectAlice(server, mechanism);
  });

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'] as const)(
    'raises SMTPAuthenticationError for a wrong password with %s',
    async (mechanism) => {
      await using server = await startFor([mechanism]);
      expect(await send(server, { mechanism, password: 'wrong' })).toMatchObject({
        raised: 'SMTPAuthenticationError',
        what: [535, expect.stringMatching(/^5\.7\.8 /) as unknown],
      });
      expect(server.messages).toEqual([]);
    },
  );
});

describe('msmtp', () => {
  const msmtp = requireCommand('msmtp');

  function send({ port }: KeepingServer, auth: string, secret: string | undefined, more: readonly string[] = []) {
    // A command says the password. The list of processes is no place for it.
    const password = secret === undefined ? [] : [`--passwordeval=printf %s '${secret.replaceAll("'", `'\\''`)}'`];
    const login = [`--auth=${auth}`, `--user=${USER}`, ...password];
    const tls = ['--tls=on', `--tls-trust-file=${certificates.server.certFile}`];
    return runClient(
      msmtp,
      [...msmtpArguments(port), ...tls, ...login, ...more, '--', 'bob@b.example'],
      AWKWARD_MESSAGE,
    );
  }

  it.each(['SCRAM-SHA-256', 'SCRAM-SHA-1', 'PLAIN', 'LOGIN', 'CRAM-MD5'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    expect(await send(server, mechanism.toLowerCase(), PASSWORD)).toEqual({ code: 0, stdout: '', stderr: '' });
    expectAlice(server, mechanism);
  });

  it.each(['XOAUTH2', 'OAUTHBEARER'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    expect(await send(server, mechanism.toLowerCase(), TOKEN)).toEqual({ code: 0, stdout: '', stderr: '' });
    expectAlice(server, mechanism);
    const { code, stderr } = await send(server, mechanism.toLowerCase(), 'stale');
    // EX_NOPERM of sysexits.h.
    expect(code).toBe(77);
    expect(stderr).toContain('authentication failed');
  });

  it('with EXTERNAL and its certificate', async () => {
    await using server = await startFor(['EXTERNAL']);
    const { certFile, keyFile } = certificates.client(USER);
    const shown = [`--tls-cert-file=${certFile}`, `--tls-key-file=${keyFile}`];
    expect(await send(server, 'external', undefined, shown)).toEqual({ code: 0, stdout: '', stderr: '' });
    const { session } = onlyMessage(server);
    expect(session.identity).toMatchObject({ user: USER, mechanism: 'EXTERNAL' });
  });

  it('with SCRAM beside a -PLUS that it does not know', async () => {
    await using server = await startFor(['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256']);
    const { stdout } = await runClient(msmtp, ['--version']);
    expect(await send(server, 'on', PASSWORD)).toEqual({ code: 0, stdout: '', stderr: '' });
    expectAlice(server, /scram-sha-256-plus/i.test(stdout) ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256');
  });

  it.each(['scram-sha-256', 'plain'])('is refused with the wrong password by %s', async (auth) => {
    await using server = await startFor(['SCRAM-SHA-256', 'PLAIN']);
    const { code, stderr } = await send(server, auth, 'wrong');
    expect(code).toBe(77);
    expect(stderr).toContain('server message: 535 5.7.8 ');
    expect(server.messages).toEqual([]);
  });
});

describe('nodemailer', () => {
  type Auth =
    | { readonly user: string; readonly pass: string }
    | { readonly type: 'OAuth2'; readonly user: string; readonly accessToken: string };

  function client({ port }: KeepingServer, auth: Auth, method?: string) {
    return createTransport({
      host: '127.0.0.1',
      port,
      name: 'client.example',
      requireTLS: true,
      tls: { ca: certificates.server.cert, servername: 'mx.example' },
      auth,
      ...(method === undefined ? {} : { authMethod: method }),
    });
  }

  const MAIL = { envelope: { from: 'alice@a.example', to: 'bob@b.example' }, raw: AWKWARD_MESSAGE };

  it.each(['PLAIN', 'LOGIN', 'CRAM-MD5'] as const)('with %s', async (mechanism) => {
    await using server = await startFor([mechanism]);
    await client(server, { user: USER, pass: PASSWORD }, mechanism).sendMail(MAIL);
    expectAlice(server, mechanism);
  });

  it('with XOAUTH2', async () => {
    await using server = await startFor(['XOAUTH2']);
    await client(server, { type: 'OAuth2', user: USER, accessToken: TOKEN }).sendMail(MAIL);
    expectAlice(server, 'XOAUTH2');
  });

  it('is refused with the wrong password, and with the wrong token', async () => {
    await using server = await startFor(['PLAIN', 'XOAUTH2']);
    const refused = { code: 'EAUTH', responseCode: 535 };
    await expect(client(server, { user: USER, pass: 'wrong' }, 'PLAIN').sendMail(MAIL)).rejects.toMatchObject(refused);
    const stale = { type: 'OAuth2', user: USER, accessToken: 'stale' } as const;
    await expect(client(server, stale).sendMail(MAIL)).rejects.toMatchObject({ code: 'EAUTH' });
    expect(server.messages).toEqual([]);
  });
});
