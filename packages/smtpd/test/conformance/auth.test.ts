/**
 * What RFC 4954 (AUTH) asks of a server, with a real server over TCP and, where it matters, over TLS. The other side of each exchange is
 * this package's own client of the mechanism. What the RFCs of the mechanisms ask is tested in `test/protocol/sasl/`.
 * `requirements-auth.ts` says which test stands for which clause.
 */

import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';

import { SMTPServer, submitterOf, UsageError, type SASLMechanismName } from '../../src/index.js';
import type { ChannelBinding, ClientCredentials, CredentialRequest } from '../../src/protocol/sasl/mechanism.js';
import { CLIENT_MECHANISMS } from '../../src/protocol/sasl/mechanisms.js';
import type { AuthAnswer, AuthOptions } from '../../src/server/authentication.js';
import { nodeSASLCrypto } from '../../src/net/sasl-crypto.js';
import type { RawClient, WireReply } from '../support/raw-client.js';
import { CERTIFICATE, withSession, type Session, type SessionSetup } from './session.js';

const USER = 'tim';
const PASSWORD = 'tanstaaftanstaaf';
const TOKEN = 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==';
const PASSWORD_CREDENTIALS: ClientCredentials = { kind: 'password', user: USER, password: PASSWORD };
const TOKEN_CREDENTIALS: ClientCredentials = { kind: 'token', user: USER, token: TOKEN };

/** What a client of the mechanism shows. */
const credentialsFor = (name: SASLMechanismName): ClientCredentials =>
  name === 'XOAUTH2' || name === 'OAUTHBEARER' ? TOKEN_CREDENTIALS : PASSWORD_CREDENTIALS;

/** The application: it knows one user. */
function answerTo(request: CredentialRequest): AuthAnswer | undefined {
  switch (request.kind) {
    case 'password':
      return request.user === USER && request.password === PASSWORD ? { verified: true } : undefined;
    case 'secret':
      return request.user === USER ? { password: PASSWORD } : undefined;
    case 'token':
      return request.token === TOKEN ? { verified: true } : undefined;
    case 'external':
      return undefined;
  }
}

/** How the server of a test differs. */
interface AuthSetup extends SessionSetup {
  readonly asked?: CredentialRequest[];
  readonly answers?: (request: CredentialRequest) => AuthAnswer | string | undefined;
}

/** A session, in clear, that has said EHLO. */
function withAuth(
  auth: Partial<AuthOptions>,
  test: (session: Session) => Promise<void>,
  { asked = [], answers = answerTo, ...setup }: AuthSetup = {},
): Promise<void> {
  return withSession(
    async (session) => {
      await session.codes('EHLO client.example');
      await test(session);
    },
    {
      auth: { mode: 'offer', plaintext: 'always', ...auth },
      ...setup,
      limits: { authFailureDelayMs: 1, ...setup.limits },
      prepare: (server) => {
        setup.prepare?.(server);
        server.use({
          name: 'users',
          auth: (request) => {
            asked.push(request);
            return answers(request);
          },
        });
      },
    },
  );
}

/** The same over TLS: the handshake is made, and EHLO was said again. */
function withAuthOnTLS(
  auth: Partial<AuthOptions>,
  test: (session: Session, tls: OnTLS) => Promise<void>,
  { client: options = {}, ...setup }: AuthSetup & { readonly client?: ConnectionOptions } = {},
): Promise<void> {
  return withAuth(
    { plaintext: 'tls', ...auth },
    async (session) => {
      await session.codes('STARTTLS');
      const socket = await session.client.startTLS(options);
      const { lines } = await session.client.command('EHLO client.example');
      await test(session, { socket, lines });
    },
    { tls: { mode: 'offer', ...CERTIFICATE }, ...setup },
  );
}

/** What there is besides when the session is on TLS. */
interface OnTLS {
  readonly socket: TLSSocket;
  /** Of the EHLO reply. */
  readonly lines: readonly string[];
}

/** How an exchange went. */
interface Exchange {
  /** The texts of the 334 replies. */
  readonly challenges: readonly string[];
  readonly last: WireReply;
}

/** Runs the exchange of a mechanism, its first message in the command or, with `isInitialSent: false`, behind the first challenge. */
async function authenticate(
  client: RawClient,
  name: SASLMechanismName,
  {
    credentials = credentialsFor(name),
    isInitialSent = true,
    channelBinding,
  }: { credentials?: ClientCredentials; isInitialSent?: boolean; channelBinding?: ChannelBinding } = {},
): Promise<Exchange> {
  let step = CLIENT_MECHANISMS.get(name)!.start({
    crypto: nodeSASLCrypto,
    credentials,
    channelBinding,
    isPlusOffered: channelBinding !== undefined,
  });
  const challenges: string[] = [];
  let pending = step.kind === 'response' ? step.data : undefined;
  let command = `AUTH ${name}`;
  if (pending !== undefined && isInitialSent) {
    command += ` ${base64(pending)}`;
    pending = undefined;
  }
  let reply = await client.command(command);
  while (reply.code === 334) {
    const text = reply.lines.join();
    challenges.push(text);
    let data = pending;
    if (data === undefined) {
      if (step.kind === 'response') step = step.respond(Buffer.from(text, 'base64'));
      data = step.kind === 'response' ? step.data : undefined;
    }
    pending = undefined;
    reply = await client.command(data === undefined ? '*' : base64(data));
  }
  return { challenges, last: reply };
}

function base64(data: Uint8Array | string): string {
  return Buffer.from(data).toString('base64');
}

/** The message of PLAIN. */
const plain = (password: string = PASSWORD): string => base64(`\0${USER}\0${password}`);

const ENHANCED = /^\d\.\d+\.\d+/;
/** Code and enhanced code. */
const outcome = ({ code, lines }: WireReply): string =>
  `${String(code)} ${ENHANCED.exec(lines[0] ?? '')?.[0] ?? ''}`.trim();

describe('RFC 4954 §3 and §4: what is offered', () => {
  it('a mechanism that sends a password or a token readable is offered and accepted on TLS only', async () => {
    const mechanisms = ['PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER'] as const;
    await withAuth(
      { plaintext: 'tls', mechanisms },
      async ({ client }) => {
        const { lines } = await client.command('EHLO client.example');
        expect(lines.filter((line) => line.startsWith('AUTH'))).toEqual([]);
        for (const name of mechanisms) expect((await client.command(`AUTH ${name} ${plain()}`)).code).toBe(500);
      },
      { tls: { mode: 'offer', ...CERTIFICATE } },
    );
    await withAuthOnTLS({ mechanisms }, async ({ client }, { lines }) => {
      expect(lines).toContain('AUTH PLAIN LOGIN XOAUTH2 OAUTHBEARER');
      expect((await authenticate(client, 'XOAUTH2')).last.code).toBe(235);
    });
  });

  it('PLAIN works on TLS without being asked for', () =>
    withAuthOnTLS({}, async ({ client }, { lines }) => {
      expect(lines).toContain('AUTH PLAIN LOGIN');
      expect((await client.command(`AUTH PLAIN ${plain()}`)).code).toBe(235);
    }));
});

describe.each([
  'PLAIN',
  'LOGIN',
  'CRAM-MD5',
  'SCRAM-SHA-1',
  'SCRAM-SHA-256',
  'OAUTHBEARER',
  'XOAUTH2',
] as const satisfies readonly SASLMechanismName[])('RFC 4954 §4: an exchange of %s', (name) => {
  it('a client that proves who it is hears 235 2.7.0', () =>
    withAuth({ mechanisms: [name] }, async ({ client, connect, server }) => {
      const identities: unknown[] = [];
      server.on('message', ({ session }) => identities.push(session.identity));
      const { last, challenges } = await authenticate(client, name);
      expect(outcome(last)).toBe('235 2.7.0');
      expect(challenges.filter((text) => !/^[A-Za-z0-9+/]*={0,2}$/.test(text))).toEqual([]);
      const again = await connect();
      await again.command('EHLO client.example');
      expect((await authenticate(again, name, { isInitialSent: false })).last.code).toBe(235);
      for (const command of ['MAIL FROM:<>', 'RCPT TO:<b@example.net>', 'DATA']) await again.command(command);
      await again.command('x\r\n.');
      expect(identities).toEqual([{ user: USER, authorizationIdentity: undefined, mechanism: name }]);
    }));

  it('a client that does not hears 535 5.7.8, and may try again', () =>
    withAuth({ mechanisms: [name] }, async ({ client }) => {
      const wrong: ClientCredentials =
        credentialsFor(name).kind === 'token'
          ? { ...TOKEN_CREDENTIALS, token: 'expired' }
          : { ...PASSWORD_CREDENTIALS, password: 'wrong' };
      expect(outcome((await authenticate(client, name, { credentials: wrong })).last)).toBe('535 5.7.8');
      expect((await authenticate(client, name)).last.code).toBe(235);
    }));

  it('a client that cancels hears 501, and may begin another exchange', () =>
    withAuth({ mechanisms: [name] }, async ({ client }) => {
      expect((await client.command(`AUTH ${name}`)).code).toBe(334);
      expect(outcome(await client.command('*'))).toBe('501 5.7.0');
      expect((await authenticate(client, name)).last.code).toBe(235);
    }));

  it('an answer that is no base64 is refused with 501 5.5.2', () =>
    withAuth({ mechanisms: [name] }, async ({ client, codes }) => {
      for (const answer of ['A', 'AAA', '=AAA', 'AAA=BBB=', 'AA AA', '====', 'AA=', 'AAA-', '*AAA', ' AAAA', 'AB==']) {
        expect(await codes(`AUTH ${name}`)).toEqual([334]);
        expect([answer, outcome(await client.command(answer))]).toEqual([answer, '501 5.5.2']);
      }
      expect((await authenticate(client, name)).last.code).toBe(235);
    }));
});

describe('RFC 4954 §4: the AUTH command', () => {
  it('an initial response that is no base64 is refused with 501 5.5.2', () =>
    withAuth({}, async ({ client }) => {
      for (const response of ['A', '=AAA', 'AAA=BBB=', 'AAA-', '==', 'AB==']) {
        expect([response, outcome(await client.command(`AUTH PLAIN ${response}`))]).toEqual([response, '501 5.5.2']);
      }
    }));

  it('a challenge without data is 334 and a space', () =>
    withAuth({}, async ({ client }) => {
      client.send('AUTH PLAIN\r\n');
      await vi.waitFor(() => {
        expect(client.unread).toBe('334 \r\n');
      });
    }));

  it('an equals sign is an initial response without data', () =>
    withAuth({ mechanisms: ['LOGIN', 'PLAIN'] }, async ({ client }) => {
      // No challenge asks for it again: to PLAIN, nothing is no message.
      expect((await client.command('AUTH PLAIN =')).code).toBe(501);
      expect((await client.command('AUTH PLAIN')).code).toBe(334);
      expect((await client.command('=')).code).toBe(501);
    }));

  it('AUTH has a mechanism and maybe an initial response, or is answered 501', () =>
    withAuth({}, async ({ codes }) => {
      expect(await codes('AUTH', 'AUTH PLA/IN', `AUTH PLAIN ${plain()} x`, `AUTH ${'A'.repeat(21)}`)).toEqual([
        501, 501, 501, 501,
      ]);
    }));

  it('the name of a mechanism is understood in any case', () =>
    withAuth({}, async ({ codes }) => {
      expect(await codes(`auth pLaIn ${plain()}`)).toEqual([235]);
    }));

  it('AUTH is answered 503 in a transaction, before EHLO, and after it has succeeded', () =>
    withAuth({}, async ({ codes, connect }) => {
      const other = await connect();
      expect((await other.command(`AUTH PLAIN ${plain()}`)).code).toBe(503);
      const auth = `AUTH PLAIN ${plain()}`;
      expect(await codes('MAIL FROM:<a@example.org>', auth, 'RCPT TO:<b@example.net>', auth)).toEqual([
        250, 503, 250, 503,
      ]);
      expect(await codes('RSET', auth, auth, 'EHLO client.example', auth, 'MAIL FROM:<>', auth)).toEqual([
        250, 235, 503, 250, 503, 250, 503,
      ]);
    }));

  it('AUTH is not offered any more to a client that has authenticated', () =>
    withAuth({}, async ({ client, codes }) => {
      expect((await client.command('EHLO client.example')).lines).toContain('AUTH PLAIN LOGIN');
      await codes(`AUTH PLAIN ${plain()}`);
      const { lines } = await client.command('EHLO client.example');
      expect(lines.filter((line) => line.startsWith('AUTH'))).toEqual([]);
    }));

  it('a line of 12,288 octets is taken, and a longer one is answered 500 5.5.6', async () => {
    const asked: CredentialRequest[] = [];
    await withAuth(
      { mechanisms: ['OAUTHBEARER'] },
      async ({ client, codes }) => {
        const message = (length: number): string => {
          const head = `n,a=${USER},\u0001auth=Bearer `;
          return base64(`${head}${'t'.repeat(length - head.length - 2)}\u0001\u0001`);
        };
        const longest = message((12_288 / 4) * 3);
        expect(longest).toHaveLength(12_288);
        expect(await codes('AUTH OAUTHBEARER')).toEqual([334]);
        expect(outcome(await client.command(`${longest}AAAA`))).toBe('500 5.5.6');
        expect(asked).toEqual([]);
        expect(await codes('AUTH OAUTHBEARER', longest)).toEqual([334, 235]);
      },
      { asked, answers: () => ({ verified: true }) },
    );
  });

  it('who may not act for the identity that was asked for is refused with 535', () =>
    withAuth({}, async ({ codes }) => {
      const message = (identity: string): string => base64(`${identity}\0${USER}\0${PASSWORD}`);
      expect(await codes(`AUTH PLAIN ${message('alice')}`, `AUTH PLAIN ${message(USER)}`)).toEqual([535, 235]);
    }));

  it('a name of which SASLprep leaves nothing, or that it prohibits, is not authenticated', async () => {
    const asked: CredentialRequest[] = [];
    await withAuth(
      {},
      async ({ codes }) => {
        const messages = ['\u00ad\0tim\0secret', '\0\u00ad\0secret', '\0t\u0007im\0secret', '\u0007\0tim\0secret'];
        for (const message of messages) expect(await codes(`AUTH PLAIN ${base64(message)}`)).toEqual([501]);
        expect(asked).toEqual([]);
        // A soft hyphen vanishes, and the rest is compared.
        expect(await codes(`AUTH PLAIN ${base64('\0t\u00adim\0secret')}`)).toEqual([235]);
        expect(asked).toMatchObject([{ user: 'tim' }]);
      },
      { asked, answers: () => ({ verified: true }) },
    );
  });
  it('a mechanism that is unknown, or that needs TLS, is refused with 504', () =>
    withAuth(
      { plaintext: 'tls', mechanisms: ['PLAIN', 'CRAM-MD5'] },
      async ({ client }) => {
        for (const name of ['PLAIN', 'DIGEST-MD5', 'plain', 'cram-md4']) {
          const { code, lines } = await client.command(`AUTH ${name}`);
          expect([name, code, lines[0]?.split(' ')[0]]).toEqual([name, 504, '5.5.4']);
        }
      },
      { tls: { mode: 'offer', ...CERTIFICATE } },
    ));

  it('an initial response to a mechanism that begins with the server is refused with 501', () =>
    withAuth({ mechanisms: ['CRAM-MD5'] }, async ({ client }) => {
      for (const response of [base64('tim'), '=']) {
        const { code, lines } = await client.command(`AUTH CRAM-MD5 ${response}`);
        expect([code, lines[0]?.split(' ')[0]]).toEqual([501, '5.7.0']);
      }
      expect((await authenticate(client, 'CRAM-MD5')).last.code).toBe(235);
    }));

  it('the AUTH command has room for a token, and one that is longer is answered 500 5.5.6', () =>
    withAuth({}, async ({ client }) => {
      const longest = `AUTH PLAIN ${'A'.repeat(11_776 - 'AUTH PLAIN '.length)}`;
      expect(await client.command(longest)).toMatchObject({ code: 501 });
      const { code, lines } = await client.command(`${longest}A`);
      expect([code, lines[0]?.split(' ')[0]]).toEqual([500, '5.5.6']);
      const other = await client.command(`NOOP ${'x'.repeat(600)}`);
      expect([other.code, other.lines[0]?.split(' ')[0]]).toEqual([500, '5.5.2']);
    }));

  it('commands may come behind an AUTH that needs no challenge', async () => {
    const violations: string[] = [];
    await withAuth(
      {},
      async ({ client }) => {
        client.send(`AUTH PLAIN ${plain()}\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n`);
        expect((await client.replies(3)).map(({ code }) => code)).toEqual([235, 250, 250]);
        expect(violations).toEqual([]);
      },
      {
        prepare: (server) => {
          server.on('violation', ({ violation }) => violations.push(violation));
        },
      },
    );
  });

  it('a client that sends commands behind its answer to a challenge is noted, and they are answered', async () => {
    const violations: string[] = [];
    await withAuth(
      {},
      async ({ client }) => {
        client.send(`AUTH PLAIN\r\n${plain()}\r\nNOOP\r\n`);
        expect((await client.replies(3)).map(({ code }) => code)).toEqual([334, 235, 250]);
        expect(violations).toEqual(['inputBehindAUTH']);
      },
      {
        prepare: (server) => {
          server.on('violation', ({ violation }) => violations.push(violation));
        },
      },
    );
  });
});

describe('RFC 4954 §6 and §9: codes and policy', () => {
  it('where AUTH is required, commands that need it are answered 530 5.7.0 before it', () =>
    withAuth({ mode: 'require' }, async ({ client, codes }) => {
      expect(await codes('NOOP', 'RSET', 'HELO client.example', 'EHLO client.example')).toEqual([250, 250, 250, 250]);
      const commands = ['MAIL FROM:<a@example.org>', 'RCPT TO:<b@example.net>', 'DATA', 'BDAT 0 LAST', 'VRFY bob'];
      for (const command of [...commands, 'EXPN list', 'ETRN example.net', 'XYZZY'])
        expect([command, outcome(await client.command(command))]).toEqual([command, '530 5.7.0']);
      expect(await codes(`AUTH PLAIN ${plain()}`, 'MAIL FROM:<a@example.org>')).toEqual([235, 250]);
    }));

  it('an application that fails, or that answers what does not fit, is 454 4.7.0, which is no failed attempt', async () => {
    let answer: () => AuthAnswer | string | undefined = () => undefined;
    await withAuth(
      { mechanisms: ['PLAIN', 'SCRAM-SHA-256'] },
      async ({ client }) => {
        answer = () => {
          throw new Error('the directory is down');
        };
        for (let attempt = 0; attempt < 5; attempt += 1)
          expect(outcome(await client.command(`AUTH PLAIN ${plain()}`))).toBe('454 4.7.0');
        answer = () => ({ password: PASSWORD });
        expect(outcome(await client.command(`AUTH PLAIN ${plain()}`))).toBe('454 4.7.0');
        answer = () => ({ verified: true });
        expect(outcome((await authenticate(client, 'SCRAM-SHA-256')).last)).toBe('454 4.7.0');
        expect(outcome(await client.command(`AUTH PLAIN ${plain()}`))).toBe('235 2.7.0');
      },
      { answers: () => answer(), limits: { authFailuresMax: 1 } },
    );
  });

  it('an application may refuse with a code of its own', () =>
    withAuth(
      {},
      async ({ client }) => {
        expect(outcome(await client.command(`AUTH PLAIN ${plain()}`))).toBe('432 4.7.12');
      },
      { answers: () => '432 4.7.12 A password transition is needed' },
    ));

  it('a client is not cut off before its third failed attempt, and by default at the fifth', () =>
    withAuth({}, async ({ client, codes }) => {
      const wrong = `AUTH PLAIN ${plain('wrong')}`;
      expect(await codes(wrong, wrong, wrong, wrong, wrong)).toEqual([535, 535, 535, 535, 421]);
      await client.closed();
    }));

  it('an address from which too many attempts failed is answered 454 4.7.0, whatever it says', () =>
    withAuth(
      {},
      async ({ codes, connect }) => {
        expect(await codes(`AUTH PLAIN ${plain('wrong')}`, `AUTH PLAIN ${plain('wrong')}`)).toEqual([535, 535]);
        const again = await connect();
        await again.command('EHLO client.example');
        expect(outcome(await again.command(`AUTH PLAIN ${plain()}`))).toBe('454 4.7.0');
      },
      { limits: { authFailuresPerAddressMax: 2 } },
    ));

  it('a failed attempt is answered late, and a good one at once', () =>
    withAuth(
      {},
      async ({ client, codes }) => {
        const startedAt = performance.now();
        expect(await codes(`AUTH PLAIN ${plain('wrong')}`)).toEqual([535]);
        expect(performance.now() - startedAt).toBeGreaterThan(250);
        expect((await client.command(`AUTH PLAIN ${plain()}`)).code).toBe(235);
        expect(performance.now() - startedAt).toBeLessThan(5_000);
      },
      { limits: { authFailureDelayMs: 300 } },
    ));
});

describe('RFC 7677 §4: iterations', () => {
  it('fewer than 4,096 iterations are not accepted', async () => {
    for (const scramIterations of [4_095, 0, 4_096.5])
      expect(() => new SMTPServer({ auth: { mode: 'offer', scramIterations } })).toThrow(UsageError);
    await withAuth({ mechanisms: ['SCRAM-SHA-256'], scramIterations: 5_000 }, async ({ client }) => {
      const { challenges, last } = await authenticate(client, 'SCRAM-SHA-256');
      expect(Buffer.from(challenges[0] ?? '', 'base64').toString()).toMatch(/,i=5000$/);
      expect(last.code).toBe(235);
    });
  });
});

describe('RFC 4422, appendix A: EXTERNAL', () => {
  it('EXTERNAL is offered where a certificate may be shown, and an equals sign asks for its own identity', () =>
    withAuthOnTLS(
      { mechanisms: ['EXTERNAL', 'PLAIN'] },
      async ({ client }, { lines }) => {
        expect(lines).toContain('AUTH EXTERNAL PLAIN');
        expect(outcome(await client.command('AUTH EXTERNAL ='))).toBe('235 2.7.0');
      },
      {
        answers: (request) => (request.kind === 'external' ? { verified: true, user: USER } : undefined),
        tls: { mode: 'offer', ...CERTIFICATE, clientCertificates: 'request', clientCA: CERTIFICATE.cert },
        client: CERTIFICATE,
      },
    ));
});

describe('RFC 4954 §5: the AUTH parameter of MAIL', () => {
  it('AUTH= reaches the application from a client that has authenticated, and as <> from any other', () =>
    withAuth({}, async ({ codes, finish, messages }) => {
      const mail = ['MAIL FROM:<e=mc2@example.com> AUTH=e+3Dmc2@example.com', 'RCPT TO:<b@example.net>', 'DATA'];
      expect(await codes(...mail)).toEqual([250, 250, 354]);
      await finish('x\r\n');
      expect(await codes(`AUTH PLAIN ${plain()}`, ...mail)).toEqual([235, 250, 250, 354]);
      await finish('x\r\n');
      expect(messages.map(submitterOf)).toEqual(['', 'e=mc2@example.com']);
      expect(await codes('MAIL FROM:<> AUTH=<>', 'RSET', 'MAIL FROM:<> AUTH=e=mc2@example.com')).toEqual([
        250, 250, 501,
      ]);
    }));

  it('the MAIL line is 500 octets longer also when the client has authenticated', () =>
    withAuth(
      {},
      async ({ client, codes }) => {
        const line = `MAIL FROM:<${'a'.repeat(512 - 'MAIL FROM:<>'.length)}> AUTH=${'b'.repeat(500 - ' AUTH=@example.org'.length)}@example.org`;
        expect(await codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
        expect((await authenticate(client, 'PLAIN')).last.code).toBe(235);
        expect(await codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
      },
      { decodeData: true, disabledExtensions: ['SIZE'] },
    ));
});

describe('RFC 5802 §6 and RFC 9266: channel binding', () => {
  const PLUS = ['SCRAM-SHA-256-PLUS', 'SCRAM-SHA-256'] as const;
  const bindingOf = (socket: TLSSocket): ChannelBinding => ({
    type: 'tls-exporter',
    data: socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)),
  });

  it('a mechanism with channel binding is offered where there is one to bind to: on TLS 1.3', async () => {
    await withAuthOnTLS(
      { mechanisms: PLUS },
      async ({ client }, { socket, lines }) => {
        expect(socket.getProtocol()).toBe('TLSv1.2');
        expect(lines).toContain('AUTH SCRAM-SHA-256');
        expect((await client.command('AUTH SCRAM-SHA-256-PLUS')).code).toBe(504);
      },
      { client: { maxVersion: 'TLSv1.2' } },
    );
    await withAuthOnTLS({ mechanisms: PLUS }, async (_, { lines }) => {
      expect(lines).toContain('AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256');
      await Promise.resolve();
    });
  });

  it('the binding is the exporter of this TLS session: 32 octets with its label and an empty context', () =>
    withAuthOnTLS({ mechanisms: PLUS }, async ({ client }, { socket }) => {
      const channelBinding = bindingOf(socket);
      const other: ChannelBinding = { type: 'tls-exporter', data: channelBinding.data.map((octet) => octet ^ 1) };
      expect((await authenticate(client, 'SCRAM-SHA-256-PLUS', { channelBinding: other })).last.code).toBe(535);
      expect((await authenticate(client, 'SCRAM-SHA-256-PLUS', { channelBinding })).last.code).toBe(235);
    }));
});
