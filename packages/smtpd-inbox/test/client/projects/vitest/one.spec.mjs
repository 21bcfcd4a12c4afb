import { test } from 'smtpd-inbox/vitest';

import { checkWelcome, NUMBERS } from '../same-mail.mjs';

for (const number of NUMBERS) {
  test.concurrent(`a welcome is sent (${number})`, async ({ inbox }) => {
    await checkWelcome(inbox, number);
  });
}
