/** Testing what sends mail, with `node --test`. Node before 24 has no `await using`: one server for all tests, cleared between them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { createTransport } from 'nodemailer';
import { startTestServer } from 'smtpd/testing';

let smtp;
before(async () => {
  smtp = await startTestServer();
});
beforeEach(() => {
  smtp.clear();
});
after(() => smtp.close());

const receipt = { from: 'shop@shop.example', to: 'bob@b.example', subject: 'Your order 4711', text: 'Thank you, Bob.' };

test('a receipt is sent', async () => {
  await createTransport(smtp.url).sendMail(receipt);
  const message = await smtp.waitForMessage({ to: 'bob@b.example', subject: /order/i });
  assert.match(message.body, /Thank you, Bob\./);
});

test('a refused receipt is reported', async () => {
  smtp.next('message', '554 5.7.1 We do not want this');
  await assert.rejects(createTransport(smtp.url).sendMail(receipt), { responseCode: 554 });
  assert.equal(smtp.messages.length, 0);
});
