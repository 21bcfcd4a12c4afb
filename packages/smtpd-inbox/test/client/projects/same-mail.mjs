/** What the tests of all three projects do: they send the same mail to the same address at the same time, and each finds its own. */

import assert from 'node:assert/strict';
import { createTransport } from 'nodemailer';

export const NUMBERS = [1, 2, 3];

/** The application, and what is tested of it. */
export async function checkWelcome(inbox, number) {
  const transport = createTransport(inbox.smtpURL);
  const mail = { from: 'shop@a.example', to: 'bob@b.example', subject: 'Welcome' };
  await transport.sendMail({ ...mail, text: `You are number ${number} of ${process.pid}.` });
  const message = await inbox.waitFor({ to: 'bob@b.example', subject: 'Welcome' });
  assert.equal((await message.text()).trim(), `You are number ${number} of ${process.pid}.`);
  await transport.sendMail({ ...mail, subject: 'Goodbye', to: inbox.address('bob'), text: 'x' });
  await inbox.waitFor({ subject: /^good/i, after: message });
  assert.deepEqual(
    (await inbox.list()).map(({ subject }) => subject),
    ['Goodbye', 'Welcome'],
  );
}
