/** `curl` with `smtp://`, which shell scripts and everything with libcurl send with. */

import { describe, expect, it } from 'vitest';

import { requireCommand } from '../support/component.js';
import {
  AWKWARD_MESSAGE,
  EIGHT_BIT_MESSAGE,
  expectOctets,
  onlyMessage,
  runClient,
  startServer,
  TemporaryFile,
  withUnixLineEnds,
} from './support.js';

describe('curl', () => {
  const curl = requireCommand('curl');

  /** The options that every call has: quiet except for errors, no settings of the user, no proxy. */
  function curlArguments(host: string, port: number, recipients: readonly string[]): string[] {
    const url = `smtp://${host}:${String(port)}/client.example`;
    const to = recipients.flatMap((recipient) => ['--mail-rcpt', recipient]);
    return ['--disable', '--silent', '--show-error', '--noproxy', '*', url, '--mail-from', 'alice@a.example', ...to];
  }

  it('uploads a file, every octet, and declares its size', async () => {
    await using server = await startServer();
    using file = new TemporaryFile(EIGHT_BIT_MESSAGE);
    const argv = curlArguments('127.0.0.1', server.port, ['bob@b.example', 'carol@c.example']);
    const ended = await runClient(curl, [...argv, '--upload-file', file.path]);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('alice@a.example');
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expect(message.mailOptions).toEqual([`SIZE=${String(EIGHT_BIT_MESSAGE.length)}`]);
    expectOctets(message.data, EIGHT_BIT_MESSAGE);
  });

  it('uploads what it reads from standard input, dots first of all, over IPv6', async () => {
    await using server = await startServer({ localAddress: '[::1]:0' });
    const content = Buffer.concat([Buffer.from('.dot\r\n.\r\n'), AWKWARD_MESSAGE]);
    const argv = curlArguments('[::1]', server.port, ['bob@b.example']);
    const ended = await runClient(curl, [...argv, '--upload-file', '-'], content);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const message = onlyMessage(server);
    expect(message.peer.address).toBe('::1');
    expect(message.mailOptions).toEqual([]);
    expectOctets(message.data, content);
  });

  it('makes CRLF of line feeds with --crlf', async () => {
    await using server = await startServer();
    const argv = curlArguments('127.0.0.1', server.port, ['bob@b.example']);
    const content = withUnixLineEnds(AWKWARD_MESSAGE);
    const ended = await runClient(curl, [...argv, '--crlf', '--upload-file', '-'], content);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    expectOctets(onlyMessage(server).data, AWKWARD_MESSAGE);
  });

  it('is told of line feeds that it sends bare', async () => {
    await using server = await startServer();
    const argv = curlArguments('127.0.0.1', server.port, ['bob@b.example']);
    const content = withUnixLineEnds(AWKWARD_MESSAGE);
    const ended = await runClient(curl, [...argv, '--verbose', '--upload-file', '-'], content);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('\n< 550 5.6.11 ');
    expect(server.messages).toEqual([]);
  });

  it('fails with the code of a refused recipient', async () => {
    await using server = await startServer();
    const argv = curlArguments('127.0.0.1', server.port, ['bob@b.example', 'nobody@refused.example']);
    const ended = await runClient(curl, [...argv, '--upload-file', '-'], AWKWARD_MESSAGE);
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('550');
    expect(server.messages).toEqual([]);
  });

  it('sends to the others with --mail-rcpt-allowfails', async () => {
    await using server = await startServer();
    const argv = curlArguments('127.0.0.1', server.port, ['nobody@refused.example', 'bob@b.example']);
    const ended = await runClient(curl, [...argv, '--mail-rcpt-allowfails', '--upload-file', '-'], AWKWARD_MESSAGE);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    const message = onlyMessage(server);
    expect(message.rcptTos).toEqual(['bob@b.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });
});
