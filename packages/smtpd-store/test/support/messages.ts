/** Messages to be kept, with whatever a test cares about. */

import type { NewMessage, NewSummary, Page } from 'smtpd-store';

/** A message; what is not given is unremarkable. */
export function newMessage({ summary, ...given }: Partial<NewMessage> & { summary?: NewSummary } = {}): NewMessage {
  return {
    raw: Buffer.from('Subject: none\r\n\r\nnothing\r\n'),
    envelope: { mailFrom: 'sender@a.example', rcptTos: ['one@b.example'], mailOptions: [], rcptOptions: [[]] },
    session: { peer: { address: '127.0.0.1', port: 40_000 } },
    receivedAt: new Date(),
    ...given,
    summary: summary ?? {},
  };
}

/** All pieces, as one. */
export async function collect(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const collected: Uint8Array[] = [];
  for await (const piece of pieces) collected.push(piece);
  return Buffer.concat(collected);
}

export function idsIn(page: Page): string[] {
  return page.messages.map(({ id }) => id);
}
