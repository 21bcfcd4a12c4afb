/**
 * Every bound on what a client may make us hold, count or wait for: its name, its default, and the clause or the reason.
 * All are on by default. `docs/limits.md` is made from {@link LIMIT_NOTES}.
 *
 * Not here: the size of a message, which is `dataSizeLimit` of the server (RFC 1870).
 */

import { UsageError } from './errors.js';
import { unknownOptions, type KnownOptions } from './unknown-options.js';

/** The bounds of a server. Each may be given a number, or `Infinity` for no bound. */
export interface Limits {
  /** Octets of a command line without its CRLF; each extension adds what its parameters need. */
  readonly commandLengthBytesMax: number;
  /** Octets of a continuation line that a verb asked for, without its CRLF. */
  readonly continuationLengthBytesMax: number;
  /** Octets of one overlong line that are dropped while its CRLF does not come. */
  readonly discardedLineBytesMax: number;
  /**
   * Commands since the last complete message that did not carry a transaction on: NOOP, RSET, VRFY, HELP, EHLO and the like, and chunks that
   * were sent behind one that was refused.
   */
  readonly idleCommandsMax: number;
  /** Commands of one session that were not well formed, unknown, or out of sequence, since the last complete message. */
  readonly errorsMax: number;
  /** Commands of one session that the application or a policy refused, since the last complete message. */
  readonly refusalsMax: number;
  /** Failed authentications of one session. The last one closes it. */
  readonly authFailuresMax: number;
  /** Failed authentications of one client address (IPv6: of one /64 network) within `authFailuresWindowMs`. */
  readonly authFailuresPerAddressMax: number;
  /** How long a failed authentication counts against its address, in ms. */
  readonly authFailuresWindowMs: number;
  /** How long the reply to a failed authentication is held back, in ms; twice as long with each further one of the address. */
  readonly authFailureDelayMs: number;
  /** Octets of one line of a message, without its CRLF. */
  readonly contentLineBytesMax: number;
  /** Recipients of one message. */
  readonly recipientsMax: number;
  /** Messages of one session. */
  readonly messagesMax: number;
  /** Sessions at a time, of all clients together. */
  readonly sessionsMax: number;
  /** Sessions at a time of one client address (IPv6: of one /64 network). */
  readonly sessionsPerAddressMax: number;
  /** Connections of one client address (IPv6: of one /64 network) within a minute. */
  readonly connectionsPerMinuteMax: number;
  /** Octets that one session may send. */
  readonly sessionBytesMax: number;
  /** How long we wait for a TLS handshake, in ms. */
  readonly handshakeWaitMs: number;
  /** How long we wait for a PROXY header from a network that sends one, in ms. */
  readonly proxyHeaderWaitMs: number;
  /** How long a session may last, in ms. A message that is on its way is finished first. */
  readonly sessionAgeMs: number;
  /** How long we wait for the next command, in ms. */
  readonly commandWaitMs: number;
  /** How long we wait for the next octets of a message, in ms. */
  readonly contentWaitMs: number;
  /** The lowest rate of a message in octets a second, counted over the time in which we waited for the client. */
  readonly contentRateMin: number;
  /** How long we wait for a client in one message before its rate is looked at, in ms. */
  readonly contentRateGraceMs: number;
  /** Octets of replies that the client has not read; more are not made, and nothing more is read. */
  readonly unreadRepliesBytesMax: number;
  /** How long a client may leave replies unread, in ms. */
  readonly unreadRepliesWaitMs: number;
  /** How long the application may think about a command, in ms. */
  readonly verdictWaitMs: number;
  /** How long the application may think about a message, in ms, after it came whole. */
  readonly messageVerdictWaitMs: number;
}

/** What a client hears, what happens, and why the default is what it is. */
export interface LimitNote {
  readonly reply: string;
  readonly reason: string;
}

/** The defaults. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  commandLengthBytesMax: 512,
  continuationLengthBytesMax: 12_288,
  discardedLineBytesMax: 65_536,
  idleCommandsMax: 1_000,
  errorsMax: 50,
  refusalsMax: 1_000,
  authFailuresMax: 5,
  authFailuresPerAddressMax: 100,
  authFailuresWindowMs: 600_000,
  authFailureDelayMs: 500,
  contentLineBytesMax: 1_048_576,
  recipientsMax: 1_000,
  messagesMax: 1_000_000,
  sessionsMax: 20_000,
  sessionsPerAddressMax: 1_000,
  connectionsPerMinuteMax: 6_000,
  sessionBytesMax: 107_374_182_400,
  handshakeWaitMs: 60_000,
  proxyHeaderWaitMs: 10_000,
  sessionAgeMs: 86_400_000,
  commandWaitMs: 300_000,
  contentWaitMs: 180_000,
  contentRateMin: 100,
  contentRateGraceMs: 60_000,
  unreadRepliesBytesMax: 65_536,
  unreadRepliesWaitMs: 300_000,
  verdictWaitMs: 270_000,
  messageVerdictWaitMs: 570_000,
});

/** One note for each limit. */
export const LIMIT_NOTES: Readonly<Record<keyof Limits, LimitNote>> = Object.freeze({
  commandLengthBytesMax: {
    reply:
      '500 5.5.2 (AUTH: 5.5.6), once, at the end of the line; 421 4.7.0 and close when it is the first line of a session: that may be HTTP',
    reason:
      'RFC 5321 §4.5.3.1.4 asks for 512 with CRLF. SIZE adds 26 to MAIL (RFC 1870 §3), 8BITMIME 17 (RFC 6152 §2), SMTPUTF8 10 to MAIL and 9 to VRFY and EXPN (RFC 6531 §3.4, §3.7.4.2).',
  },
  continuationLengthBytesMax: {
    reply: '500 5.5.6',
    reason: 'RFC 4954 §4: 12,288 are enough for the mechanisms that are in use.',
  },
  discardedLineBytesMax: {
    reply: '421 4.7.0 and close',
    reason: 'RFC 5321 §4.5.3.1.4: a line has an end. A client that never sends one is not talking SMTP.',
  },
  idleCommandsMax: {
    reply: '421 4.7.0 and close',
    reason:
      'RFC 5321 §7.8: a server may protect itself. Commands that move no mail are cheap for the client, not for us.',
  },
  errorsMax: {
    reply: '421 4.7.0 and close',
    reason: 'RFC 5321 §4.3.2, §7.8. A client that makes this many errors is guessing.',
  },
  refusalsMax: {
    reply: '421 4.7.0 and close',
    reason:
      'RFC 5321 §7.3, §7.8. Asking for address after address is how directories are harvested; a mailing list with old entries still fits.',
  },
  authFailuresMax: {
    reply: '421 4.7.0 and close, instead of the last 535',
    reason: 'RFC 4954 §4, §9: guessing a password takes many attempts, remembering it takes a few.',
  },
  authFailuresPerAddressMax: {
    reply: '454 4.7.0 to AUTH, whatever it says',
    reason: 'RFC 4954 §9. A new session is no new chance.',
  },
  authFailuresWindowMs: {
    reply: '(how long `authFailuresPerAddressMax` looks back)',
    reason: 'An address is shared by people who do not guess.',
  },
  authFailureDelayMs: {
    reply: '535 5.7.8, later; never more than 8 times this',
    reason: 'RFC 4954 §9. A guess that costs time cannot be made often.',
  },
  contentLineBytesMax: {
    reply: '500 5.6.0 after the end of data',
    reason:
      'RFC 5321 §4.5.3.1.6 asks for 1,000 with CRLF, and generosity beyond. Longer lines are kept, and told in `facts.longestLineBytes`; a line without an end is no text.',
  },
  recipientsMax: {
    reply: '452 4.5.3 to each further RCPT',
    reason: 'RFC 5321 §4.5.3.1.8 asks for at least 100; §4.5.3.1.10: the client sends the rest in another transaction.',
  },
  messagesMax: {
    reply: '421 4.7.0 and close, before the next MAIL',
    reason: 'RFC 5321 §7.8. One session does not last for ever.',
  },
  sessionsMax: {
    reply: '421 4.3.2 instead of the greeting',
    reason: 'RFC 5321 §7.8. Each session costs memory and a descriptor.',
  },
  sessionsPerAddressMax: {
    reply: '421 4.7.0 instead of the greeting',
    reason:
      'RFC 5321 §7.8. One client must not take all sessions. Clients of this machine (loopback, Unix sockets) are counted only with `countLoopback`; whom a PROXY header or XCLIENT named counts for its own address.',
  },
  connectionsPerMinuteMax: {
    reply: '421 4.7.0 instead of the greeting',
    reason:
      'RFC 5321 §7.8. Connecting and leaving costs us more than it costs them. Counted like `sessionsPerAddressMax`.',
  },
  sessionBytesMax: { reply: '421 4.7.0 and close', reason: 'RFC 5321 §7.8. One session does not last for ever.' },
  handshakeWaitMs: {
    reply: 'none, close',
    reason: 'RFC 3207 §4. Nobody can be told anything in the middle of a handshake.',
  },
  proxyHeaderWaitMs: {
    reply: 'none, close',
    reason: 'Only networks that send a PROXY header are waited for. The header is the first thing on the connection.',
  },
  sessionAgeMs: { reply: '421 4.4.2 and close, between messages', reason: 'RFC 5321 §3.8, §7.8.' },
  commandWaitMs: { reply: '421 4.4.2 and close', reason: 'RFC 5321 §4.5.3.2.7 asks for at least 5 minutes.' },
  contentWaitMs: {
    reply: '421 4.4.2 and close',
    reason: 'RFC 5321 §4.5.3.2.5: a sender waits 3 minutes for a block to go out.',
  },
  contentRateMin: {
    reply: '421 4.4.2 and close',
    reason: 'RFC 5321 §7.8. A message that drips in holds a session for hours.',
  },
  contentRateGraceMs: {
    reply: '(when `contentRateMin` begins to count)',
    reason: 'A slow start is not a slow client.',
  },
  unreadRepliesBytesMax: {
    reply: 'none: reading stops until the client reads',
    reason: 'RFC 2920 §3.1: a client reads replies. What it does not read must not pile up here.',
  },
  unreadRepliesWaitMs: {
    reply: 'none, close',
    reason: 'RFC 5321 §4.5.3.2.7. A client that does not read cannot be told.',
  },
  verdictWaitMs: {
    reply: '451 4.3.0 (AUTH: 454 4.7.0)',
    reason:
      'RFC 5321 §4.5.3.2.2, §4.5.3.2.3: a client waits 5 minutes for the reply to MAIL or RCPT; we answer before it leaves.',
  },
  messageVerdictWaitMs: {
    reply: '451 4.3.0',
    reason: 'RFC 5321 §4.5.3.2.6: a client waits 10 minutes for the reply to a message; we answer before it leaves.',
  },
});

/**
 * Completes what the user gave with the defaults.
 *
 * @throws {@link UsageError} `SMTPD_BAD_OPTION` for an unknown name or a value that is not a positive number
 */
export function completeLimits(given: Partial<Limits>): Limits {
  const unknown = unknownOptions(given, LIMITS);
  if (unknown !== undefined) throw new UsageError('SMTPD_BAD_OPTION', unknown);
  const limits: Record<string, number> = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries<unknown>(given)) {
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value > 0)) {
      throw new UsageError(
        'SMTPD_BAD_OPTION',
        `limits.${name} is a number above 0, or Infinity for no bound, not ${typeof value === 'number' ? String(value) : `a ${typeof value}`}`,
      );
    }
    limits[name] = value;
  }
  return Object.freeze(limits) as unknown as Limits;
}

const LIMITS: KnownOptions = {
  known: new Set(Object.keys(DEFAULT_LIMITS)),
  title: (name) => `limits.${name} is unknown`,
};
