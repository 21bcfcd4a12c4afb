/** The octets that a part’s body stands for. Faults are passed over here; the rules name them. */

import { decodeTransfer } from '../transfer-decoder.js';
import type { RawMessage, RawPart } from './raw-message.js';

/** The body without its transfer encoding, one octet a character. The line end before a boundary is no part of it. */
export function decodedBody(message: RawMessage, part: RawPart): string {
  const { octets } = decodeTransfer(Buffer.from(rawBody(message, part), 'latin1'), part.encoding);
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

/** The body as it stands. */
function rawBody(message: RawMessage, part: RawPart): string {
  const body = message.lines.slice(part.bodyLine, part.endLine);
  // RFC 2046 §5.1.1: the line end before a boundary belongs to the boundary.
  return part.parent === undefined || part.endLine >= message.lines.count ? body : body.replace(/\r?\n$/, '');
}
