/**
 * A message as text for people: the shape of the old module's printout, with the envelope, with what was odd, and readable.
 *
 * Not for programs: a body can hold a line that looks like the marker. They read `json-format.ts`.
 */

import { findOddities } from './oddities.js';
import { FIRST_MARKER, LAST_MARKER, peerName, splitAtCRLF, type PrintedMessage } from './printed-message.js';
import { formatList } from './python-literal.js';
import { visibleParts, visibleText } from './visible-text.js';

/**
 * The pieces of the printout, in order.
 *
 * @example
 * ```ts
 * for (const piece of formatAsText(message)) process.stdout.write(piece);
 * ```
 */
export function* formatAsText(message: PrintedMessage): Generator<string> {
  const { mailFrom, rcptTos, mailOptions } = message;
  yield `${FIRST_MARKER}\n`;
  yield `envelope from: <${visibleText(mailFrom)}>\n`;
  yield `envelope to: ${rcptTos.map((address) => `<${visibleText(address)}>`).join(', ')}\n`;
  const oddities = findOddities(message);
  if (oddities.length > 0) yield `oddities: ${oddities.map(({ description }) => description).join(', ')}\n`;
  if (mailOptions.length > 0) yield `mail options: ${formatList(mailOptions)}\n`;
  yield* formatRecipientOptions(message);
  yield* formatContent(message);
  yield `${LAST_MARKER}\n`;
}

/** With one recipient the line is the old one; with several it says whose the options are. The empty line is the old one, too. */
function* formatRecipientOptions({ rcptTos, rcptOptions }: PrintedMessage): Generator<string> {
  if (rcptOptions.every((options) => options.length === 0)) return;
  for (const [index, options] of rcptOptions.entries()) {
    if (options.length === 0) continue;
    const whose = rcptTos.length === 1 ? '' : ` for <${visibleText(rcptTos[index] ?? '')}>`;
    yield `rcpt options: ${formatList(options)}${whose}\n`;
  }
  yield '\n';
}

function* formatContent({ data, peer }: PrintedMessage): Generator<string> {
  let isHeader = true;
  for (const line of splitAtCRLF(data)) {
    if (isHeader && line.length === 0) {
      isHeader = false;
      yield `X-Peer: ${visibleText(peerName(peer))}\n`;
    }
    yield* visibleParts(line);
    yield '\n';
  }
}
