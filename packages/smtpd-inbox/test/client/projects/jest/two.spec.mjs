/* global test */
import { useInbox } from 'smtpd-inbox/jest';

import { checkWelcome, NUMBERS } from '../same-mail.mjs';

const mail = useInbox();

test.each(NUMBERS)('a welcome is sent (%i)', async (number) => {
  await checkWelcome(mail.inbox, number);
});
