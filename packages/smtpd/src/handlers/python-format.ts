/**
 * A message exactly as the old module printed it, for programs that read its printout: bytes literals, no envelope. With
 * `decodeData` the lines are text, as they were there, except that control characters are escaped.
 *
 * It repeats two habits of the old module that the other formats do not have: lines also end at bare CR and LF (text: at every
 * line break of Unicode), and the last line end is dropped before the content becomes lines.
 */

import { FIRST_MARKER, LAST_MARKER, peerName, type PrintedMessage } from './printed-message.js';
import { formatBytes, formatList } from './python-literal.js';
import { visibleText } from './visible-text.js';

/**
 * The pieces of the printout, in order.
 *
 * @example
 * ```ts
 * for (const piece of formatAsPython(message)) process.stdout.write(piece);
 * ```
 */
export function* formatAsPython(message: PrintedMessage): Generator<string> {
  const { isDecoded, mailOptions, rcptOptions } = message;
  yield `${FIRST_MARKER}\n`;
  // In its text mode the old module passed no options on; in the other one those of the last recipient stood for all.
  const lastOptions = rcptOptions.at(-1) ?? [];
  if (!isDecoded && mailOptions.length > 0) yield `mail options: ${formatList(mailOptions)}\n`;
  if (!isDecoded && lastOptions.length > 0) yield `rcpt options: ${formatList(lastOptions)}\n\n`;
  yield* formatContent(message);
  yield `${LAST_MARKER}\n`;
}

function* formatContent({ data, isDecoded, peer }: PrintedMessage): Generator<string> {
  const octets = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const lastCRLF = octets.subarray(-2).toString('latin1') === '\r\n' ? octets.length - 2 : octets.length;
  const content = octets.toString(isDecoded ? 'utf8' : 'latin1', 0, lastCRLF);
  let isHeader = true;
  for (const line of splitLines(content, isDecoded ? UNICODE_LINE_END : ASCII_LINE_END)) {
    if (isHeader && line === '') {
      isHeader = false;
      yield* formatLine(`X-Peer: ${peerName(peer)}`, isDecoded);
    }
    yield* formatLine(line, isDecoded);
  }
}

function* formatLine(line: string, isDecoded: boolean): Generator<string> {
  yield isDecoded ? visibleText(line) : formatBytes(Buffer.from(line, 'latin1'));
  yield '\n';
}

/** A line end at the end begins no further line. */
function* splitLines(text: string, lineEnd: RegExp): Generator<string> {
  let start = 0;
  for (const match of text.matchAll(lineEnd)) {
    yield text.slice(start, match.index);
    start = match.index + match[0].length;
  }
  if (start < text.length) yield text.slice(start);
}

const ASCII_LINE_END = /\r\n|[\r\n]/g;
// eslint-disable-next-line no-control-regex -- Python's str.splitlines ends lines at exactly these
const UNICODE_LINE_END = /\r\n|[\n\r\v\f\u001c\u001d\u001e\u0085\u2028\u2029]/g;
