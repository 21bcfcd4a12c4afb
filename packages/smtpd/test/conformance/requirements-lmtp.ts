/** What RFC 2033 (LMTP) asks of a server. */

import { application, differs, line, met, row, type Requirement } from './requirement.js';

const SESSION = 'protocol/server-session.ts';
const EACH = line('protocol/message-reception.ts', 'RFC 2033 §4.2: LMTP has a reply for each recipient');
const EACH_VERDICT = line(
  'server/verdict.ts',
  'What may be answered to a message: one verdict for all recipients, or one for each',
);

/** The rows. */
export const REQUIREMENTS_LMTP: readonly Requirement[] = [
  met(
    row(2033, '§4', 'says', 'LMTP is ESMTP with its extensions, but for what follows.'),
    [line('server/server-options.ts', '`lmtp` (RFC 2033), which has a reply for each recipient')],
    ['LHLO does what EHLO does'],
  ),
  met(
    row(
      2033,
      '§4.1',
      'MUST NOT',
      'HELO and EHLO are not answered with success; LHLO takes their place, with the same meaning.',
    ),
    [line('protocol/command-rules.ts', "clause: 'RFC 2033 §4.1'"), line(SESSION, 'and LHLO (RFC 2033 §4.1)')],
    ['LHLO does what EHLO does', 'HELO and EHLO are refused with 500, and in SMTP so is LHLO'],
  ),
  met(
    row(2033, '§4.2', 'MUST', 'DATA is answered 503 where no RCPT was successful.'),
    [line('protocol/command-rules.ts', 'sender: needRCPT')],
    ['DATA without a recipient that was accepted is answered 503'],
  ),
  met(
    row(
      2033,
      '§4.2',
      'MUST',
      'The end of data has one reply for each successful RCPT, in their order, also for an address that came twice.',
    ),
    [EACH, EACH_VERDICT, line(SESSION, 'with one reply for each of its recipients, in order (RFC 2033 §4.2)')],
    [
      'the end of data has one reply for each recipient that was accepted, in order',
      'a recipient that was accepted twice has two replies',
      'one verdict for all is said once for each of them',
      'content that is refused for its form is refused for each of them',
      'in SMTP there is one reply for all',
    ],
  ),
  application(
    row(
      2033,
      '§4.2',
      'MUST',
      'Each positive reply takes the message over for its recipient, who must not lose it for a frivolous reason.',
    ),
    'whoever writes `processMessage`: it returns a Map from recipients to verdicts when each has been served',
    ['the end of data has one reply for each recipient that was accepted, in order'],
    [EACH_VERDICT],
  ),
  met(
    row(2033, '§4.3', 'MUST', 'The last chunk has one reply for each successful RCPT; any other chunk has one reply.'),
    [EACH, line('protocol/message-reception.ts', 'octets received')],
    ['the last chunk has one reply for each recipient that was accepted, and any other chunk has one'],
  ),
  differs(
    row(2033, '§4.3', 'says', 'Without a successful RCPT the last chunk has no reply at all.'),
    'It is answered 503, as DATA is and as in SMTP: every command has a reply, and a client that waits for one does not wait in vain. A client that knows that it has no recipient has no reason to send the chunk.',
    [line('protocol/command-rules.ts', "clause: 'RFC 3030 §2'")],
    ['the last chunk without a recipient is answered 503, as DATA is'],
  ),
  met(
    row(2033, '§5', 'MUST', 'PIPELINING and ENHANCEDSTATUSCODES are offered, and 8BITMIME should be.'),
    [line('protocol/extensions/index.ts', 'export const STANDARD_EXTENSIONS')],
    ['PIPELINING, ENHANCEDSTATUSCODES and 8BITMIME are offered'],
  ),
  application(
    row(2033, '§5', 'MUST NOT', 'LMTP is not spoken on port 25.'),
    'the operator, by `localAddress`; `disabledExtensions` is the operator’s, too',
  ),
];
