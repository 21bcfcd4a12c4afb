/** Keeps mail that came from a file, as if it had been caught: read, searchable, with what the file knew of its envelope. */

import type { MailStore, NewMessage } from 'smtpd-store';

import type { MailReader } from '../mail/mail-reader.js';

/** A message of a file. */
export interface FiledMail {
  readonly raw: Uint8Array;
  readonly mailFrom?: string;
  readonly receivedAt?: Date;
  readonly isRead?: boolean;
}

/** Where it goes, and when it came if nobody knows. */
export interface ImportTarget {
  readonly store: MailStore;
  readonly reader: MailReader;
  readonly inbox: string;
  readonly now: Date;
}

/** @returns the id under which it is kept */
export async function importMail(mail: FiledMail, { store, reader, inbox, now }: ImportTarget): Promise<string> {
  const summary = await reader.summarize(mail.raw);
  const field = (name: string): string | undefined =>
    summary.headers.find(([each]) => each.toLowerCase() === name)?.[1];
  // A file has no envelope. What its last server wrote into the header comes nearest.
  const recipients = [field('delivered-to'), field('x-original-to')].filter((each) => each !== undefined);
  const { receivedAt = now } = mail;
  const message: NewMessage = {
    raw: mail.raw,
    inbox,
    // What is older than the store keeps mail would go with the next message: it is as old as its import.
    receivedAt: receivedAt.getTime() <= now.getTime() - store.limits.ageMsMax ? now : receivedAt,
    envelope: {
      mailFrom: mail.mailFrom ?? field('return-path')?.replace(/^<|>$/g, '') ?? '',
      rcptTos: [...new Set(recipients)],
      mailOptions: [],
      rcptOptions: [...new Set(recipients)].map(() => []),
    },
    session: { peer: { address: '', port: 0 }, protocol: 'import' },
    transcript: [{ from: 'event', atMs: 0, text: 'imported from a file: there was no session' }],
    summary,
  };
  const { id } = await store.add(message);
  if (mail.isRead === true) await store.setRead([id], true);
  return id;
}
