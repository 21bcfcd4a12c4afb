/** HAProxy in front, which tells with a PROXY header whose connection it passes on. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';

import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { eventsOf, until, type KeepingServer } from '../server/support.js';
import { Certificates } from '../support/certificates.js';
import { requireCommand, requirePerlModule } from '../support/component.js';
import { freePort } from '../support/free-port.js';
import { startHAProxy } from '../support/haproxy-instance.js';
import { RawClient } from '../support/raw-client.js';
import { AWKWARD_MESSAGE, expectOctets, onlyMessage, runClient, startServer, swaksArguments } from './support.js';

describe('HAProxy', () => {
  requireCommand('haproxy');
  const swaks = requireCommand('swaks');
  requirePerlModule('Net::SSLeay');

  const certificates = new Certificates();
  afterAll(() => {
    certificates[Symbol.dispose]();
  });

  /** A server that hears whose connection it is. */
  function startBehind(options: SMTPServerOptions = {}): Promise<KeepingServer> {
    return startServer({ proxyProtocol: 'loopback', ...options });
  }

  it.each([
    ['version 1', 'send-proxy'],
    ['version 2', 'send-proxy-v2'],
  ])('tells with a header of %s whose connection it is, in IPv4 and IPv6', async (_, option) => {
    await using server = await startBehind();
    await using haproxy = await startHAProxy({ smtp: { to: server.port, server: option } });
    const port = haproxy.port('smtp');
    const connected = eventsOf(server, 'connect');
    for (const [host, family] of [
      ['127.0.0.1', 'IPv4'],
      ['::1', 'IPv6'],
    ] as const) {
      const client = connect(port, host);
      const [greeting] = (await once(client, 'data')) as [Buffer];
      expect(greeting.toString()).toMatch(/^220 mx\.example /);
      const { session } = connected.at(-1)!;
      expect(session.peer).toEqual({ address: host, port: client.localPort, family });
      expect(session.local).toEqual({ address: host, port, family });
      expect(session.proxy).toMatchObject({ command: 'proxy', source: session.peer, destination: session.local });
      client.end('QUIT\r\n').resume();
      await once(client, 'close');
    }
    expect(server.log.errors).toEqual([]);
  });

  it('counts for the client behind it, and not for itself, who may say XCLIENT', async () => {
    await using server = await startBehind({ xclient: '127.0.0.1', proxyProtocol: '127.0.0.1' });
    await using haproxy = await startHAProxy({ smtp: { to: server.port, server: 'send-proxy-v2' } });
    const port = haproxy.port('smtp');
    const offers: boolean[] = [];
    for (const host of ['127.0.0.1', '::1']) {
      const client = await RawClient.connect(port, host);
      await client.reply();
      offers.push((await client.command('EHLO client.example')).lines.some((line) => line.startsWith('XCLIENT')));
      client.destroy();
    }
    expect(offers).toEqual([true, false]);
  });

  it('tells of the TLS that it ends, of the certificate that the client showed, and how it calls the connection', async () => {
    await using server = await startBehind();
    const { certFile: authority } = certificates.authority;
    await using haproxy = await startHAProxy({
      smtps: {
        bind: `ssl crt ${certificates.bundle(certificates.server)} ca-file ${authority} verify optional`,
        to: server.port,
        server: 'send-proxy-v2-ssl-cn proxy-v2-options ssl,cert-cn,ssl-cipher,unique-id,authority,crc32c',
        lines: ['unique-id-format %ci-%cp'],
      },
    });
    const alice = certificates.client('alice');
    const tls = ['--tls-on-connect', '--tls-verify', '--tls-ca-path', certificates.server.certFile];
    const sni = ['--tls-sni', 'mx.example', '--tls-protocol', 'tlsv1_2'];
    const certificate = ['--tls-cert', alice.certFile, '--tls-key', alice.keyFile];
    for (const more of [certificate, []]) {
      const argv = [...swaksArguments(haproxy.port('smtps')), '--to', 'bob@b.example', ...tls, ...sni, ...more];
      expect(await runClient(swaks, argv)).toMatchObject({ code: 0 });
    }
    const [withCertificate, without] = server.messages.map(({ session }) => session);
    expect(withCertificate?.proxy?.tls).toEqual({
      version: 'TLSv1.2',
      cipher: 'ECDHE-ECDSA-AES256-GCM-SHA384',
      commonName: 'alice',
      hasClientCertificate: true,
      isClientCertificateVerified: true,
      tlvs: [],
    });
    const { address, port } = withCertificate!.peer;
    expect(Buffer.from(withCertificate!.proxy!.uniqueId!).toString()).toBe(`${address}-${String(port)}`);
    expect(withCertificate?.proxy?.authority).toBe('mx.example');
    expect(without?.proxy?.tls).toMatchObject({ hasClientCertificate: false, isClientCertificateVerified: false });
    // Between the proxy and us there is none.
    expect(withCertificate?.tls).toBeUndefined();
  });

  it('passes TLS on that begins with the first octet, header and ClientHello in one', async () => {
    const { keyFile, certFile, cert } = certificates.server;
    await using server = await startBehind({ tls: { mode: 'implicit', keyFile, certFile } });
    await using haproxy = await startHAProxy({
      smtps: {
        to: server.port,
        server: 'send-proxy-v2',
        // It connects to us when it has the ClientHello, and sends both at once.
        lines: ['tcp-request inspect-delay 10s', 'tcp-request content accept if { req.ssl_hello_type 1 }'],
      },
    });
    const client = createTransport({
      host: '127.0.0.1',
      port: haproxy.port('smtps'),
      name: 'client.example',
      secure: true,
      tls: { ca: cert, servername: 'mx.example' },
    });
    await client.sendMail({ envelope: { from: 'alice@a.example', to: 'bob@b.example' }, raw: AWKWARD_MESSAGE });
    const message = onlyMessage(server);
    expectOctets(message.data, AWKWARD_MESSAGE);
    expect(message.session.tls).toMatchObject({ version: 'TLSv1.3', serverName: 'mx.example' });
    expect(message.session.proxy).toMatchObject({ command: 'proxy', source: { address: '127.0.0.1' } });
  });

  it('passes STARTTLS on', async () => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startBehind({ tls: { mode: 'require', keyFile, certFile } });
    await using haproxy = await startHAProxy({ smtp: { to: server.port, server: 'send-proxy-v2' } });
    const argv = [...swaksArguments(haproxy.port('smtp')), '--to', 'bob@b.example', '--tls'];
    expect(await runClient(swaks, argv)).toMatchObject({ code: 0 });
    const { session } = onlyMessage(server);
    expect(session.tls?.version).toBe('TLSv1.3');
    expect(session.proxy?.source).toEqual(session.peer);
  });

  it('sees with its checks that the server is there, and does no harm with them', async () => {
    const port = await freePort();
    await using haproxy = await startHAProxy({
      smtp: { to: port, server: CHECKED, lines: ['option smtpchk EHLO haproxy.example'] },
      connect: { to: port, server: CHECKED },
    });
    await haproxy.log.line(/^Server smtp\/smtpd is DOWN/);
    await haproxy.log.line(/^Server connect\/smtpd is DOWN/);
    await using server = await startBehind({ localAddress: `127.0.0.1:${String(port)}` });
    const sessions = eventsOf(server, 'connect');
    const ended = eventsOf(server, 'disconnect');
    const faults = eventsOf(server, 'fault');
    await haproxy.log.line(/Server smtp\/smtpd is UP, reason: Layer7 check passed/);
    await haproxy.log.line(/Server connect\/smtpd is UP, reason: Layer4 check passed/);
    await until(() => ended.length >= 10);
    // Nothing was wrong with it in between.
    expect(haproxy.log.matching(/^Server .* is DOWN/)).toHaveLength(2);
    // It speaks for itself.
    for (const { session } of sessions) expect(session.proxy?.command).toBe('local');
    const client = await RawClient.connect(haproxy.port('smtp'));
    expect((await client.reply()).code).toBe(220);
    client.destroy();
    expect(faults).toEqual([]);
    expect(server.log.errors).toEqual([]);
    expect(server.log.lines.filter(({ level }) => level === 'warn')).toEqual([]);
  });

  it('is not believed when it does not say whose connection it is, and neither is anybody who comes past it', async () => {
    await using server = await startBehind();
    await using haproxy = await startHAProxy({ smtp: { to: server.port, server: '' } });
    for (const port of [haproxy.port('smtp'), server.port]) {
      const client = await RawClient.connect(port);
      client.send('EHLO client.example\r\n');
      expect(await client.closed()).toEqual([]);
      expect(client.unread).toBe('');
    }
    expect(server.log.lines.map(({ level }) => level)).toEqual(['warn', 'warn']);
    expect(server.messages).toEqual([]);
  });
});

const CHECKED = 'send-proxy-v2 check inter 20ms fall 1 rise 2';
