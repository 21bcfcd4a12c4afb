/** Clients that do not wait for the greeting. */

import { describe, expect, it } from 'vitest';

import { SMTPServer, type SMTPServerOptions } from '../../src/index.js';
import { RawClient } from '../support/raw-client.js';

/** What a client hears that speaks while the greeting is held back, and what the server tells of it. */
async function speakEarly(options: SMTPServerOptions) {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const violations: string[] = [];
  await using server = new SMTPServer(options)
    .use({ name: 'hold', connect: () => held })
    .on('violation', ({ violation }) => {
      violations.push(violation);
      release();
    });
  const client = RawClient.inMemory(server);
  client.send('EHLO a.example\r\n');
  const first = await client.reply();
  const last = first.code === 220 ? await client.reply() : (await client.closed()).at(-1);
  client.destroy();
  return { codes: [first.code, last?.code], violations };
}

describe('input before the greeting', () => {
  it('is told, and tolerated unless it is said otherwise', async () => {
    expect(await speakEarly({})).toEqual({ codes: [220, 250], violations: ['inputBeforeGreeting'] });
  });

  it('is refused with 554 instead of the greeting', async () => {
    expect(await speakEarly({ earlyInput: 'refuse' })).toEqual({
      codes: [554, undefined],
      violations: ['inputBeforeGreeting'],
    });
  });

  it('refuses nobody who waits', async () => {
    await using server = new SMTPServer({ earlyInput: 'refuse' });
    const client = RawClient.inMemory(server);
    expect((await client.reply()).code).toBe(220);
    expect((await client.command('EHLO a.example')).code).toBe(250);
    client.destroy();
  });
});
