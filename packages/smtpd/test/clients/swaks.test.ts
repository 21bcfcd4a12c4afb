/** `swaks`, which administrators try servers with. */

import { describe, expect, it } from 'vitest';

import { requireCommand } from '../support/component.js';
import {
  AWKWARD_MESSAGE,
  dotStuffed,
  EIGHT_BIT_MESSAGE,
  expectOctets,
  onlyMessage,
  runClient,
  startServer,
  swaksArguments,
  withUnixLineEnds,
} from './support.js';

describe('swaks', () => {
  const swaks = requireCommand('swaks');

  it('sends --data that it puts into form itself', async () => {
    await using server = await startServer();
    const data = withUnixLineEnds(AWKWARD_MESSAGE).toString().replace(/\n$/, '');
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example,carol@c.example', '--data', data];
    expect(await runClient(swaks, argv)).toMatchObject({ code: 0, stderr: '' });
    const message = onlyMessage(server);
    expect(message.mailFrom).toBe('alice@a.example');
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('sends --data untouched with --no-data-fixup, every octet', async () => {
    await using server = await startServer();
    // The last line end is its own.
    const data = Buffer.concat([dotStuffed(EIGHT_BIT_MESSAGE), Buffer.from('.')]);
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--no-data-fixup', '--data', '-'];
    expect(await runClient(swaks, argv, data)).toMatchObject({ code: 0, stderr: '' });
    expectOctets(onlyMessage(server).data, EIGHT_BIT_MESSAGE);
  });

  it('sends the message that it makes up, header and all, as it prints it', async () => {
    await using server = await startServer();
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--body', 'hello\n.dot'];
    const { code, stdout } = await runClient(swaks, argv);
    expect(code).toBe(0);
    // Its transcript marks what it sends; the content stands between the reply to DATA and the dot.
    const printed = /^<- {2}354 .*\n((?: -> .*\r\n)*) -> \.\n/m.exec(stdout)?.[1] ?? '';
    const content = printed.replace(/^ -> (?:\.(?=\.))?/gm, '');
    expect(content).toContain('\r\n\r\nhello\r\n.dot\r\n');
    expectOctets(onlyMessage(server).data, Buffer.from(content));
  });

  it('sends its commands as one group with --pipeline, and hears which recipient was refused', async () => {
    await using server = await startServer();
    const to = 'bob@b.example,nobody@refused.example,carol@c.example';
    const data = Buffer.concat([dotStuffed(AWKWARD_MESSAGE), Buffer.from('.')]);
    const argv = [...swaksArguments(server.port), '--to', to, '--pipeline', '--no-data-fixup', '--data', '-'];
    const { stdout } = await runClient(swaks, argv, data);
    expect(stdout).toContain(
      [
        ' -> MAIL FROM:<alice@a.example>',
        ' -> RCPT TO:<bob@b.example>',
        ' -> RCPT TO:<nobody@refused.example>',
        ' -> RCPT TO:<carol@c.example>',
        ' -> DATA',
        '<-  250 2.1.0 OK',
        '<-  250 2.1.5 OK',
        '<** 550 5.1.1 No such mailbox',
        '<-  250 2.1.5 OK',
        '<-  354 ',
      ].join('\n'),
    );
    const message = onlyMessage(server);
    expect(message.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(message.data, AWKWARD_MESSAGE);
  });

  it('sends to a server that it greets with HELO', async () => {
    await using server = await startServer();
    const argv = [...swaksArguments(server.port), '--to', 'bob@b.example', '--protocol', 'SMTP', '--data', 'a: b\n\nc'];
    const { code, stdout } = await runClient(swaks, argv);
    expect(code).toBe(0);
    expect(stdout).toContain(' -> HELO client.example\n<-  250 mx.example\n');
    expectOctets(onlyMessage(server).data, Buffer.from('a: b\r\n\r\nc\r\n'));
  });
});
