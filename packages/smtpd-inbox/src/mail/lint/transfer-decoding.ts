/** The octets that a part’s body stands for. Faults are passed over here; the rules name them. */

import type { RawMessage, RawPart } from './raw-message.js';

/** The body without its transfer encoding, one octet a character. The line end before a boundary is no part of it. */
export function decodedBody(message: RawMessage, part: RawPart): string {
  const body = rawBody(message, part);
  switch (part.encoding) {
    case 'base64':
      return Buffer.from(body, 'base64').toString('latin1');
    case 'quoted-printable':
      return body
        .split('\n')
        .map((line, index, all) => {
          // RFC 2045 §6.7 (3): blanks at the end of a line were added on the way.
          const kept = line.trimEnd();
          if (kept.endsWith('=')) return kept.slice(0, -1);
          return index === all.length - 1 ? kept : `${kept}${line.endsWith('\r') ? '\r' : ''}\n`;
        })
        .join('')
        .replace(/=([0-9A-Fa-f]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
    default:
      return body;
  }
}

/** The body as it stands. */
function rawBody(message: RawMessage, part: RawPart): string {
  const body = message.lines.slice(part.bodyLine, part.endLine);
  // RFC 2046 §5.1.1: the line end before a boundary belongs to the boundary.
  return part.parent === undefined || part.endLine >= message.lines.count ? body : body.replace(/\r?\n$/, '');
}
