/** Content → lines of at most 76 characters of ASCII, and text that may stay as it is (RFC 2045). */

/** How a text travels. */
export interface EncodedText {
  readonly encoding: '7bit' | 'quoted-printable' | 'base64';
  readonly octets: Buffer;
}

/**
 * Encodes a text, whose line ends become CRLF. It stays as it is where it can, is quoted-printable where most of it is readable then, and
 * base64 elsewhere.
 *
 * @example
 * ```ts
 * encodeText('Grüße\n'); // { encoding: 'quoted-printable', octets: 'Gr=C3=BC=C3=9Fe\r\n' }
 * ```
 */
export function encodeText(text: string): EncodedText {
  const octets = Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n'));
  const source = octets.toString('latin1');
  if (source.split('\r\n').every(isPlainLine)) return { encoding: '7bit', octets };
  const encoded = octets.reduce((count, octet) => count + (isPlain(octet) ? 0 : 1), 0);
  return encoded * 3 > octets.length
    ? { encoding: 'base64', octets: encodeBase64(octets) }
    : { encoding: 'quoted-printable', octets: encodeQuotedPrintable(source) };
}

/** Base64 in lines of 76, the last one without its end. */
export function encodeBase64(octets: Uint8Array): Buffer {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('base64');
  return Buffer.from(text.replaceAll(/.{76}(?=.)/g, '$&\r\n'), 'latin1');
}

/** RFC 2045 §6.7. @param source - each octet one character, lines that end in CRLF */
function encodeQuotedPrintable(source: string): Buffer {
  const lines = source.split('\r\n').map((line) => {
    let encoded = '';
    let lineLength = 0;
    for (let at = 0; at < line.length; at += 1) {
      const octet = line.charCodeAt(at);
      const isLast = at === line.length - 1;
      // A blank at the end of a line might get lost on the way.
      const isBlank = octet === SPACE || octet === TAB;
      const isQuotedByMbox = at === 0 && line.startsWith('From ');
      const mayStay = isPlain(octet) && !(isBlank && isLast) && !isQuotedByMbox;
      const piece = mayStay ? line.charAt(at) : hexOf(octet);
      // A line that goes on needs room for the = at its end.
      if (lineLength + piece.length > (isLast ? LINE_LENGTH_MAX : LINE_LENGTH_MAX - 1)) {
        encoded += '=\r\n';
        lineLength = 0;
      }
      encoded += piece;
      lineLength += piece.length;
    }
    return encoded;
  });
  return Buffer.from(lines.join('\r\n'), 'latin1');
}

/** A short line of ASCII, without control characters, a blank at its end, or `From ` that some program would quote. */
function isPlainLine(line: string): boolean {
  return line.length <= 78 && !/[^\t -~]|[\t ]$|^From /.test(line);
}

function isPlain(octet: number): boolean {
  return (octet >= SPACE && octet <= 0x7e && octet !== EQUALS) || octet === TAB || octet === CR || octet === LF;
}

function hexOf(octet: number): string {
  return `=${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EQUALS = 0x3d;
const LINE_LENGTH_MAX = 76;
