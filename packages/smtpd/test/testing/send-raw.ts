/** What the tests of this folder share: one message sent with the raw client, so that they depend on nobody's mail library, and waits. */

import type { TestServer } from '../../src/testing/index.js';
import { RawClient } from '../support/raw-client.js';

interface Draft {
  readonly from?: string;
  readonly to?: readonly string[];
  readonly subject?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Sends a message and says goodbye. Gives the codes of all replies. */
export async function sendRaw(smtp: TestServer, draft: Draft): Promise<readonly number[]> {
  const { from = 'a@a.example', to = ['b@b.example'], headers = {}, body = 'Hello' } = draft;
  const fields = {
    ...('subject' in draft && draft.subject === undefined ? {} : { Subject: draft.subject ?? 'Test' }),
    ...headers,
  };
  const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const client = await RawClient.connect(smtp.port);
  const codes: number[] = [(await client.reply()).code];
  for (const line of ['HELO client.example', `MAIL FROM:<${from}>`, ...to.map((each) => `RCPT TO:<${each}>`), 'DATA'])
    codes.push((await client.command(line)).code);
  codes.push((await client.command(`${head.join('')}X-Pad: 12\r\n\r\n${body}\r\n.`)).code);
  codes.push((await client.command('QUIT')).code);
  await client.closed();
  return codes;
}

/** What a promise rejects with; the test fails when it does not. */
export async function settled(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('It should have been rejected');
}

/** Waits until something is true, turn by turn of the event loop. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setImmediate(resolve));
}
