/** Testing what sends mail, with Jest and its globals (ES modules need `node --experimental-vm-modules`). */
/* global afterAll, beforeAll, beforeEach, expect, test */
import { createTransport } from 'nodemailer';
import { startTestServer } from 'smtpd/testing';

let smtp;
beforeAll(async () => {
  smtp = await startTestServer();
});
beforeEach(() => {
  smtp.clear();
});
afterAll(() => smtp.close());

const receipt = { from: 'shop@shop.example', to: 'bob@b.example', subject: 'Your order 4711', text: 'Thank you, Bob.' };

test('a receipt is sent', async () => {
  await createTransport(smtp.url).sendMail(receipt);
  const message = await smtp.waitForMessage({ to: 'bob@b.example', subject: /order/i });
  expect(message.body).toContain('Thank you, Bob.');
});

test('a busy server is reported', async () => {
  smtp.next('mail', 451);
  await expect(createTransport(smtp.url).sendMail(receipt)).rejects.toMatchObject({ responseCode: 451 });
});
