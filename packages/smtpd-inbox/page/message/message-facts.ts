/** What the panes derive from a message in more than one place. */

import type { Entry, Message, Part } from '../../src/api/model.js';

/** The parts that people would call attachments; a forwarded message is one too, the message itself is not. */
export function attachmentsOf({ parts }: Pick<Message, 'parts'>): readonly Part[] {
  return parts.filter(
    ({ role, parent }) => role === 'attachment' || role === 'related' || (role === 'message' && parent !== undefined),
  );
}

/** What a row is called when it has no subject. */
export function titleOf({ kind, subject, session }: Entry): string {
  if (subject !== undefined && subject !== '') return subject;
  return kind === 'session' ? `Session of ${session.clientName ?? session.peer.address}` : '(no subject)';
}

/** `address:port`, with the brackets that IPv6 needs. */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
