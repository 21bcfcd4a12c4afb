import { once } from 'node:events';
import { connect } from 'node:net';
import { SMTPServer } from 'smtpd';
import type { TranscriptLine } from 'smtpd-store';
import { expect, it } from 'vitest';

import { pipelinedGroups } from '../../page/message/phases.js';
import { recordSessions, SessionRecord } from '../../src/capture/session-recorder.js';

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

it('has the same conversation for who asked for it before and for who did not', () => {
  let nowMs = 0;
  const records = [1, 2].map(() => new SessionRecord(() => nowMs));
  const [asked, unasked] = records as [SessionRecord, SessionRecord];
  const say = (text: string): void => {
    nowMs += 0.1;
    for (const record of records) record.note('client', text);
    // What it had until here is not to be in the way of what comes.
    expect(asked.transcript).not.toBe('');
  };
  const same = (): TranscriptLine[] => {
    expect(asked.transcript).toBe(unasked.transcript);
    return JSON.parse(unasked.transcript) as TranscriptLine[];
  };
  expect(same()).toEqual([]);
  for (const text of ['EHLO "a"', '\ud800\0\u2028', 'x'.repeat(5_000)]) say(text);
  expect(same().map(({ text }) => text)).toEqual(['EHLO "a"', '\ud800\0\u2028', 'x'.repeat(4_096)]);
  for (let line = 0; line < 210; line += 1) say(`NOOP ${String(line)}`);
  expect(same()).toHaveLength(201);
  for (let message = 0; message < 3; message += 1) {
    for (const record of records) record.beginTransaction();
    expect(same()).toHaveLength(200);
    say('MAIL FROM:<>');
    for (const record of records) record.keep(['1']);
    say('QUIT');
    expect(same()[200]?.text).toBe(
      message === 0 ? 'MAIL FROM:<>' : `messages in this session before: ${String(message)}`,
    );
  }
  for (let line = 0; line < 2_010; line += 1) say(`RCPT TO:<${String(line)}>`);
  expect(same().at(-1)?.text).toBe('lines left out: 12');
});

it('tells times in milliseconds, to the microsecond', () => {
  const micros = [0, 1, 10, 100, 500, 999, 1_000, 1_001, 12_340, 59_999_999, 3_600_000_700, 86_400_000_123];
  let nowMs = 0;
  const record = new SessionRecord(() => nowMs);
  for (const at of micros) {
    nowMs = at / 1_000;
    record.note('event', 'x');
  }
  expect(record.transcript.match(/(?<="atMs":)[^,]*/g)).toEqual(micros.map((at) => String(at / 1_000)));
});
