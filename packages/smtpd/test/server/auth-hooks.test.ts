/** The ready-made `auth` hooks, asked by clients. */

import { afterEach, describe, expect, it } from 'vitest';

import {
  anyAuth,
  OPEN_MECHANISMS,
  passwordAuth,
  PASSWORD_MECHANISMS,
  SMTPServer,
  UsageError,
  type Hook,
  type SASLMechanismName,
} from '../../src/index.js';
import type { ClientCredentials, ClientStep } from '../../src/protocol/sasl/mechanism.js';
import { CLIENT_MECHANISMS } from '../../src/protocol/sasl/mechanisms.js';
import { nodeSASLCrypto } from '../../src/net/sasl-crypto.js';
import { RawClient } from '../support/raw-client.js';

const USERS = { alice: 'correct horse', 'j\u00fcrgen': 'pa\u00df' };
const IN_CLEAR = PASSWORD_MECHANISMS.filter((name) => !name.endsWith('-PLUS'));
const servers: SMTPServer[] = [];

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close({ graceMs: 0 })));
});

/** The code that ends an exchange, and who the server holds the client for. */
async function authenticate(
  hook: Hook,
  mechanisms: readonly SASLMechanismName[],
  name: SASLMechanismName,
  credentials: ClientCredentials,
): Promise<{ code: number; user: string | undefined }> {
  let user: string | undefined;
  const server = new SMTPServer({
    auth: { mode: 'offer', plaintext: 'always', mechanisms },
    limits: { authFailureDelayMs: 1 },
  })
    .use(hook)
    .use({
      name: 'who',
      mail: ({ session }) => {
        user = session.identity?.user;
      },
    });
  servers.push(server);
  const client = RawClient.inMemory(server);
  await client.reply();
  await client.command('EHLO a.example');
  const mechanism = CLIENT_MECHANISMS.get(name)!;
  let step: ClientStep = mechanism.start({
    crypto: nodeSASLCrypto,
    credentials,
    channelBinding: undefined,
    isPlusOffered: false,
  });
  const sent = (): string =>
    step.kind === 'response' && step.data !== undefined ? Buffer.from(step.data).toString('base64') || '=' : '';
  let reply = await client.command(`AUTH ${name} ${sent()}`.trim());
  while (reply.code === 334 && step.kind === 'response') {
    step = step.respond(Buffer.from(reply.lines[0] ?? '', 'base64'));
    reply = await client.command(sent().replace(/^=$/, ''));
  }
  await client.command('MAIL FROM:<>');
  return { code: reply.code, user };
}

const password = (user: string, secret: string): ClientCredentials => ({ kind: 'password', user, password: secret });

describe('passwordAuth', () => {
  it.each(IN_CLEAR)('lets a user in by %s with the password, and with no other', async (name) => {
    const ask = (user: string, secret: string) =>
      authenticate(passwordAuth(USERS), IN_CLEAR, name, password(user, secret));
    expect(await ask('alice', 'correct horse')).toEqual({ code: 235, user: 'alice' });
    expect(await ask('alice', 'correct Horse')).toEqual({ code: 535, user: undefined });
    expect(await ask('alice', 'pa\u00df')).toEqual({ code: 535, user: undefined });
    expect(await ask('mallory', 'correct horse')).toEqual({ code: 535, user: undefined });
    expect(await ask('__proto__', 'x')).toEqual({ code: 535, user: undefined });
  });

  it('compares names and passwords as SASLprep makes them, however they are typed', async () => {
    const answer = await authenticate(passwordAuth(USERS), IN_CLEAR, 'PLAIN', password('ju\u0308rgen', 'pa\u00df'));
    expect(answer).toEqual({ code: 235, user: 'j\u00fcrgen' });
  });

  it('knows nothing of tokens', async () => {
    const credentials = { kind: 'token', user: 'alice', token: 'correct' } as const;
    expect((await authenticate(passwordAuth(USERS), ['XOAUTH2'], 'XOAUTH2', credentials)).code).toBe(535);
  });

  it.each([
    [{ '': 'x' }, 'The user name of ""'],
    [{ alice: '' }, 'The password of "alice"'],
    [{ alice: 'a\u0007' }, 'The password of "alice"'],
  ])('refuses %j, which no client could send', (users: Record<string, string>, message) => {
    expect(() => passwordAuth(users)).toThrow(UsageError);
    expect(() => passwordAuth(users)).toThrow(message);
  });
});

describe('anyAuth', () => {
  it.each([
    ['PLAIN', password('eve', 'whatever')],
    ['LOGIN', password('eve', 'whatever')],
    ['XOAUTH2', { kind: 'token', user: 'eve', token: 'whatever' }],
    ['OAUTHBEARER', { kind: 'token', user: 'eve', token: 'whatever' }],
  ] as const)('lets everybody in by %s, as whom they say', async (name, credentials) => {
    expect(await authenticate(anyAuth(), OPEN_MECHANISMS, name, credentials)).toEqual({ code: 235, user: 'eve' });
  });

  it('lets a user act for another', async () => {
    const credentials = { ...password('eve', 'whatever'), authorizationIdentity: 'alice' } as ClientCredentials;
    expect((await authenticate(anyAuth(), OPEN_MECHANISMS, 'PLAIN', credentials)).code).toBe(235);
  });

  it('cannot say yes where both sides must know the password', async () => {
    const answer = await authenticate(anyAuth(), ['SCRAM-SHA-256'], 'SCRAM-SHA-256', password('eve', 'whatever'));
    expect(answer).toEqual({ code: 535, user: undefined });
  });
});
