/** Postfix's load generator, `smtp-source`: many sessions at a time, each with one message after the other. */

import { describe, expect, it } from 'vitest';

import { eventsOf } from '../server/support.js';
import { requireCommand } from '../support/component.js';
import { AWKWARD_MESSAGE, expectOctets, runClient, startServer, TemporaryFile, withUnixLineEnds } from './support.js';

describe('smtp-source', () => {
  const smtpSource = requireCommand('smtp-source');

  const NAMES = ['-M', 'client.example', '-f', 'alice@a.example', '-t', 'bob@b.example'];

  it('sends 1,000 messages over 20 connections, and each arrives once, unchanged', async () => {
    await using server = await startServer();
    const sessions = eventsOf(server, 'connect');
    using file = new TemporaryFile(withUnixLineEnds(AWKWARD_MESSAGE));
    // With -N, each recipient has a number of its own.
    const load = ['-s', '20', '-m', '1000', '-d', '-N', '-F', file.path];
    const ended = await runClient(smtpSource, [...load, ...NAMES, `inet:127.0.0.1:${String(server.port)}`]);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(server.log.errors).toEqual([]);
    expect(sessions).toHaveLength(20);
    expect(server.messages).toHaveLength(1000);
    expect(new Set(server.messages.map(({ session }) => session.id)).size).toBe(20);
    const recipients = Array.from({ length: 1000 }, (_, index) => `${String(index + 1)}bob@b.example`);
    expect(server.messages.flatMap(({ rcptTos }) => rcptTos).sort()).toEqual(recipients.sort());
    // Behind a file it sends an empty line.
    const content = Buffer.concat([AWKWARD_MESSAGE, Buffer.from('\r\n')]);
    for (const { mailFrom, data } of server.messages) {
      expect(mailFrom).toBe('alice@a.example');
      expectOctets(data, content);
    }
  });

  it('sends 200 messages of its own making over a connection each', async () => {
    await using server = await startServer();
    const sessions = eventsOf(server, 'connect');
    const load = ['-s', '20', '-m', '200', '-r', '5', '-S', 'Load', '-l', '5000'];
    const ended = await runClient(smtpSource, [...load, ...NAMES, `inet:127.0.0.1:${String(server.port)}`]);
    expect(ended).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(server.log.errors).toEqual([]);
    expect(sessions).toHaveLength(200);
    expect(server.messages).toHaveLength(200);
    // 5,000 octets and the end of the last line: lines of 80 octets, which count, and one of the 40 that are left.
    const lines = Array.from({ length: 62 }, (_, index) => String((index + 1) % 10).padEnd(78, 'X'));
    const text = [...lines, 'X'.repeat(40), ''].join('\r\n');
    for (const { rcptTos, data } of server.messages) {
      expect(rcptTos).toEqual(['5', '4', '3', '2', ''].map((number) => `${number}bob@b.example`));
      const [header = '', body = ''] = Buffer.from(data).toString('latin1').split('\r\n\r\n');
      expect(header).toMatch(
        /^From: <alice@a\.example>\r\nTo: <bob@b\.example>\r\nDate: .*\r\nMessage-Id: <.*@client\.example>\r\nSubject: Load$/,
      );
      expect(body).toBe(text);
    }
  });
});
