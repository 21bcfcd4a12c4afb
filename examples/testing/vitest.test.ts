/** Testing what sends mail, with Vitest: the server is closed at the end of each test by `await using`. */
import { createTransport } from 'nodemailer';
import { delay, drop, startTestServer } from 'smtpd/testing';
import { expect, test, vi } from 'vitest';

const receipt = { from: 'shop@shop.example', to: 'bob@b.example', subject: 'Your order 4711', text: 'Thank you, Bob.' };

test('a receipt is sent', async () => {
  await using smtp = await startTestServer();
  await createTransport(smtp.url).sendMail(receipt);
  const message = await smtp.waitForMessage({ to: 'bob@b.example', subject: /order/i });
  expect(message.mailFrom).toBe('shop@shop.example');
  expect(message.body).toContain('Thank you, Bob.');
});

test('a full mailbox is reported, with the server’s words', async () => {
  await using smtp = await startTestServer();
  smtp.next('rcpt', '452 4.2.2 Mailbox full');
  await expect(createTransport(smtp.url).sendMail(receipt)).rejects.toThrow('Mailbox full');
  expect(smtp.messages).toEqual([]);
});

test('a connection that breaks in the content is tried again', async () => {
  await using smtp = await startTestServer();
  smtp.next('data', [delay(10), drop({ at: 'inContent', afterBytes: 100 })]);
  await sendWithRetry(smtp.url);
  await smtp.waitForMessage();
  expect(smtp.sessions).toHaveLength(2);
});

test('a reminder is sent after a day', async () => {
  await using smtp = await startTestServer();
  // Without setImmediate: nodemailer would wait for it for ever.
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  try {
    const reminder = { ...receipt, subject: 'Your basket' };
    setTimeout(() => void createTransport(smtp.url).sendMail(reminder), 86_400_000);
    await vi.advanceTimersByTimeAsync(86_400_000);
    expect((await smtp.waitForMessage()).subject).toBe('Your basket');
  } finally {
    vi.useRealTimers();
  }
});

async function sendWithRetry(url: string): Promise<void> {
  const transport = createTransport(url);
  try {
    await transport.sendMail(receipt);
  } catch {
    await transport.sendMail(receipt);
  }
}
