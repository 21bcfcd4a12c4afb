import { once } from 'node:events';
import { connect } from 'node:net';
import { SMTPServer } from 'smtpd';
import type { TranscriptLine } from 'smtpd-store';
import { expect, it } from 'vitest';

import { pipelinedGroups } from '../../page/message/phases.js';
import { recordSessions, type SessionRecord } from '../../src/capture/session-recorder.js';

class Sink extends SMTPServer {
  override processMessage(): undefined {
    return undefined;
  }
}

it('gives commands that came in one go the time when they came, and others their own', async () => {
  await using server = new Sink({ localAddress: { host: '127.0.0.1', port: 0 } });
  const ended = new Promise<SessionRecord>((resolve) => {
    recordSessions(server, { onTransaction: () => undefined, onEnd: resolve });
  });
  const [address] = await server.listen();
  const socket = connect((address as { readonly port: number }).port, '127.0.0.1');
  /** Says something, and waits for so many replies. */
  const say = async (text: string, replies: number): Promise<void> => {
    if (text !== '') socket.write(text);
    let heard = '';
    while ((heard.match(/^\d{3} /gm) ?? []).length < replies) {
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      heard += chunk.toString('latin1');
    }
  };
  await say('', 1);
  await say('EHLO client.example\r\n', 1);
  await say('NOOP\r\n', 1);
  await say('MAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nRCPT TO:<c@c.example>\r\nDATA\r\n', 4);
  await say('Subject: x\r\n\r\n.\r\n', 1);
  await say('QUIT\r\n', 1);
  const lines = JSON.parse((await ended).transcript) as TranscriptLine[];

  const commands = lines.filter(({ from }) => from === 'client');
  expect(commands.map(({ text }) => text.split(' ')[0])).toEqual([
    'EHLO',
    'NOOP',
    'MAIL',
    'RCPT',
    'RCPT',
    'DATA',
    'QUIT',
  ]);
  expect(new Set(commands.map(({ atMs }) => atMs)).size).toBe(4);
  expect(pipelinedGroups(lines).map(({ commands: count }) => count)).toEqual([4]);
});
