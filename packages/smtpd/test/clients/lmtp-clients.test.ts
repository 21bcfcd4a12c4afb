/** Real clients of LMTP (RFC 2033), where the message has a reply for each recipient. `lmtp(8)` of Postfix has a file of its own. */

import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { describe, expect, it } from 'vitest';

import { Reply } from '../../src/protocol/reply.js';
import { eventsOf, type KeepingServer } from '../server/support.js';
import { requireCommand } from '../support/component.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { runSmtplib } from './smtplib.js';
import {
  AWKWARD_MESSAGE,
  dotStuffed,
  expectOctets,
  msmtpArguments,
  runClient,
  startServer,
  swaksArguments,
} from './support.js';

/** Bob has the message, Carol will never have it, Dan maybe later; nobody@refused.example was refused before. */
const RECIPIENTS = ['bob@b.example', 'carol@c.example', 'nobody@refused.example', 'dan@d.example'];

async function startLMTP(localAddress = '127.0.0.1:0'): Promise<KeepingServer> {
  const server = await startServer({ protocol: 'lmtp', localAddress });
  return server.use({
    name: 'mailboxes',
    message: () =>
      new Map([
        ['carol@c.example', new Reply(552, '5.2.2', 'Mailbox is full')],
        ['dan@d.example', new Reply(451, '4.2.0', 'Mailbox is busy')],
      ]),
  });
}

/** What was sent came, for all that were not refused. */
function expectMessage(server: KeepingServer): void {
  expect(server.log.errors).toEqual([]);
  const [message] = server.messages;
  expect(message?.rcptTos).toEqual(RECIPIENTS.filter((address) => !address.includes('refused')));
  expectOctets(message!.data, AWKWARD_MESSAGE);
}

describe('smtplib.LMTP', () => {
  const python = requireCommand('python3');

  it.each(['TCP', 'a Unix socket'])('reads a reply for each recipient, over %s', async (way) => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'lmtp.sock');
    await using server = await startLMTP(way === 'TCP' ? undefined : path);
    const commands = eventsOf(server, 'command');
    const where = way === 'TCP' ? server.port : path;
    expect(await runSmtplib(python, { where, call: 'lmtp', to: RECIPIENTS }, AWKWARD_MESSAGE)).toEqual({
      replies: [
        [250, expect.stringMatching(/^2\.0\.0 /)],
        [552, '5.2.2 Mailbox is full'],
        [451, '4.2.0 Mailbox is busy'],
      ],
    });
    expect(commands[0]).toMatchObject({ verb: 'LHLO', argument: 'client.example' });
    expectMessage(server);
    expect(server.messages[0]?.peer.family).toBe(way === 'TCP' ? 'IPv4' : 'unix');
  });
});

describe('swaks', () => {
  const swaks = requireCommand('swaks');

  it.each(['TCP', 'a Unix socket'])('reads a reply for each recipient, over %s', async (way) => {
    using folder = new TemporaryFolder();
    const path = join(folder.path, 'lmtp.sock');
    await using server = await startLMTP(way === 'TCP' ? undefined : path);
    const usual = ['--config', '--helo', 'client.example', '--from', 'alice@a.example'];
    const argv = way === 'TCP' ? swaksArguments(server.port) : [...usual, '--socket', path];
    const data = Buffer.concat([dotStuffed(AWKWARD_MESSAGE), Buffer.from('.')]);
    const more = ['--protocol', 'LMTP', '--to', RECIPIENTS.join(','), '--no-data-fixup', '--data', '-'];
    const { stdout } = await runClient(swaks, [...argv, ...more], data);
    expect(stdout).toContain(' -> LHLO client.example\n');
    expect(stdout).toMatch(
      / -> \.\n<- {2}250 2\.0\.0 .*\n<\*\* 552 5\.2\.2 Mailbox is full\n<\*\* 451 4\.2\.0 Mailbox is busy\n -> QUIT\n/,
    );
    expectMessage(server);
  });
});

describe('msmtp', () => {
  const msmtp = requireCommand('msmtp');

  it('fails with what it heard of the recipients that did not get the message', async () => {
    await using server = await startLMTP();
    const to = RECIPIENTS.filter((address) => !address.includes('refused'));
    const argv = [...msmtpArguments(server.port), '--protocol=lmtp', '--tls=off', '--auth=off', '--', ...to];
    const { code, stderr } = await runClient(msmtp, argv, AWKWARD_MESSAGE);
    expect(code).not.toBe(0);
    expect(stderr).toContain('552 5.2.2 Mailbox is full');
    expectMessage(server);
  });
});

describe('nodemailer', () => {
  it('tells which recipients did not get the message', async () => {
    await using server = await startLMTP();
    const client = createTransport({ host: '127.0.0.1', port: server.port, name: 'client.example', lmtp: true });
    const envelope = { from: 'alice@a.example', to: RECIPIENTS };
    const info = await client.sendMail({ envelope, raw: AWKWARD_MESSAGE });
    expect(info.accepted).toEqual(['bob@b.example']);
    expect(info.rejected).toEqual(['nobody@refused.example', 'carol@c.example', 'dan@d.example']);
    expect(info.rejectedErrors?.map(({ responseCode }) => responseCode)).toEqual([550, 552, 451]);
    expectMessage(server);
  });
});
