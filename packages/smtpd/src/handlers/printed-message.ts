/** What the printouts of a message have in common: what they are made from, their markers, and how content becomes lines. */

import type { ReceivedMessage } from '../server/received-message.js';

/** What is printed of a message. */
export interface PrintedMessage extends Pick<
  ReceivedMessage,
  'id' | 'receivedAt' | 'peer' | 'mailFrom' | 'rcptTos' | 'mailOptions' | 'rcptOptions' | 'data' | 'facts'
> {
  /** What the client called itself. */
  readonly helo: string;
  /** Whether the server was asked to decode messages to text (`decodeData`). */
  readonly isDecoded: boolean;
}

/** Who sent it, as the X-Peer line says it. A client of a Unix socket has no address. */
export function peerName({ address, family }: ReceivedMessage['peer']): string {
  return address === '' ? family : address;
}

/** The lines of a content, without their CRLF. Nothing else ends a line. */
export function* splitAtCRLF(data: Uint8Array): Generator<Uint8Array> {
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let start = 0; start < octets.length;) {
    const at = octets.indexOf('\r\n', start, 'latin1');
    const end = at === -1 ? octets.length : at;
    yield octets.subarray(start, end);
    start = end + 2;
  }
}

export const FIRST_MARKER = '---------- MESSAGE FOLLOWS ----------';
export const LAST_MARKER = '------------ END MESSAGE ------------';
