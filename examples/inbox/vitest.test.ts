/** Testing what sends mail, with Vitest: each test has an inbox of its own, and what other tests send is never in it. */
import { createTransport } from 'nodemailer';
import { test } from 'smtpd-inbox/vitest';
import { expect } from 'vitest';

test('a password is reset', async ({ inbox }) => {
  await sendReset(inbox.smtpURL, 'bob@b.example');
  const message = await inbox.waitFor({ to: 'bob@b.example', subject: /reset/i });
  expect(await message.link('Reset your password')).toBe('https://shop.example/reset?token=4711');
  expect(await message.code()).toBe('482913');
});

test.concurrent('a full mailbox is reported', async ({ inbox }) => {
  await inbox.faults.next('rcpt', '452 4.2.2 Mailbox full');
  await expect(sendReset(inbox.smtpURL, 'bob@b.example')).rejects.toThrow('Mailbox full');
  expect(await inbox.list()).toEqual([]);
});

test.concurrent('the application may know one server only: the address says whose mail it is', async ({ inbox }) => {
  const { host, port } = inbox.smtp;
  await sendReset(`smtp://${host}:${String(port)}`, inbox.address('bob'));
  expect((await inbox.list()).map(({ subject }) => subject)).toEqual(['Reset your password']);
});

/** The application. */
async function sendReset(smtpURL: string, to: string): Promise<void> {
  await createTransport(smtpURL).sendMail({
    from: 'shop@shop.example',
    to,
    subject: 'Reset your password',
    html: '<p>Your code is 482913.</p><a href="https://shop.example/reset?token=4711">Reset your password</a>',
  });
}
