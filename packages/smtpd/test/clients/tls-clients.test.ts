/**
 * Real clients with TLS: by STARTTLS and from the first octet, with a certificate of their own, and how each of them ends when it does
 * not believe the server's. `openssl s_client` has a file of its own.
 */

import { readFileSync } from 'node:fs';
import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';

import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { eventsOf, type KeepingServer } from '../server/support.js';
import { Certificates, type PairFiles } from '../support/certificates.js';
import { requireCommand, requireCommandFor, requirePerlModule } from '../support/component.js';
import { runSmtplib, type SmtplibRequest } from './smtplib.js';
import {
  AWKWARD_MESSAGE,
  curlArguments,
  dotStuffed,
  expectOctets,
  msmtpArguments,
  onlyMessage,
  runClient,
  startServer,
  swaksArguments,
} from './support.js';

/** How a client is to connect. */
interface Wish {
  readonly mode: 'starttls' | 'implicit';
  /** Whom it believes. */
  readonly ca: PairFiles;
  /** What it shows. */
  readonly shown?: PairFiles;
}

/** A client that sends the awkward message to a port, and says whether it believes to have done so. */
interface TLSClient {
  readonly name: string;
  readonly command?: string;
  readonly send: (port: number, wish: Wish) => Promise<{ readonly isSent: boolean; readonly said: string }>;
}

const CLIENTS: readonly TLSClient[] = [
  {
    name: 'curl',
    command: 'curl',
    async send(port, { mode, ca, shown }) {
      const url = `${mode === 'implicit' ? 'smtps' : 'smtp'}://localhost:${String(port)}/client.example`;
      const tls = ['--ssl-reqd', '--ipv4', '--cacert', ca.certFile];
      const own = shown === undefined ? [] : ['--cert', shown.certFile, '--key', shown.keyFile];
      const ended = await runClient('curl', [...curlArguments(url), ...tls, ...own], AWKWARD_MESSAGE);
      return { isSent: ended.code === 0, said: `${String(ended.code)} ${ended.stderr}` };
    },
  },
  {
    name: 'swaks',
    command: 'swaks',
    async send(port, { mode, ca, shown }) {
      const how = mode === 'implicit' ? '--tls-on-connect' : '--tls';
      const tls = [how, '--tls-verify', '--tls-ca-path', ca.certFile, '--tls-sni', 'mx.example'];
      const own = shown === undefined ? [] : ['--tls-cert', shown.certFile, '--tls-key', shown.keyFile];
      const data = ['--no-data-fixup', '--data', '-'];
      const argv = [...swaksArguments(port), '--to', 'bob@b.example', ...tls, ...own, ...data];
      const content = Buffer.concat([dotStuffed(AWKWARD_MESSAGE), Buffer.from('.')]);
      const ended = await runClient('swaks', argv, content);
      return { isSent: ended.code === 0, said: `${String(ended.code)} ${ended.stderr}` };
    },
  },
  {
    name: 'msmtp',
    command: 'msmtp',
    async send(port, { mode, ca, shown }) {
      const tls = [
        '--tls=on',
        `--tls-starttls=${mode === 'implicit' ? 'off' : 'on'}`,
        `--tls-trust-file=${ca.certFile}`,
      ];
      const own = shown === undefined ? [] : [`--tls-cert-file=${shown.certFile}`, `--tls-key-file=${shown.keyFile}`];
      const argv = [...msmtpArguments(port), '--auth=off', ...tls, ...own, '--', 'bob@b.example'];
      const ended = await runClient('msmtp', argv, AWKWARD_MESSAGE);
      return { isSent: ended.code === 0, said: `${String(ended.code)} ${ended.stderr}` };
    },
  },
  {
    name: 'smtplib',
    command: 'python3',
    async send(port, { mode, ca, shown }) {
      const own = shown === undefined ? {} : { cert: shown.certFile, key: shown.keyFile };
      const request: SmtplibRequest = { call: 'sendmail', tls: { mode, ca: ca.certFile, ...own } };
      const answer = await runSmtplib('python3', { where: port, ...request }, AWKWARD_MESSAGE);
      const said = JSON.stringify(answer);
      return { isSent: said === '{"refused":{}}', said };
    },
  },
  {
    name: 'nodemailer',
    async send(port, { mode, ca, shown }) {
      const own = shown === undefined ? {} : { cert: readFileSync(shown.certFile), key: readFileSync(shown.keyFile) };
      const client = createTransport({
        host: '127.0.0.1',
        port,
        name: 'client.example',
        ...(mode === 'implicit' ? { secure: true } : { requireTLS: true }),
        tls: { ca: readFileSync(ca.certFile), servername: 'mx.example', ...own },
      });
      try {
        const envelope = { from: 'alice@a.example', to: 'bob@b.example' };
        return { isSent: true, said: (await client.sendMail({ envelope, raw: AWKWARD_MESSAGE })).response };
      } catch (error) {
        return { isSent: false, said: String(error) };
      }
    },
  },
];

/** What each says of a certificate that it does not know. */
const UNKNOWN_CERTIFICATE: Readonly<Record<string, RegExp>> = {
  // CURLE_PEER_FAILED_VERIFICATION.
  curl: /^60 .*self-signed certificate/,
  swaks: /^29 [^]*certificate verify failed/,
  // EX_UNAVAILABLE or EX_PROTOCOL of sysexits.h.
  msmtp: /^(?:69|76) .*TLS certificate verification failed/,
  smtplib: /"SSLCertVerificationError"/,
  nodemailer: /self-signed certificate/,
};

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

describe.each(CLIENTS)('$name', ({ name, command, send }) => {
  if (command !== undefined) requireCommand(command);
  if (command === 'swaks') requirePerlModule('Net::SSLeay');

  function start(mode: Wish['mode'], more: Partial<SMTPServerOptions['tls']> = {}): Promise<KeepingServer> {
    const { keyFile, certFile } = certificates.server;
    return startServer({ tls: { mode: mode === 'implicit' ? 'implicit' : 'require', keyFile, certFile, ...more } });
  }

  it.each(['starttls', 'implicit'] as const)('sends over TLS 1.3: %s', async (mode) => {
    await using server = await start(mode);
    const { isSent, said } = await send(server.port, { mode, ca: certificates.server });
    expect(said).toSatisfy(() => isSent);
    const message = onlyMessage(server);
    expectOctets(message.data, AWKWARD_MESSAGE);
    expect(message.session.tls).toMatchObject({ version: 'TLSv1.3', peerCertificate: undefined });
  });

  it.for(['starttls', 'implicit'] as const)('shows its certificate: %s', async (mode, context) => {
    requireCommandFor(context, 'openssl');
    const { certFile: clientCAFile } = certificates.authority;
    await using server = await start(mode, { clientCertificates: 'require', clientCAFile });
    const shown = certificates.client('alice');
    const { isSent, said } = await send(server.port, { mode, ca: certificates.server, shown });
    expect(said).toSatisfy(() => isSent);
    expect(onlyMessage(server).session.tls?.peerCertificate).toMatchObject({ isVerified: true, commonName: 'alice' });
  });

  it.each(['starttls', 'implicit'] as const)('does not send to whom it does not know: %s', async (mode) => {
    await using server = await start(mode);
    const commands = eventsOf(server, 'command');
    const { isSent, said } = await send(server.port, { mode, ca: certificates.other });
    expect(said).toMatch(UNKNOWN_CERTIFICATE[name]!);
    expect(isSent).toBe(false);
    expect(commands.map(({ verb }) => verb)).toEqual(mode === 'implicit' ? [] : ['EHLO', 'STARTTLS']);
    expect(server.log.errors).toEqual([]);
  });

  it('does not send in clear where STARTTLS is not offered', async () => {
    await using server = await startServer();
    const { isSent, said } = await send(server.port, { mode: 'starttls', ca: certificates.server });
    expect(said).toMatch(/TLS/i);
    expect(isSent).toBe(false);
    expect(server.messages).toEqual([]);
  });
});

describe('swaks over TLS', () => {
  const swaks = requireCommand('swaks');
  requirePerlModule('Net::SSLeay');

  it('sends its commands as one group with --pipeline', async () => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startServer({ tls: { mode: 'require', keyFile, certFile } });
    const to = 'bob@b.example,nobody@refused.example,carol@c.example';
    const data = Buffer.concat([dotStuffed(AWKWARD_MESSAGE), Buffer.from('.')]);
    const argv = [...swaksArguments(server.port), '--to', to, '--tls', '--pipeline', '--no-data-fixup', '--data', '-'];
    const { stdout } = await runClient(swaks, argv, data);
    // After ~ everything is on TLS.
    expect(stdout).toContain(
      [
        ' ~> MAIL FROM:<alice@a.example>',
        ' ~> RCPT TO:<bob@b.example>',
        ' ~> RCPT TO:<nobody@refused.example>',
        ' ~> RCPT TO:<carol@c.example>',
        ' ~> DATA',
        '<~  250 2.1.0 OK',
      ].join('\n'),
    );
    const message = onlyMessage(server);
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it.each(['tlsv1', 'tlsv1_1'])('comes to nothing with %s', async (version) => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startServer({ tls: { mode: 'implicit', keyFile, certFile } });
    const old = ['--tls-on-connect', '--tls-protocol', version, '--tls-cipher', 'ALL:@SECLEVEL=0'];
    const ended = await runClient(swaks, [...swaksArguments(server.port), '--to', 'bob@b.example', ...old]);
    expect(ended.code).toBe(29);
    expect(ended.stderr).toContain('tlsv1 alert protocol version');
    expect(server.messages).toEqual([]);
  });
});

describe('swaks with XCLIENT', () => {
  const swaks = requireCommand('swaks');
  requirePerlModule('Net::SSLeay');

  it('says for whom it comes, and the session is that client’s', async () => {
    await using server = await startServer({ xclient: 'loopback' });
    const attributes = 'ADDR=192.0.2.7 PORT=4711 NAME=spike.example HELO=spike.example PROTO=ESMTP LOGIN=alice';
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--xclient', attributes];
    expect(await runClient(swaks, argv)).toMatchObject({ code: 0 });
    const { session, peer } = onlyMessage(server);
    expect(peer).toEqual({ address: '192.0.2.7', port: 4711, family: 'IPv4' });
    expect(session.peer).toEqual(peer);
    expect(session.identity).toMatchObject({ user: 'alice', mechanism: 'XCLIENT' });
    expect(Object.fromEntries(session.forwarded!)).toMatchObject({ NAME: 'spike.example', HELO: 'spike.example' });
  });

  it('says it with an option for each attribute', async () => {
    await using server = await startServer({ xclient: 'loopback' });
    const attributes = ['--xclient-addr', 'IPV6:2001:db8::7', '--xclient-name', '[UNAVAILABLE]'];
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', ...attributes];
    expect(await runClient(swaks, argv)).toMatchObject({ code: 0 });
    const { session } = onlyMessage(server);
    expect(session.peer).toEqual({ address: '2001:db8::7', port: 0, family: 'IPv6' });
    expect(session.forwarded?.get('NAME')).toBeUndefined();
  });

  it('is not offered it from elsewhere', async () => {
    await using server = await startServer({ xclient: '192.0.2.0/24' });
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--xclient', 'ADDR=192.0.2.7'];
    const { code, stderr } = await runClient(swaks, argv);
    expect(code).toBe(33);
    expect(stderr).toContain('Host did not advertise XCLIENT');
    expect(server.messages).toEqual([]);
  });
});
