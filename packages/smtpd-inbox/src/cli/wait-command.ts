/** `smtpd-inbox wait`: what a shell script waits on. */

import { InboxArgumentError } from './arguments.js';
import { print } from './print.js';
import type { SubcommandCall } from './subcommand-call.js';

/** Waits, and prints the message. That none came is told by the error of the client. */
export async function runWait({ client, words, text, isOn, output }: SubcommandCall): Promise<number> {
  if (words.length > 0) throw new InboxArgumentError(`wait takes options only, not "${words.join(' ')}"`);
  const message = await client.waitFor({
    to: text('to'),
    from: text('from'),
    subject: text('subject'),
    body: text('body'),
    q: text('q'),
    timeoutMs: secondsOf(text('timeout') ?? '30') * 1000,
  });
  await print(output, isOn('raw') ? await message.raw() : `${JSON.stringify(await message.whole(), null, 2)}\n`);
  return 0;
}

function secondsOf(text: string): number {
  if (/^\d{1,6}(?:\.\d+)?$/.test(text)) return Number(text);
  throw new InboxArgumentError(`--timeout is a number of seconds, not "${text}"`);
}
