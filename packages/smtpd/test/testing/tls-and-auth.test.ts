/** Test servers with TLS and AUTH, and faults there, seen by a real mail library. */

import { createTransport } from 'nodemailer';
import { afterEach, describe, expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { drop, startTestServer, type TestServer, type TestServerOptions } from '../../src/testing/index.js';

const { key, cert } = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date() });
const toClose: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close();
});

async function start(options: TestServerOptions): Promise<TestServer> {
  const smtp = await startTestServer(options);
  toClose.push(() => smtp.close());
  smtp.server.use({
    name: 'users',
    auth: (request) => (request.kind === 'password' && request.password === 'right' ? { verified: true } : undefined),
  });
  return smtp;
}

/** Sends one message. @returns the error, or `undefined` */
async function send(
  smtp: TestServer,
  options: object = {},
): Promise<{ code?: string; responseCode?: number } | undefined> {
  const transport = createTransport({
    url: smtp.url,
    tls: { ca: cert, servername: 'localhost' },
    ...options,
  } as Parameters<typeof createTransport>[0]);
  try {
    await transport.sendMail({ from: 'a@a.example', to: 'b@b.example', subject: 'Hi', text: 'Hello' });
    return undefined;
  } catch (error) {
    return error as { code?: string; responseCode?: number };
  } finally {
    transport.close();
  }
}

describe('a test server with TLS', () => {
  it('takes a message over STARTTLS, and tells how it came', async () => {
    const smtp = await start({ tls: { mode: 'require', key, cert } });
    expect(await send(smtp, { requireTLS: true })).toBeUndefined();
    const message = await smtp.waitForMessage({ to: 'b@b.example' });
    expect(message.session.info.tls?.version).toMatch(/^TLSv1\.[23]$/);
    expect(String(message.session)).toContain('C: STARTTLS');
  });

  it('has an smtps address where TLS comes first', async () => {
    const smtp = await start({ tls: { mode: 'implicit', key, cert } });
    expect(smtp.url).toBe(`smtps://127.0.0.1:${String(smtp.port)}`);
    expect(await send(smtp)).toBeUndefined();
    expect(smtp.messages).toHaveLength(1);
  });

  it('refuses STARTTLS when the test says so, once', async () => {
    const smtp = await start({ tls: { mode: 'offer', key, cert } });
    const fault = smtp.next('starttls', '454 4.7.0 TLS not available');
    expect(await send(smtp, { requireTLS: true })).toMatchObject({ code: 'ETLS' });
    expect(fault.hits).toBe(1);
    expect(await send(smtp, { requireTLS: true })).toBeUndefined();
  });

  it('accepts STARTTLS and is gone before the handshake when the test says so', async () => {
    const smtp = await start({ tls: { mode: 'offer', key, cert } });
    smtp.next('starttls', drop({ at: 'afterReply' }));
    expect(await send(smtp, { requireTLS: true })).toBeDefined();
    expect(smtp.messages).toEqual([]);
    expect(String(smtp.sessions[0])).toContain('S: 220 2.0.0 Ready to start TLS');
    expect(String(smtp.sessions[0])).toContain('dropped, as the test says');
  });

  it('breaks a message in the middle also over TLS', async () => {
    const smtp = await start({ tls: { mode: 'require', key, cert } });
    smtp.next('data', drop({ at: 'inContent', afterBytes: 10 }));
    expect(await send(smtp, { requireTLS: true })).toBeDefined();
    expect(smtp.messages).toEqual([]);
  });
});

describe('a test server with AUTH', () => {
  const auth = { mode: 'require', plaintext: 'always' } as const;

  it('takes the right password and no other, and tells who it was', async () => {
    const smtp = await start({ auth, limits: { authFailureDelayMs: 1 } });
    expect(await send(smtp, { auth: { user: 'alice', pass: 'wrong' } })).toMatchObject({
      code: 'EAUTH',
      responseCode: 535,
    });
    expect(await send(smtp, { auth: { user: 'alice', pass: 'right' } })).toBeUndefined();
    expect(smtp.messages[0]!.session.info.identity).toMatchObject({ user: 'alice', mechanism: 'PLAIN' });
  });

  it('shows no password in its transcript', async () => {
    const smtp = await start({ auth });
    await send(smtp, { auth: { user: 'alice', pass: 'right' } });
    const transcript = String(smtp.sessions[0]);
    expect(transcript).toContain('C: AUTH PLAIN ***');
    expect(transcript).not.toContain(Buffer.from('\0alice\0right').toString('base64'));
  });

  it('refuses credentials when the test says so, whatever the hook would say', async () => {
    const smtp = await start({ auth, limits: { authFailureDelayMs: 1 } });
    smtp.next('auth', '454 4.7.0 Try later');
    expect(await send(smtp, { auth: { user: 'alice', pass: 'right' } })).toMatchObject({ responseCode: 454 });
    expect(await send(smtp, { auth: { user: 'alice', pass: 'right' } })).toBeUndefined();
  });

  it('cannot be scripted to let somebody in', async () => {
    const smtp = await start({ auth });
    expect(() => smtp.next('auth', 235)).toThrow('A reply at auth refuses');
    expect(() => smtp.next('starttls', '220 2.0.0 Go')).toThrow('A reply at starttls refuses');
  });
});
