/** What RFC 3030 (CHUNKING and BINARYMIME) asks of a server. */

import { application, line, met, row, type Requirement } from './requirement.js';

const SESSION = 'protocol/server-session.ts';
const DECODER = 'protocol/chunk-decoder.ts';
const CHUNKING = line('protocol/extensions/chunking.ts', 'RFC 3030 §2: BDAT comes with the keyword');
const DROPPED = line(SESSION, 'BDAT (RFC 3030 §2). The octets behind a chunk that is refused');
const FAILED = line('protocol/message-reception.ts', 'RFC 3030 §2: the transaction has failed');
const MIXED = line('protocol/standard-replies.ts', 'RFC 3030 §2: DATA and BDAT do not mix');

/** The rows. */
export const REQUIREMENTS_CHUNKING: readonly Requirement[] = [
  met(
    row(3030, '§2', 'says', 'The keyword is CHUNKING, without parameters, and the verb BDAT is there with it.'),
    [CHUNKING],
    ['CHUNKING is offered without parameters, and BDAT with it'],
  ),
  met(
    row(
      3030,
      '§2',
      'says',
      'BDAT has a number of octets and maybe LAST; the octets follow its CRLF, and no dot means anything.',
    ),
    [line('protocol/chunk-size.ts', 'The argument of BDAT (RFC 3030 §2)'), line(DECODER, 'It knows no dots')],
    [
      'LAST is understood in any case, and a size is decimal digits',
      'each chunk is answered 250 when its octets have come, and the last one delivers them all as they were',
    ],
  ),
  met(
    row(3030, '§2', 'MUST', 'Each chunk that is taken is answered 250.'),
    [line('protocol/message-reception.ts', 'octets received')],
    [
      'each chunk is answered 250 when its octets have come, and the last one delivers them all as they were',
      'chunks may be sent ahead, and are answered in order',
    ],
  ),
  met(
    row(3030, '§2', 'says', 'The last chunk may have no octets.'),
    [line('protocol/message-reception.ts', 'if (isLast) {')],
    ['the last chunk may be empty'],
  ),
  met(
    row(3030, '§2', 'MUST', 'A chunk behind the last one is answered 503.'),
    [line('protocol/command-rules.ts', "clause: 'RFC 3030 §2'")],
    ['a chunk behind the last one is answered 503'],
  ),
  met(
    row(3030, '§2', 'MUST', 'The octets of a chunk that is refused are taken and dropped before the refusal is sent.'),
    [DROPPED, FAILED],
    [
      'the octets of a chunk that is out of sequence are no commands',
      'a chunk is refused when its octets have come, not before',
      'a chunk that is not well formed is taken all the same, and ends the transaction',
    ],
  ),
  met(
    row(3030, '§2', 'MUST', 'Chunks that were sent ahead behind one that failed are taken and dropped.'),
    [FAILED, line('protocol/message-reception.ts', 'The message has failed. Chunks that follow find no transaction')],
    [
      'a chunk that is refused ends the transaction, and chunks behind it are taken and refused',
      'a message that grows too large is refused with 552 when its chunk has come, and so is all behind it',
    ],
  ),
  met(
    row(
      3030,
      '§2',
      'says',
      'What comes after a failed chunk is not determined before RSET. Here the transaction is over.',
    ),
    [FAILED],
    ['a chunk that is refused ends the transaction, and chunks behind it are taken and refused'],
  ),
  met(
    row(
      3030,
      '§2',
      'MUST',
      'DATA behind a chunk is answered 503; both may be used in one session, not in one transaction.',
    ),
    [MIXED],
    ['DATA behind a chunk is answered 503, and so is RCPT, until RSET'],
  ),
  met(
    row(3030, '§2', 'says', 'RSET between two chunks drops all that came.'),
    [line('protocol/command-rules.ts', "chunks: to('ready'),")],
    ['RSET between two chunks gives up all that came'],
  ),
  met(
    row(3030, '§2', 'MUST', 'Text in chunks has lines that end in CRLF.'),
    [line(DECODER, 'a CR that ends one and an LF that starts the')],
    ['text in chunks has lines that end in CRLF, also where two chunks meet'],
  ),
  met(
    row(
      3030,
      '§2',
      'MUST',
      'Octets of any kind that arrive where a command is awaited are read as a line, and refused.',
    ),
    [line('protocol/line-decoder.ts', 'RFC 5321 §2.3.8: only CRLF ends a line')],
    ['what a chunk did not count is read as commands, and refused whatever it is'],
  ),
  met(
    row(
      3030,
      '§2',
      'says',
      'Whoever cannot tell how many octets follow cannot tell where the next command begins: 421.',
    ),
    [line('protocol/standard-replies.ts', 'RFC 3030 §2: whoever cannot tell where the chunk ends')],
    ['LAST is understood in any case, and a size is decimal digits'],
  ),
  met(
    row(3030, '§3', 'MUST', 'BINARYMIME is offered only together with CHUNKING, and is a value of BODY then.'),
    [
      line('server/server-options.ts', 'RFC 3030 §3: BINARYMIME needs BDAT'),
      line('protocol/extensions/eight-bit-mime.ts', 'RFC 3030 §3 (5)'),
    ],
    ['BINARYMIME is offered only together with CHUNKING and 8BITMIME, and then is a value of BODY'],
  ),
  met(
    row(3030, '§3', 'MUST', 'All bits of each octet are kept.'),
    [line(DECODER, 'RFC 3030 §3: under BODY=BINARYMIME the content has no lines')],
    ['all bits of each octet are kept, and nothing is taken for a line'],
  ),
  met(
    row(3030, '§3', 'MUST', 'DATA is answered 503 in a transaction with BODY=BINARYMIME.'),
    [
      line(SESSION, 'RFC 3030 §3: binary content has no lines'),
      line('protocol/standard-replies.ts', 'RFC 3030 §3: DATA cannot'),
    ],
    ['DATA is answered 503 when BODY was BINARYMIME'],
  ),
  application(
    row(3030, '§3', 'MUST', 'A binary message goes on to servers that offer BINARYMIME, or is converted, or returned.'),
    'whoever relays the message; `mailOptions` has `BODY=BINARYMIME`',
    ['all bits of each octet are kept, and nothing is taken for a line'],
    [line(DECODER, 'RFC 3030 §3: under BODY=BINARYMIME the content has no lines')],
  ),
];
