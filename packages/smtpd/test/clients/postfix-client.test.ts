/**
 * Postfix as a client: `smtp(8)`, which much of the mail of the world comes from, and `lmtp(8)`. Everything that it could use is
 * offered to it; what it makes of that stands in the commands that came.
 */

import { createTransport, type SMTPEnvelopeDsn } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';

import { dsn, dsnOf } from '../../src/protocol/extensions/dsn.js';
import { Reply } from '../../src/protocol/reply.js';
import type { ReceivedMessage } from '../../src/server/received-message.js';
import { eventsOf, type KeepingServer } from '../server/support.js';
import { Certificates } from '../support/certificates.js';
import { requirePostfix } from '../support/component.js';
import { startPostfix } from '../support/postfix-instance.js';
import {
  AWKWARD_MESSAGE,
  EIGHT_BIT_MESSAGE,
  expectOctets,
  onlyMessage,
  startServer,
  withUnixLineEnds,
} from './support.js';

describe('Postfix', () => {
  requirePostfix();

  const certificates = new Certificates();
  afterAll(() => {
    certificates[Symbol.dispose]();
  });

  /** Sends everything to the server. */
  function relayTo({ port }: KeepingServer): Record<string, string> {
    return { relayhost: `[127.0.0.1]:${String(port)}` };
  }

  it('sends its envelope as one group, and takes the refusal of one recipient for that one', async () => {
    await using server = await startServer();
    const groups: string[][] = [];
    server.use({
      name: 'groups',
      rcptBatch: (requests) => {
        groups.push(requests.map(({ address }) => address));
        return requests.map(() => undefined);
      },
    });
    const commands = eventsOf(server, 'command');
    await using postfix = await startPostfix({ main: relayTo(server) });
    const to = ['bob@b.example', 'carol@c.example', 'nobody@refused.example'];
    await postfix.sendmail(['-G', '-f', 'alice@a.example', ...to], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(
      /to=<nobody@refused\.example>.* dsn=5\.1\.1, status=bounced \(.*: 550 5\.1\.1 No such mailbox /,
    );
    await postfix.log.line(/to=<(?:bob@b|carol@c)\.example>.* dsn=2\.0\.0, status=sent \(250 2\.0\.0 OK\)/, 2);
    // The bounce comes from the null reverse-path.
    await postfix.log.line(/to=<alice@a\.example>.* status=sent /);
    // RFC 2920: they came together. Who was refused before is not asked about again.
    expect(groups).toEqual([to.slice(0, 2), ['alice@a.example']]);
    const [message, bounce] = server.messages;
    expect(message?.mailFrom).toBe('alice@a.example');
    expect(message?.rcptTos).toEqual(to.slice(0, 2));
    expectOctets(behindReceived(message!), AWKWARD_MESSAGE);
    expect(bounce?.mailFrom).toBe('');
    expect(bounce?.rcptTos).toEqual(['alice@a.example']);
    expect(bounce?.mailOptions).toContain('BODY=8BITMIME');
    // CHUNKING was offered, and smtp(8) never says BDAT.
    const verbs = commands.map(({ verb }) => verb);
    expect(verbs.slice(0, 7)).toEqual(['EHLO', 'MAIL', 'RCPT', 'RCPT', 'RCPT', 'DATA', 'QUIT']);
    expect(verbs).not.toContain('BDAT');
  });

  it('waits for each reply where PIPELINING is not offered', async () => {
    await using server = await startServer({ disabledExtensions: ['PIPELINING'], earlyInput: 'refuse' });
    const violations = eventsOf(server, 'violation');
    await using postfix = await startPostfix({ main: relayTo(server) });
    const to = ['bob@b.example', 'carol@c.example'];
    await postfix.sendmail(['-G', '-f', 'alice@a.example', ...to], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(/ status=sent /, 2);
    expect(violations).toEqual([]);
    expect(onlyMessage(server).rcptTos).toEqual(to);
  });

  it('passes on under DSN what the sender wants to be told', async () => {
    await using server = await startServer({ extensions: [dsn()] });
    await using postfix = await startPostfix({ main: relayTo(server) });
    const envelope = { from: 'alice@a.example', to: ['bob@b.example'] };
    const wish: SMTPEnvelopeDsn = {
      id: 'Q=17+4',
      return: 'headers',
      notify: ['success', 'delay'],
      recipient: 'robert@b.example',
    };
    const client = createTransport({ host: '127.0.0.1', port: postfix.port, name: 'client.example' });
    await client.sendMail({ envelope, dsn: wish, raw: AWKWARD_MESSAGE });
    await postfix.log.line(/ status=sent /);
    const message = onlyMessage(server);
    expect(message.mailOptions).toContain('ENVID=Q+3D17+2B4');
    expect(dsnOf(message)).toEqual({
      ret: 'HDRS',
      envid: 'Q=17+4',
      recipients: [{ notify: ['SUCCESS', 'DELAY'], orcpt: { type: 'rfc822', address: 'robert@b.example' } }],
    });
  });

  it('reports the relaying itself where DSN is not offered', async () => {
    await using server = await startServer();
    await using postfix = await startPostfix({ main: relayTo(server) });
    await postfix.sendmail(
      ['-G', '-f', 'alice@a.example', '-N', 'success', 'bob@b.example'],
      withUnixLineEnds(AWKWARD_MESSAGE),
    );
    await postfix.log.line(/to=<alice@a\.example>.* status=sent /);
    const [message, report] = server.messages;
    expect(message?.rcptOptions).toEqual([[]]);
    expect(report?.mailFrom).toBe('');
    expect(Buffer.from(report!.data).toString()).toMatch(/\r\nAction: relayed\r\n/);
  });

  it('sends addresses and header fields in UTF-8 under SMTPUTF8, and every octet under 8BITMIME', async () => {
    await using server = await startServer();
    await using postfix = await startPostfix({ main: relayTo(server) });
    await postfix.sendmail(['-G', '-f', 'jürgen@a.example', '用户@b.example'], withUnixLineEnds(EIGHT_BIT_MESSAGE));
    await postfix.log.line(/to=<用户@b\.example>.* status=sent /);
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('jürgen@a.example');
    expect(message.rcptTos).toEqual(['用户@b.example']);
    expect(message.mailOptions).toEqual(expect.arrayContaining(['SMTPUTF8']));
    expectOctets(behindReceived(message), EIGHT_BIT_MESSAGE);
  });

  it('does not send such an address where SMTPUTF8 is not offered', async () => {
    await using server = await startServer({ enableSMTPUTF8: false });
    const commands = eventsOf(server, 'command');
    // Postfix writes its log before it says goodbye.
    const left = new Promise((resolve) => server.on('disconnect', resolve));
    await using postfix = await startPostfix({ main: relayTo(server) });
    await postfix.sendmail(['-G', '-f', 'alice@a.example', '用户@b.example'], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(/to=<用户@b\.example>.* status=bounced \(SMTPUTF8 is required, but was not offered /);
    await left;
    expect(commands.map(({ verb }) => verb).slice(0, 2)).toEqual(['EHLO', 'QUIT']);
  });

  it.each(['encrypt', 'verify'])('says STARTTLS at the level %s, and everything again after it', async (level) => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startServer({ tls: { mode: 'require', keyFile, certFile } });
    const commands = eventsOf(server, 'command');
    const main = {
      ...relayTo(server),
      ...VERIFYING,
      smtp_tls_security_level: level,
      smtp_tls_CAfile: certFile,
      smtp_tls_servername: 'mx.example',
    };
    await using postfix = await startPostfix({ main });
    await postfix.sendmail(['-G', '-f', 'alice@a.example', 'bob@b.example'], withUnixLineEnds(AWKWARD_MESSAGE));
    const trust = level === 'verify' ? 'Verified' : 'Trusted';
    await postfix.log.line(
      new RegExp(` ${trust} TLS connection established to 127\\.0\\.0\\.1.*: TLSv1\\.3 with cipher`),
    );
    await postfix.log.line(/ status=sent /);
    const { session } = onlyMessage(server);
    expect(session.tls).toMatchObject({ version: 'TLSv1.3', serverName: 'mx.example', peerCertificate: undefined });
    expect(commands.map(({ verb }) => verb)).toEqual(['EHLO', 'STARTTLS', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'QUIT']);
  });

  it('keeps the mail when it does not know who signed the certificate', async () => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startServer({ tls: { mode: 'require', keyFile, certFile } });
    const commands = eventsOf(server, 'command');
    const main = {
      ...relayTo(server),
      ...VERIFYING,
      smtp_tls_security_level: 'verify',
      smtp_tls_CAfile: certificates.other.certFile,
    };
    await using postfix = await startPostfix({ main });
    await postfix.sendmail(['-G', '-f', 'alice@a.example', 'bob@b.example'], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(/ dsn=4\.7\.5, status=deferred \(Server certificate not verified\)/);
    expect(server.log.errors).toEqual([]);
    expect(commands.map(({ verb }) => verb)).not.toContain('MAIL');
  });

  it('shows the certificate that it has, on TLS from the first octet, too', async () => {
    const { keyFile, certFile } = certificates.server;
    await using server = await startServer({
      tls: {
        mode: 'implicit',
        keyFile,
        certFile,
        clientCertificates: 'require',
        clientCAFile: certificates.authority.certFile,
      },
    });
    const relay = certificates.client('relay');
    const main = {
      ...relayTo(server),
      ...VERIFYING,
      smtp_tls_security_level: 'verify',
      smtp_tls_wrappermode: 'yes',
      smtp_tls_CAfile: certFile,
      smtp_tls_cert_file: relay.certFile,
      smtp_tls_key_file: relay.keyFile,
    };
    await using postfix = await startPostfix({ main });
    await postfix.sendmail(['-G', '-f', 'alice@a.example', 'bob@b.example'], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(/ status=sent /);
    expect(onlyMessage(server).session.tls?.peerCertificate).toMatchObject({ isVerified: true, commonName: 'relay' });
  });

  it('tells with XFORWARD for whom it sends', async () => {
    await using server = await startServer({ xforward: 'loopback' });
    const main = { ...relayTo(server), smtp_send_xforward_command: 'yes' };
    await using postfix = await startPostfix({ main });
    const client = createTransport({ host: '127.0.0.1', port: postfix.port, name: 'client.example' });
    await client.sendMail({ envelope: { from: 'alice@a.example', to: ['bob@b.example'] }, raw: AWKWARD_MESSAGE });
    await postfix.log.line(/ status=sent /);
    expect(Object.fromEntries(onlyMessage(server).session.forwarded ?? [])).toMatchObject({
      ADDR: '127.0.0.1',
      HELO: 'client.example',
      PROTO: 'ESMTP',
      SOURCE: 'LOCAL',
    });
  });

  it('takes the reply of lmtp(8) for each recipient: one has it, one never will, one later', async () => {
    await using server = await startServer({ protocol: 'lmtp' });
    const commands = eventsOf(server, 'command');
    server.use({
      name: 'mailboxes',
      message: () =>
        new Map([
          ['carol@c.example', new Reply(552, '5.2.2', 'Mailbox is full')],
          ['dan@d.example', new Reply(451, '4.2.0', 'Mailbox is busy')],
        ]),
    });
    const main = {
      default_transport: `lmtp:inet:127.0.0.1:${String(server.port)}`,
      lmtp_destination_recipient_limit: '50',
    };
    await using postfix = await startPostfix({ main });
    const to = ['bob@b.example', 'carol@c.example', 'dan@d.example'];
    await postfix.sendmail(['-G', '-f', 'alice@a.example', ...to], withUnixLineEnds(AWKWARD_MESSAGE));
    await postfix.log.line(/to=<bob@b\.example>.* status=sent \(250 2\.0\.0 /);
    await postfix.log.line(/to=<carol@c\.example>.* dsn=5\.2\.2, status=bounced \(.*: 552 5\.2\.2 Mailbox is full /);
    await postfix.log.line(/to=<dan@d\.example>.* dsn=4\.2\.0, status=deferred \(.*: 451 4\.2\.0 Mailbox is busy /);
    expect(commands[0]).toMatchObject({ verb: 'LHLO', argument: 'relay.example' });
    expect(server.messages[0]?.rcptTos).toEqual(to);
  });
});

/** What was sent, without the fields that Postfix has put on top. */
function behindReceived({ data }: ReceivedMessage): Uint8Array {
  return data.subarray(Buffer.from(data).indexOf('From: '));
}

/** The certificate has to have this name, whatever the address is, and what was made of it is logged. */
const VERIFYING = { smtp_tls_verify_cert_match: 'mx.example', smtp_tls_loglevel: '1' };
