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

/** How a session without a message ended. */
export function endText({ end }: Pick<Entry['session'], 'end'>): string {
  return end === undefined ? 'without a message' : (END_TEXTS[end] ?? end);
}

/** `address:port`, with the brackets that IPv6 needs. */
export function endpointText({ address, port }: { readonly address: string; readonly port: number }): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The words that the server has for it. */
const END_TEXTS: Readonly<Record<string, string>> = {
  quit: 'the client said QUIT',
  clientGone: 'the client closed the connection',
  timedOut: 'the client was silent for too long',
  limit: 'a limit was exceeded',
  refused: 'the session was refused',
  handshakeFailed: 'the TLS handshake failed',
  serverClosing: 'this server was closed',
  error: 'the connection broke',
};
