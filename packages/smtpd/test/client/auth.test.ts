import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';

import { SMTPClient } from '../../src/client/client.js';
import type { ClientAuthOptions, SMTPClientOptions } from '../../src/client/client-options.js';
import { CLIENT_MECHANISMS } from '../../src/protocol/sasl/mechanisms.js';
import { eventsOf, KeepingServer, rejection } from '../server/support.js';
import { accounts, ASCII_PASSWORD, TOKEN, USER } from '../support/accounts.js';
import { Certificates } from '../support/certificates.js';
import { requireCommand } from '../support/component.js';
import { connectTo, Meeting, MESSAGE, reach } from './support.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

const NAMES = [...CLIENT_MECHANISMS.values()].map(({ name }) => name);
const BY_PASSWORD: ClientAuthOptions = { user: USER, password: ASCII_PASSWORD };
const ALWAYS: ClientAuthOptions = { ...BY_PASSWORD, plaintext: 'always' };
/** `\0alice\0secret` */
const PLAIN_LINE = `AUTH PLAIN ${Buffer.from(`\0${USER}\0${ASCII_PASSWORD}`).toString('base64')}`;

async function serve() {
  const { key, cert } = certificates.server;
  const server = new KeepingServer({
    tls: {
      mode: 'require',
      key,
      cert,
      clientCertificates: 'request',
      clientCA: readFileSync(certificates.authority.certFile),
    },
    auth: { mode: 'require', mechanisms: NAMES },
  }).use(accounts(ASCII_PASSWORD));
  await server.listen();
  return server;
}

describe('each mechanism', () => {
  requireCommand('openssl');

  it.each(NAMES)('%s lets the client in', async (name) => {
    await using server = await serve();
    const { credentials } = CLIENT_MECHANISMS.get(name)!;
    const auth: ClientAuthOptions = {
      ...{ password: BY_PASSWORD, token: { user: USER, token: TOKEN }, external: {} }[credentials],
      mechanisms: [name],
    };
    const pair = certificates.client(USER);
    await using client = new SMTPClient({
      remoteAddress: reach(server),
      hostname: 'client.example',
      tls: {
        mode: 'require',
        ca: certificates.server.cert,
        ...(credentials === 'external' ? { key: readFileSync(pair.keyFile), cert: readFileSync(pair.certFile) } : {}),
      },
      auth,
    });
    await client.connect();
    expect(client.mechanism).toBe(name);
    await client.send(MESSAGE);
    expect(server.messages).toHaveLength(1);
  });

  it('is chosen by its strength where nobody says which', async () => {
    await using server = await serve();
    const tls = { mode: 'require', ca: certificates.server.cert } as const;
    await using client = new SMTPClient({ remoteAddress: reach(server), tls, auth: BY_PASSWORD });
    await client.connect();
    expect(client.mechanism).toBe('SCRAM-SHA-256-PLUS');
  });
});

describe('credentials', () => {
  it('that were refused are not tried again with another mechanism', async () => {
    await using server = new KeepingServer({ auth: { mode: 'offer', plaintext: 'always' } }).use(accounts('other'));
    const commands = eventsOf(server, 'command');
    expect(await rejection(connectTo(server, { auth: ALWAYS }))).toMatchObject({
      name: 'SMTPRefusedError',
      command: 'AUTH',
      reply: { code: 535 },
    });
    expect(commands.filter(({ verb }) => verb === 'AUTH')).toHaveLength(1);
  });

  it.each([504, 534])(
    'are tried with the next mechanism where the server does not want the first: %i',
    async (code) => {
      const meeting = await helloed('CRAM-MD5 PLAIN', { ...ALWAYS, mechanisms: ['CRAM-MD5', 'PLAIN'] });
      expect(await meeting.peer.answer(`${String(code)} 5.5.4 No`, '235 2.7.0 Yes')).toEqual([
        'AUTH CRAM-MD5',
        PLAIN_LINE,
      ]);
      await meeting.connecting;
      expect(meeting.client.mechanism).toBe('PLAIN');
    },
  );

  it('that could be read do not go over the wire in clear', async () => {
    for (const auth of [BY_PASSWORD, { user: USER, token: TOKEN }]) {
      const { connecting, peer } = await helloed('PLAIN LOGIN XOAUTH2 OAUTHBEARER', auth);
      expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_CONNECT_FAILED', stage: 'AUTH' });
      expect(peer.unread).toBe('');
    }
  });

  it('fail where no mechanism fits', async () => {
    const { connecting } = await helloed('GSSAPI', ALWAYS);
    expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_CONNECT_FAILED', stage: 'AUTH' });
  });

  it('for somebody else are shown only where the mechanism can say so', async () => {
    const { connecting, peer } = await helloed('LOGIN CRAM-MD5 PLAIN', { ...ALWAYS, authorizationIdentity: 'bob' });
    const line = `AUTH PLAIN ${Buffer.from(`bob\0${USER}\0${ASCII_PASSWORD}`).toString('base64')}`;
    expect(await peer.answer('235 2.7.0 Yes')).toEqual([line]);
    await connecting;
  });
});

describe('a server', () => {
  it('that says 235 before it has shown that it knows the password is at fault (RFC 5802 §3)', async () => {
    const { connecting, peer } = await helloed('SCRAM-SHA-256', BY_PASSWORD);
    await peer.answer('235 2.7.0 Trust me');
    expect(await rejection(connecting)).toMatchObject({
      code: 'SMTPD_SERVER_FAULT',
      stage: 'AUTH',
      reply: { code: 235 },
    });
    await peer.gone();
  });

  it.each([
    ['no base64', '334 !!!'],
    ['nothing that belongs to the exchange', `334 ${Buffer.from('r=x,s=y,i=1').toString('base64')}`],
  ])('that challenges with %s is told that the exchange is over (RFC 4954 §4)', async (_, challenge) => {
    const { connecting, peer } = await helloed('SCRAM-SHA-256', BY_PASSWORD);
    await peer.answer(challenge);
    expect(await peer.answer('501 5.5.2 Cancelled')).toEqual(['*']);
    expect(await rejection(connecting)).toMatchObject({ code: 'SMTPD_SERVER_FAULT', stage: 'AUTH' });
  });

  it('gets a response that is too long for the command line after its challenge (RFC 4954 §4)', async () => {
    const password = 'x'.repeat(600);
    const { connecting, peer } = await helloed('PLAIN', { ...ALWAYS, password });
    const lines = await peer.answer('334 ', '235 2.7.0 Yes');
    expect(lines).toEqual(['AUTH PLAIN', Buffer.from(`\0${USER}\0${password}`).toString('base64')]);
    await connecting;
  });

  it('with a challenge in several lines of text is understood', async () => {
    const long = `<${'1'.repeat(900)}@mx.example>`;
    const { connecting, peer } = await helloed('CRAM-MD5', BY_PASSWORD);
    await peer.answer(`334 ${Buffer.from(long).toString('base64')}`, '235 2.7.0 Yes');
    expect((await connecting).mechanism).toBe('CRAM-MD5');
  });
});

/** A client that has said EHLO to a server with these mechanisms. */
async function helloed(mechanisms: string, auth: ClientAuthOptions): Promise<Meeting> {
  const options: Partial<SMTPClientOptions> = { auth };
  const meeting = new Meeting(options);
  await meeting.peer.greet(`AUTH ${mechanisms}`);
  return meeting;
}
