/**
 * Smuggling through a proxy: a client sends what some receiver or other takes for the end of a message and the beginning of another. What
 * comes out behind the proxy is one message or none, whoever receives it.
 */

import { describe, expect, it } from 'vitest';

import { PUBLISHED, SMUGGLED, VARIANTS } from '../attacks/smuggling-variants.js';
import { Attacker } from '../attacks/support.js';
import { requireExim, requirePostfix, requirePythonModule } from '../support/component.js';
import {
  startAiosmtpdReceiver,
  startEximReceiver,
  startLaxestReceiver,
  startPostfixReceiver,
  startSmtpServerReceiver,
  type Receiver,
} from './receivers.js';
import { startProxy } from './support.js';

describe('into Postfix', () => {
  requirePostfix();
  describeReceiver(startPostfixReceiver);
});

describe('into Exim', () => {
  const exim = requireExim();
  describeReceiver(() => startEximReceiver(exim));
});

describe('into aiosmtpd', () => {
  const python = requirePythonModule('aiosmtpd');
  describeReceiver(() => startAiosmtpdReceiver(python));
});

describe('into npm’s smtp-server', () => {
  describeReceiver(startSmtpServerReceiver);
});

describe('into one that ends a line at CR, at LF and at both', () => {
  describeReceiver(startLaxestReceiver);

  it('which would take one message for two, if nobody stood before it', async () => {
    await using receiver = await startLaxestReceiver();
    let split = 0;
    for (const variant of VARIANTS) {
      const before = (await receiver.accepted(0)).length;
      await using client = await Attacker.connect(receiver);
      await client.commands('EHLO c', ...ENVELOPE, 'DATA');
      await client.command(`first${variant}${SMUGGLED}.`);
      await client.command('NOOP');
      if ((await receiver.accepted(0)).length > before + 1) split += 1;
    }
    expect(split).toBeGreaterThan(50);
  });
});

function describeReceiver(start: () => Promise<Receiver>): void {
  it.each(['reject', 'normalize'] as const)(
    'with DATA and lineEndings: %s',
    async (lineEndings) => {
      await using receiver = await start();
      await using proxy = await startProxy(receiver.port, { lineEndings, limits: { refusalsMax: Infinity } });
      await using client = await Attacker.connect(proxy);
      await client.command('EHLO client.example');
      let acknowledged = 0;
      for (const variant of VARIANTS) {
        expect([variant, await client.commands(...ENVELOPE, 'DATA')]).toEqual([variant, [250, 250, 354]]);
        await client.send(`Subject: one\r\n\r\nfirst${variant}${SMUGGLED}.\r\n`);
        const { code } = await client.reply();
        const isClean = !BARE.test(`first${variant}${SMUGGLED}`);
        expect([variant, code]).toEqual([variant, isClean || lineEndings === 'normalize' ? 250 : 550]);
        if (code === 250) acknowledged += 1;
        expect((await client.command('NOOP')).code).toBe(250);
        expect(client.unread).toBe('');
      }
      await expectOnly(receiver, acknowledged);
    },
    120_000,
  );

  it('with BDAT', async () => {
    await using receiver = await start();
    await using proxy = await startProxy(receiver.port, { limits: { refusalsMax: Infinity } });
    await using client = await Attacker.connect(proxy);
    await client.command('EHLO client.example');
    let acknowledged = 0;
    for (const variant of ['\r\n.\r\n', ...PUBLISHED]) {
      const content = `Subject: one\r\n\r\nfirst${variant}${SMUGGLED}.\r\n`;
      await client.commands(...ENVELOPE);
      await client.send(`BDAT ${String(content.length)} LAST\r\n${content}`);
      const { code } = await client.reply();
      expect([variant, code]).toEqual([variant, BARE.test(content) ? 550 : 250]);
      if (code === 250) acknowledged += 1;
      expect((await client.command('NOOP')).code).toBe(250);
      expect(client.unread).toBe('');
    }
    await expectOnly(receiver, acknowledged);
  }, 60_000);
}

/** As many messages as were acknowledged, and each of them with the envelope that the client has given. */
async function expectOnly(receiver: Receiver, acknowledged: number): Promise<void> {
  expect(acknowledged).toBeGreaterThan(0);
  const accepted = await receiver.accepted(acknowledged);
  expect(accepted.filter(({ from, to }) => from !== 'a@a.example' || to.join() !== 'b@b.example')).toEqual([]);
  expect(accepted).toHaveLength(acknowledged);
}

const ENVELOPE = ['MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>'];
const BARE = /\r(?!\n)|(?<!\r)\n/;
