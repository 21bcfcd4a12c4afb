/**
 * Input that is wrong and harmless: what is sent, and what is to be thought of the answers. Each is sent on a connection of its own,
 * then QUIT, so that all answers to it can be counted.
 */

import { isPositive, note, ok, warning, type Judgement } from './finding.js';
import type { WireReply } from './wire.js';

/** Input that is wrong. */
export interface WrongInput {
  readonly name: string;
  readonly clause: string;
  /** The octets, each character one of them. */
  readonly octets: string;
  /** Whether EHLO comes first. */
  readonly isGreeted: boolean;
  /** @param replies - those that came before the one to QUIT; none when the server closed at once */
  readonly judge: (replies: readonly WireReply[]) => Judgement;
}

/** In the order in which they are sent. */
export const WRONG_INPUTS: readonly WrongInput[] = [
  {
    name: 'MAIL before EHLO',
    clause: 'RFC 5321 §4.1.4',
    octets: 'MAIL FROM:<>\r\n',
    isGreeted: false,
    judge: single((reply) => {
      if (reply.code === 503) return ok('refused', reply);
      return isPositive(reply) ? note('taken; nobody needs to say who they are', reply) : ok('not taken', reply);
    }),
  },
  {
    name: 'unknown verb',
    clause: 'RFC 5321 §4.2.4',
    octets: 'XSMTPDPROBE\r\n',
    isGreeted: true,
    judge: single(unrecognized),
  },
  {
    name: '8-bit verb',
    clause: 'RFC 5321 §2.4',
    octets: 'N\u00d6\u00d6P\r\n',
    isGreeted: true,
    judge: single(unrecognized),
  },
  {
    name: 'NUL in a command',
    clause: 'RFC 5321 §4.1.1',
    octets: 'NO\u0000OP\r\n',
    isGreeted: true,
    judge: single(unrecognized),
  },
  {
    name: 'bare LF in a command',
    clause: 'RFC 5321 §2.3.8',
    octets: 'NOOP x\nNOOP\r\n',
    isGreeted: true,
    judge(replies) {
      const [first, second] = replies;
      if (first === undefined) return ok('the server closed');
      if (second !== undefined)
        return warning('LF alone ended a command; other servers see one line where this one sees two', first, second);
      return isPositive(first) ? note('taken as part of the line', first) : ok('refused', first);
    },
  },
  ...[600, 5_000].map((length): WrongInput => ({
    name: `line of ${String(length)} octets`,
    clause: 'RFC 5321 §4.5.3.1.4',
    octets: `NOOP ${'x'.repeat(length - 'NOOP \r\n'.length)}\r\n`,
    isGreeted: true,
    judge: single((reply) => (isPositive(reply) ? ok('taken whole', reply) : ok('refused', reply))),
  })),
];

/** One line has one answer. */
function single(judge: (reply: WireReply) => Judgement): WrongInput['judge'] {
  return (replies) => {
    const [first, second] = replies;
    if (first === undefined) return note('the server closed without a word');
    return second === undefined ? judge(first) : warning('one line was answered more than once', first, second);
  };
}

function unrecognized(reply: WireReply): Judgement {
  if (isPositive(reply)) return warning('taken', reply);
  if (reply.code === 500) return ok('not recognized', reply);
  // RFC 5321 §4.2.4: 502 is for commands that are recognized and not implemented.
  return note('refused, but not with 500', reply);
}
