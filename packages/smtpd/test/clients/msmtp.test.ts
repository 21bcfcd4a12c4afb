/** `msmtp`, which stands in for `sendmail` on many machines. */

import { describe, expect, it } from 'vitest';

import { requireCommand } from '../support/component.js';
import {
  AWKWARD_MESSAGE,
  EIGHT_BIT_MESSAGE,
  expectOctets,
  onlyMessage,
  runClient,
  startServer,
  withUnixLineEnds,
} from './support.js';

describe('msmtp', () => {
  const msmtp = requireCommand('msmtp');

  /** With `--host`, it reads no settings of the user. */
  function msmtpArguments(port: number): string[] {
    const host = ['--host=127.0.0.1', `--port=${String(port)}`, '--domain=client.example'];
    return [...host, '--tls=off', '--auth=off', '--timeout=15', '--from=alice@a.example'];
  }

  it.each([
    ['CRLF', (content: Buffer) => content],
    ['line feeds', withUnixLineEnds],
  ])('sends lines that end in %s', async (_, convert) => {
    await using server = await startServer();
    const argv = [...msmtpArguments(server.port), '--', 'bob@b.example', 'carol@c.example'];
    const ended = await runClient(msmtp, argv, convert(AWKWARD_MESSAGE));
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('alice@a.example');
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('sends every octet', async () => {
    await using server = await startServer();
    const argv = [...msmtpArguments(server.port), '--', 'bob@b.example'];
    const ended = await runClient(msmtp, argv, withUnixLineEnds(EIGHT_BIT_MESSAGE));
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    expectOctets(onlyMessage(server).data, EIGHT_BIT_MESSAGE);
  });

  it('sends to the recipients of the header with -t, and takes off Bcc', async () => {
    await using server = await startServer();
    const content = Buffer.concat([Buffer.from('Bcc: carol@c.example\r\n'), AWKWARD_MESSAGE]);
    const ended = await runClient(msmtp, [...msmtpArguments(server.port), '-t'], withUnixLineEnds(content));
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const message = onlyMessage(server);
    expect(message.rcptTos).toEqual(['carol@c.example', 'bob@b.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('shows what the server said of a refused recipient, and sends to nobody', async () => {
    await using server = await startServer();
    const argv = [...msmtpArguments(server.port), '--', 'bob@b.example', 'nobody@refused.example'];
    const { code, stderr } = await runClient(msmtp, argv, AWKWARD_MESSAGE);
    // EX_DATAERR of sysexits.h.
    expect(code).toBe(65);
    expect(stderr).toContain('server message: 550 5.1.1 No such mailbox\n');
    expect(server.messages).toEqual([]);
  });
});
