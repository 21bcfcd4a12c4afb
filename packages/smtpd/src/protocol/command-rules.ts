/**
 * What is true of each command, as one table: in which phases it may come, where it leads, its syntax and its argument.
 *
 * HELP, the replies to commands out of sequence, the state diagram in `docs/` and the phase × verb tests all read these
 * rows. Nothing else in the package knows in which order commands may come.
 */

import { InvariantError } from './errors.js';
import { octetAt } from './octets.js';
import type { Reply } from './reply.js';
import {
  CHUNKS_BEGUN,
  NEED_MAIL,
  NEED_RCPT,
  NESTED_MAIL,
  NOT_IN_TRANSACTION,
  SEND_HELO_FIRST,
  SESSION_REFUSED,
} from './standard-replies.js';

/** The phases in which a command line is expected. */
export const COMMAND_PHASES = ['refused', 'start', 'ready', 'sender', 'recipients', 'chunks'] as const;

/** One of the phases in which a command line is expected. */
export type CommandPhase = (typeof COMMAND_PHASES)[number];

/** Every phase of a session. */
export type Phase = 'opening' | CommandPhase | 'content' | 'chunk' | 'securing' | 'closed';

/** The commands that this package knows, in the order in which HELP names them. */
export type StandardVerb =
  | 'EHLO'
  | 'HELO'
  | 'LHLO'
  | 'STARTTLS'
  | 'AUTH'
  | 'MAIL'
  | 'RCPT'
  | 'DATA'
  | 'BDAT'
  | 'RSET'
  | 'NOOP'
  | 'QUIT'
  | 'VRFY'
  | 'EXPN'
  | 'HELP'
  | 'ETRN'
  | 'XCLIENT'
  | 'XFORWARD';

/** What a command does in one phase: lead to a phase when it is accepted, or come out of sequence. */
export type PhaseRule = { readonly to: Phase } | { readonly outOfSequence: Reply };

/** A row of the table. */
export interface CommandRule {
  readonly verb: StandardVerb;
  /** The syntax that a `501 Syntax:` reply and HELP show. */
  readonly syntax: string;
  /** What is added to the syntax after EHLO. */
  readonly parameters?: string;
  readonly argument: 'required' | 'forbidden' | 'optional' | 'ignored';
  /** Whether HELP lists the command: what is not implemented is not listed. */
  readonly isListed: boolean;
  /** `core`: there in every session. `extension`: there when an extension that names it is offered. */
  readonly belongsTo: 'core' | 'smtp' | 'lmtp' | 'extension';
  /** Whether it may come before TLS where that is required (RFC 3207 §4). */
  readonly mayComeBeforeTLS: boolean;
  /** Whether it may come before AUTH where that is required (RFC 4954 §6). */
  readonly mayComeBeforeAUTH: boolean;
  /** Whether the command carries a transaction on; the others count against `idleCommandsMax`. */
  readonly movesMail: boolean;
  /** Whether the client has to wait for its reply, which decides what may come next (RFC 2920 §3.1). */
  readonly isSynchronizing: boolean;
  /** The RFC and its clause. */
  readonly clause: string;
  readonly in: Readonly<Record<CommandPhase, PhaseRule>>;
}

// RFC 5321 §3.1: after a 554 greeting the server waits for QUIT and answers 503 to everything else.
const refused = { outOfSequence: SESSION_REFUSED } as const;
const needHELO = { outOfSequence: SEND_HELO_FIRST } as const;
const needMAIL = { outOfSequence: NEED_MAIL } as const;
const needRCPT = { outOfSequence: NEED_RCPT } as const;
const nestedMAIL = { outOfSequence: NESTED_MAIL } as const;
const chunksBegun = { outOfSequence: CHUNKS_BEGUN } as const;
const notInTransaction = { outOfSequence: NOT_IN_TRANSACTION } as const;
const to = (phase: Phase): PhaseRule => ({ to: phase });
/** Commands that change nothing (RFC 5321 §4.1.1.6 to §4.1.1.9): in every phase, and they stay there. */
const staying = {
  refused,
  start: to('start'),
  ready: to('ready'),
  sender: to('sender'),
  recipients: to('recipients'),
  chunks: to('chunks'),
};
/** RFC 5321 §4.1.4: EHLO and HELO may come again at any time and then also do what RSET does. */
const greeting = {
  refused,
  start: to('ready'),
  ready: to('ready'),
  sender: to('ready'),
  recipients: to('ready'),
  chunks: to('ready'),
};
/** After the client has named itself, and while no transaction is open. */
const betweenTransactions = (phase: Phase): CommandRule['in'] => ({
  refused,
  start: needHELO,
  ready: to(phase),
  sender: notInTransaction,
  recipients: notInTransaction,
  chunks: notInTransaction,
});

/** The table. */
export const COMMAND_RULES: Readonly<Record<StandardVerb, CommandRule>> = Object.freeze({
  EHLO: {
    verb: 'EHLO',
    syntax: 'EHLO hostname',
    argument: 'required',
    isListed: true,
    belongsTo: 'smtp',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: true,
    clause: 'RFC 5321 §4.1.1.1',
    in: greeting,
  },
  HELO: {
    verb: 'HELO',
    syntax: 'HELO hostname',
    argument: 'required',
    isListed: true,
    belongsTo: 'smtp',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: true,
    clause: 'RFC 5321 §4.1.1.1',
    in: greeting,
  },
  LHLO: {
    verb: 'LHLO',
    syntax: 'LHLO hostname',
    argument: 'required',
    isListed: true,
    belongsTo: 'lmtp',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: true,
    clause: 'RFC 2033 §4.1',
    in: greeting,
  },
  STARTTLS: {
    verb: 'STARTTLS',
    syntax: 'STARTTLS',
    argument: 'forbidden',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 3207 §4',
    in: betweenTransactions('securing'),
  },
  AUTH: {
    verb: 'AUTH',
    syntax: 'AUTH mechanism [SP initial-response]',
    argument: 'required',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 4954 §4',
    in: betweenTransactions('ready'),
  },
  MAIL: {
    verb: 'MAIL',
    syntax: 'MAIL FROM: <address>',
    parameters: '[SP <mail-parameters>]',
    argument: 'required',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: true,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.2',
    in: {
      refused,
      start: needHELO,
      ready: to('sender'),
      sender: nestedMAIL,
      recipients: nestedMAIL,
      chunks: nestedMAIL,
    },
  },
  RCPT: {
    verb: 'RCPT',
    syntax: 'RCPT TO: <address>',
    parameters: '[SP <rcpt-parameters>]',
    argument: 'required',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: true,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.3',
    in: {
      refused,
      start: needHELO,
      ready: needMAIL,
      sender: to('recipients'),
      recipients: to('recipients'),
      chunks: chunksBegun,
    },
  },
  DATA: {
    verb: 'DATA',
    syntax: 'DATA',
    argument: 'forbidden',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: true,
    isSynchronizing: true,
    clause: 'RFC 5321 §4.1.1.4',
    in: {
      refused,
      start: needHELO,
      ready: needRCPT,
      sender: needRCPT,
      recipients: to('content'),
      chunks: chunksBegun,
    },
  },
  BDAT: {
    verb: 'BDAT',
    syntax: 'BDAT chunk-size [SP LAST]',
    argument: 'required',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: true,
    isSynchronizing: false,
    clause: 'RFC 3030 §2',
    in: {
      refused,
      start: needHELO,
      ready: needMAIL,
      sender: needRCPT,
      recipients: to('chunk'),
      chunks: to('chunk'),
    },
  },
  RSET: {
    verb: 'RSET',
    syntax: 'RSET',
    argument: 'forbidden',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.5',
    in: {
      refused,
      start: to('start'),
      ready: to('ready'),
      sender: to('ready'),
      recipients: to('ready'),
      chunks: to('ready'),
    },
  },
  NOOP: {
    verb: 'NOOP',
    syntax: 'NOOP',
    argument: 'ignored',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.9',
    in: staying,
  },
  QUIT: {
    verb: 'QUIT',
    syntax: 'QUIT',
    argument: 'ignored',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: true,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.10',
    in: {
      refused: to('closed'),
      start: to('closed'),
      ready: to('closed'),
      sender: to('closed'),
      recipients: to('closed'),
      chunks: to('closed'),
    },
  },
  VRFY: {
    verb: 'VRFY',
    syntax: 'VRFY <address>',
    argument: 'required',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.6',
    in: staying,
  },
  EXPN: {
    verb: 'EXPN',
    syntax: 'EXPN <list>',
    argument: 'optional',
    isListed: false,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.7',
    in: staying,
  },
  HELP: {
    verb: 'HELP',
    syntax: 'HELP [SP <topic>]',
    argument: 'optional',
    isListed: true,
    belongsTo: 'core',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 5321 §4.1.1.8',
    in: staying,
  },
  ETRN: {
    verb: 'ETRN',
    syntax: 'ETRN <node>',
    argument: 'required',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: false,
    movesMail: false,
    isSynchronizing: false,
    clause: 'RFC 1985 §5.1',
    in: betweenTransactions('ready'),
  },
  XCLIENT: {
    verb: 'XCLIENT',
    syntax: 'XCLIENT attribute=value [SP ...]',
    argument: 'required',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: true,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: true,
    clause: 'Postfix XCLIENT_README',
    in: { ...betweenTransactions('opening'), start: to('opening') },
  },
  XFORWARD: {
    verb: 'XFORWARD',
    syntax: 'XFORWARD attribute=value [SP ...]',
    argument: 'required',
    isListed: true,
    belongsTo: 'extension',
    mayComeBeforeTLS: false,
    mayComeBeforeAUTH: true,
    movesMail: false,
    isSynchronizing: false,
    clause: 'Postfix XFORWARD_README',
    in: betweenTransactions('ready'),
  },
});

/**
 * The row of the verb that a line of octets begins with, where it is one of four letters, as nearly all are, and nothing or a space is
 * behind it; else `undefined`. RFC 5321 §2.4: verbs are US-ASCII, in upper or lower case.
 *
 * @example
 * ```ts
 * fourLetterRuleAt(octets.encodeLatin1('mail FROM:<>'), 0, 12); // COMMAND_RULES.MAIL
 * ```
 */
export function fourLetterRuleAt(bytes: Uint8Array, start: number, end: number): CommandRule | undefined {
  if (end - start < 4 || (end - start > 4 && bytes[start + 4] !== SPACE)) return undefined;
  const first = octetAt(bytes, start);
  const second = octetAt(bytes, start + 1);
  const third = octetAt(bytes, start + 2);
  const fourth = octetAt(bytes, start + 3);
  return (first | second | third | fourth) < 0x80
    ? FOUR_LETTER_RULES.get(keyOf(first, second, third, fourth))
    : undefined;
}

/** One number of four octets below 0x80. Without the bit that tells their cases apart a letter is still like no other octet. */
function keyOf(first: number, second: number, third: number, fourth: number): number {
  return ((first & 0x5f) << 21) | ((second & 0x5f) << 14) | ((third & 0x5f) << 7) | (fourth & 0x5f);
}

/** What a command does in a phase: the cell of its row. A `switch`, because the cells of a row are asked for by nothing else. */
export function ruleInPhase(rule: CommandRule, phase: Phase): PhaseRule {
  switch (phase) {
    case 'recipients':
      return rule.in.recipients;
    case 'ready':
      return rule.in.ready;
    case 'sender':
      return rule.in.sender;
    case 'start':
      return rule.in.start;
    case 'chunks':
      return rule.in.chunks;
    case 'refused':
      return rule.in.refused;
    case 'opening':
    case 'content':
    case 'chunk':
    case 'securing':
    case 'closed':
      throw new InvariantError(`${rule.verb} cannot run in the phase ${phase}`);
  }
}

/** The row of a verb in upper case; `undefined` for one that is not in the table. */
export function ruleOf(verb: string): CommandRule | undefined {
  return RULES_BY_VERB.get(verb);
}

/** Whether this is a command of the table. */
export function isStandardVerb(verb: string): verb is StandardVerb {
  return RULES_BY_VERB.has(verb);
}

/** The syntax of a command as the client may use it: parameters come after EHLO only. */
export function syntaxOf(verb: StandardVerb, isExtended: boolean): string {
  const rule = COMMAND_RULES[verb];
  return isExtended && rule.parameters !== undefined ? `${rule.syntax} ${rule.parameters}` : rule.syntax;
}

const RULES_BY_VERB: ReadonlyMap<string, CommandRule> = new Map(Object.entries(COMMAND_RULES));
const FOUR_LETTER_RULES: ReadonlyMap<number, CommandRule> = new Map(
  Object.values(COMMAND_RULES)
    .filter(({ verb }) => verb.length === 4)
    .map((rule) => [keyOf(...(Array.from(rule.verb, (letter) => letter.charCodeAt(0)) as FourOctets)), rule]),
);
type FourOctets = [number, number, number, number];

const SPACE = 0x20;
