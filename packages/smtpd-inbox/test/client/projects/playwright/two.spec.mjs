import { test } from 'smtpd-inbox/playwright';

import { checkWelcome, NUMBERS } from '../same-mail.mjs';

for (const number of NUMBERS) {
  test(`a welcome is sent (${number})`, async ({ inbox }) => {
    await checkWelcome(inbox, number);
  });
}
