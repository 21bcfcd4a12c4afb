/** Puts messages into a store. */

import type { MailStore, StoredMessage } from 'smtpd-store';

/** @param raw - each octet one character */
export function keep(store: MailStore, raw: string, inbox = ''): Promise<StoredMessage> {
  return store.add({
    raw: Buffer.from(raw, 'latin1'),
    envelope: { mailFrom: 'a@a.example', rcptTos: ['b@b.example'], mailOptions: [], rcptOptions: [[]] },
    session: { peer: { address: '127.0.0.1', port: 1 } },
    receivedAt: new Date(),
    inbox,
    summary: {},
  });
}
