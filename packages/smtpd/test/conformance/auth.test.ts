/**
 * What RFC 4954 (AUTH) asks of a server, with a real server over TCP and, where it matters, over TLS. The other side of each exchange is
 * this package's own client of the mechanism. What the RFCs of the mechanisms ask is tested in `test/protocol/sasl/`.
 * `requirements-auth.ts` says which test stands for which clause.
 */

import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { describe, expect, it, vi } from 'vitest';

import type { SASLMechanismName } from '../../src/index.js';
import type { ChannelBinding, ClientCredentials, CredentialRequest } from '../../src/protocol/sasl/mechanism.js';
import { CLIENT_MECHANISMS } from '../../src/protocol/sasl/mechanisms.js';
import type { AuthAnswer, AuthOptions } from '../../src/server/authentication.js';
import { nodeSASLCrypto } from '../../src/server/sasl-crypto.js';
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

describe('RFC 4954 §4: the AUTH command', () => {
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

  it('the AUTH command is as long as any other, and one that is longer is answered 500 5.5.6', () =>
    withAuth({}, async ({ client }) => {
      const longest = `AUTH PLAIN ${'A'.repeat(512 - 'AUTH PLAIN '.length)}`;
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

describe('RFC 4954 §5: the AUTH parameter of MAIL', () => {
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
