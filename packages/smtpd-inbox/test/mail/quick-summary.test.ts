import { readdirSync, readFileSync } from 'node:fs';
import { MailReader } from 'smtpd-inbox';
import { expect, it } from 'vitest';

import { quickSummary } from '../../src/mail/quick-summary.js';
import { summarize } from '../../src/mail/summarizer.js';

const text = (length: number): Buffer => Buffer.from(`Subject: text\r\n\r\n${'a'.repeat(length)}\r\n`);

it('says what a thread would say', async () => {
  await using reader = new MailReader();
  const folder = new URL('../corpus/mails/', import.meta.url);
  let quick = 0;
  for (const name of readdirSync(folder)) {
    const mail = readFileSync(new URL(name, folder));
    const summary = quickSummary(mail);
    if (summary === undefined) continue;
    quick += 1;
    expect(summary, name).toEqual(await reader.summarize(mail));
  }
  expect(quick).toBeGreaterThan(100);
});

it('leaves HTML and what is long to a thread', () => {
  expect(quickSummary(text(16_000))?.subject).toBe('text');
  expect(quickSummary(text(17_000))).toBeUndefined();
  expect(quickSummary(Buffer.from('Content-Type: text/html\r\n\r\n<p>\r\n'))).toBeUndefined();
});

it('says in the thread of the store what it says elsewhere, and something whatever the octets', () => {
  const mail = text(10);
  expect(summarize(mail)).toEqual(quickSummary(mail));
  // It is asked about no such mail, and must not fail all the same.
  expect(summarize(text(17_000))).toMatchObject({ subject: 'text', parseFault: 'The message could not be read.' });
});

it('takes octets that are part of others', () => {
  const mail = text(10);
  const whole = Buffer.concat([Buffer.from('text/html'), mail, Buffer.from('text/html')]);
  expect(quickSummary(new Uint8Array(whole.buffer, whole.byteOffset + 9, mail.length))?.subject).toBe('text');
});
