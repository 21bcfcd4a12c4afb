/**
 * What an SMTP service extension is (RFC 5321 §2.2): a keyword in the EHLO reply, parameters of MAIL and RCPT, verbs, and
 * longer command lines. The extensions of this package and those of its users are written with the same interface.
 *
 * Not here: the extensions themselves (`extensions/`), and calling a verb's method (`server/conversation.ts`).
 */

import { isVerb } from './command.js';
import { isStandardVerb } from './command-rules.js';
import { UsageError } from './errors.js';
import type { Parameter } from './parameters.js';
import { REPLY_TEXT_BYTES_MAX, type Reply } from './reply.js';

/** What an extension may look at to decide whether and how it is offered. Some of it changes in a session, by STARTTLS and AUTH. */
export interface OfferFacts {
  /** What is spoken: SMTP, or LMTP (RFC 2033). */
  readonly protocol: 'smtp' | 'lmtp';
  /** Octets of the largest message that is taken; `undefined` for no limit. */
  readonly sizeLimitBytes: number | undefined;
  /** Whether messages are handed over as text (`decodeData`). */
  readonly isDecoded: boolean;
  /** Whether SMTPUTF8 is switched on. */
  readonly isSMTPUTF8Enabled: boolean;
  /** Whether BINARYMIME is offered, and so `BODY=BINARYMIME` is understood. */
  readonly isBinaryOffered: boolean;
  /** Whether the session is on TLS. */
  readonly isSecured: boolean;
  /** Whether an authentication can be bound to this session's TLS (RFC 9266). */
  readonly hasChannelBinding: boolean;
  /** Whether the session could be put on TLS. */
  readonly canStartTLS: boolean;
  /** Whether the client has said who it is, and proved it. */
  readonly isAuthenticated: boolean;
  /** The SASL mechanisms that the client may use now; none where AUTH is not to be offered. */
  readonly authMechanisms: readonly string[];
  /** Those that it could use if it were on TLS. */
  readonly authMechanismsOnTLS: readonly string[];
  /** Whether this client may say XCLIENT. */
  readonly mayXCLIENT: boolean;
  /** Whether this client may say XFORWARD. */
  readonly mayXFORWARD: boolean;
  /** Recipients of one message; `Infinity` for no limit. */
  readonly recipientsMax: number;
  /** Messages of one session; `Infinity` for no limit. */
  readonly messagesMax: number;
}

/** What one client is not offered, of what others are. */
export interface OfferNarrowing {
  /** Keywords: nothing of their extensions is there. One that the server has not is passed over. */
  readonly without?: readonly string[];
  /** Octets of its largest message, where that is less than `dataSizeLimit`. */
  readonly sizeLimitBytes?: number;
  /** Recipients of one message, where that is less than `limits.recipientsMax`. */
  readonly recipientsMax?: number;
}

/** What is left when both apply. */
export function joinNarrowings(a: OfferNarrowing, b: OfferNarrowing): OfferNarrowing {
  return {
    without: [...(a.without ?? []), ...(b.without ?? [])],
    sizeLimitBytes: Math.min(a.sizeLimitBytes ?? Infinity, b.sizeLimitBytes ?? Infinity),
    recipientsMax: Math.min(a.recipientsMax ?? Infinity, b.recipientsMax ?? Infinity),
  };
}

/** What may change in a session, or differ between two of one server, and with it what is offered. */
export interface Situation extends Pick<
  OfferFacts,
  'isSecured' | 'hasChannelBinding' | 'isAuthenticated' | 'mayXCLIENT' | 'mayXFORWARD'
> {
  /** What the application has taken from this client's offer. */
  readonly narrowing?: OfferNarrowing | undefined;
}

/** How a session begins: nobody has proved anything, and nobody is trusted. */
export const IN_CLEAR: Situation = Object.freeze({
  isSecured: false,
  hasChannelBinding: false,
  isAuthenticated: false,
  mayXCLIENT: false,
  mayXFORWARD: false,
});

/** A parameter of MAIL or RCPT. */
export interface ParameterDefinition {
  /**
   * Judges the value.
   *
   * @param value - what stands behind `=`, as it was sent; `undefined` when there was no `=`
   * @returns the value in the form in which the application sees it, or a {@link Reply} that refuses the command
   */
  readonly parse: (value: string | undefined, offer: OfferFacts) => ParsedParameter | Reply;
}

/** A value in the form in which the application sees it; `undefined` for a parameter without one. */
export interface ParsedParameter {
  readonly value: string | undefined;
}

/**
 * Judges all parameters of one MAIL or RCPT command together, each of which was parsed: for rules between parameters. It is not
 * asked about a command without parameters.
 *
 * @returns a {@link Reply} that refuses the command, or `undefined`
 */
export type ParametersJudge = (parameters: readonly Parameter[], facts: OfferFacts) => Reply | undefined;

/** What a verb's method is handed. */
export interface VerbRequest {
  /** The text behind the verb: `undefined` when there was none, without blanks at both ends otherwise. */
  readonly argument: string | undefined;
  /** The session that the command came in. */
  readonly session: VerbSession;
  /**
   * Sends an intermediate reply (3yz) and waits for the line that answers it.
   *
   * @returns the line without its CRLF, each octet as one character
   */
  readonly readLine: (prompt: Reply | string) => Promise<string>;
}

/** What a verb's method can see of its session: of what a hook is told, that without which hardly a verb can be answered. */
export interface VerbSession {
  readonly id: string;
  readonly phase: string;
  readonly clientName: string | undefined;
  readonly isExtended: boolean;
  /** The client's end. */
  readonly peer: { readonly address: string; readonly port: number };
  /** `undefined` while the session is in clear. */
  readonly tls: object | undefined;
  /** Who the client proved to be; `undefined` before AUTH. */
  readonly identity: { readonly user: string; readonly authorizationIdentity: string | undefined } | undefined;
  /** The envelope of the open transaction; `undefined` when none is open. */
  readonly envelope:
    | {
        readonly mailFrom: string;
        readonly rcptTos: readonly string[];
        readonly mailOptions: readonly string[];
        readonly rcptOptions: readonly (readonly string[])[];
      }
    | undefined;
}

/** What a verb's method may answer: nothing is `250 OK`. */
export type VerbVerdict = Reply | string | undefined;

/** A verb that an extension adds. */
export interface VerbDefinition {
  /** What HELP and a `501 Syntax:` reply show, such as `XPING [SP <text>]`. It begins with the verb. */
  readonly syntax: string;
  /** Answers the command. What it throws, apart from `SMTPReplyError`, is answered with 451 and logged. */
  readonly run: (request: VerbRequest) => VerbVerdict | void | Promise<VerbVerdict | void>;
}

/** An SMTP service extension. */
export interface Extension {
  /** The EHLO keyword, which is the extension's name. */
  readonly keyword: string;
  /**
   * The line in the EHLO reply: `true` for the keyword alone, a string for what stands behind it, `false` for not offered.
   * Not offered means that nothing of the extension is there, unless `isAlwaysAccepted`. Default: `true`.
   */
  readonly offer?: (facts: OfferFacts) => boolean | string;
  /** Whether parameters are accepted although the keyword is not offered. Default: `false`. */
  readonly isAlwaysAccepted?: boolean | ((facts: OfferFacts) => boolean);
  readonly mailParameters?: Readonly<Record<string, ParameterDefinition>>;
  readonly rcptParameters?: Readonly<Record<string, ParameterDefinition>>;
  /** Judges the parameters of MAIL together, once each was parsed. */
  readonly judgeMail?: ParametersJudge;
  /** Judges the parameters of RCPT together, once each was parsed. */
  readonly judgeRcpt?: ParametersJudge;
  /** Commands of this package's own table that come with the keyword, such as BDAT with CHUNKING. */
  readonly commands?: readonly string[];
  readonly verbs?: Readonly<Record<string, VerbDefinition>>;
  /** Verb → octets that the extension adds to its longest command line (RFC 5321 §4.1.1.2). */
  readonly lineBytes?: Readonly<Record<string, number>>;
}

/**
 * Checks an extension and freezes it.
 *
 * @throws {@link UsageError} `SMTPD_BAD_EXTENSION` when a keyword, parameter or verb is not well formed
 *
 * @example
 * ```ts
 * import { defineExtension, SMTPServer } from 'smtpd';
 * const ping = defineExtension({
 *   keyword: 'XPING',
 *   verbs: { XPING: { syntax: 'XPING', run: () => '250 2.0.0 pong' } },
 * });
 * new SMTPServer({ extensions: [ping] });
 * ```
 */
export function defineExtension(extension: Extension): Extension {
  const { keyword } = extension;
  if (!KEYWORD.test(keyword)) {
    throw badExtension(keyword, 'its keyword is letters, digits and hyphens in upper case (RFC 5321 §4.1.1.1)');
  }
  for (const parameters of [extension.mailParameters, extension.rcptParameters]) {
    for (const [name, definition] of Object.entries(parameters ?? {})) {
      if (!KEYWORD.test(name)) throw badExtension(keyword, `the parameter "${name}" is not an upper-case keyword`);
      if (typeof definition.parse !== 'function')
        throw badExtension(keyword, `the parameter "${name}" has no parse function`);
    }
  }
  for (const command of extension.commands ?? []) {
    if (!isVerb(command)) throw badExtension(keyword, `"${command}" is not a command: commands are in upper case`);
  }
  for (const [verb, definition] of Object.entries(extension.verbs ?? {})) {
    if (!isVerb(verb))
      throw badExtension(keyword, `"${verb}" cannot be a verb: letters, digits and hyphens, in upper case`);
    if (isStandardVerb(verb)) {
      throw badExtension(keyword, `${verb} is a command of RFC 5321; override smtp_${verb} in a channel class instead`);
    }
    if (typeof definition.run !== 'function') throw badExtension(keyword, `the verb ${verb} has no run function`);
    if (definition.syntax !== verb && !definition.syntax.startsWith(`${verb} `))
      throw badExtension(keyword, `the syntax of ${verb} does not begin with ${verb}`);
    if (!PRINTABLE.test(definition.syntax))
      throw badExtension(keyword, `the syntax of ${verb} is one line of printable US-ASCII`);
  }
  for (const [verb, bytes] of Object.entries(extension.lineBytes ?? {})) {
    if (!isVerb(verb)) throw badExtension(keyword, `lineBytes.${verb} names no verb: verbs are in upper case`);
    if (!Number.isInteger(bytes) || bytes < 0) throw badExtension(keyword, `lineBytes.${verb} is a number of octets`);
  }
  return Object.freeze({ ...extension });
}

/** What all extensions of a server come to, for one set of facts. Made once, shared by all sessions of which the facts are true. */
export interface Offer {
  readonly facts: OfferFacts;
  /** The lines of the EHLO reply behind the host name. */
  readonly keywordLines: readonly string[];
  readonly mailParameters: ReadonlyMap<string, ParameterDefinition>;
  readonly rcptParameters: ReadonlyMap<string, ParameterDefinition>;
  readonly mailJudges: readonly ParametersJudge[];
  readonly rcptJudges: readonly ParametersJudge[];
  /** Commands of the table that are there because their keyword is. */
  readonly commands: ReadonlySet<string>;
  readonly verbs: ReadonlyMap<string, VerbDefinition>;
  /** Verb → octets that its line may have beyond the basic limit. */
  readonly lineBytes: ReadonlyMap<string, number>;
  /** Octets that the longest line may have beyond the basic limit, in any situation. */
  readonly lineBytesMax: number;
  /** Whether a client may send commands ahead (RFC 2920). */
  readonly isPipeliningOffered: boolean;
}

/** How {@link composeOffer} departs from offering all there is. */
export interface OfferOptions {
  /** Keywords that are not offered; nothing of their extensions is accepted either. */
  readonly disabled?: readonly string[];
}

/**
 * Puts the extensions of a server together. One list may be put together for several sets of facts: before and after STARTTLS and
 * AUTH.
 *
 * @throws {@link UsageError} `SMTPD_BAD_EXTENSION` when two of them declare the same thing, `SMTPD_BAD_OPTION` when a keyword is
 * disabled that none of them has
 */
export function composeOffer(
  extensions: readonly Extension[],
  facts: OfferFacts,
  { disabled = [] }: OfferOptions = {},
): Offer {
  const keywords = new Set<string>();
  const keywordLines: string[] = [];
  const mailParameters = new Map<string, ParameterDefinition>();
  const rcptParameters = new Map<string, ParameterDefinition>();
  const mailJudges: ParametersJudge[] = [];
  const rcptJudges: ParametersJudge[] = [];
  const commands = new Set<string>();
  const verbs = new Map<string, VerbDefinition>();
  const lineBytes = new Map<string, number>();
  const lineBytesOfAll = new Map<string, number>();
  const addAll = <T>(map: Map<string, T>, entries: Readonly<Record<string, T>> | undefined, keyword: string): void => {
    for (const [name, value] of Object.entries(entries ?? {})) {
      if (map.has(name)) throw badExtension(keyword, `${name} is declared by another extension too`);
      map.set(name, value);
    }
  };
  // Not every extension was made by `defineExtension`: an object of the same shape will do.
  for (const extension of extensions.map(defineExtension)) {
    const { keyword } = extension;
    if (keywords.has(keyword)) throw badExtension(keyword, 'the same keyword is there twice');
    keywords.add(keyword);
    if (disabled.includes(keyword)) continue;
    addBytes(lineBytesOfAll, extension);
    const offered = extension.offer?.(facts) ?? true;
    if (offered !== false) keywordLines.push(keywordLine(keyword, offered));
    else if (!isAcceptedUnoffered(extension, facts)) continue;
    addAll(mailParameters, extension.mailParameters, keyword);
    addAll(rcptParameters, extension.rcptParameters, keyword);
    addAll(verbs, extension.verbs, keyword);
    if (extension.judgeMail !== undefined) mailJudges.push(extension.judgeMail);
    if (extension.judgeRcpt !== undefined) rcptJudges.push(extension.judgeRcpt);
    for (const command of extension.commands ?? []) commands.add(command);
    if (offered !== false) addBytes(lineBytes, extension);
  }
  const unknown = disabled.find((keyword) => !keywords.has(keyword));
  if (unknown !== undefined) {
    throw new UsageError(
      'SMTPD_BAD_OPTION',
      `There is no extension "${unknown}" to disable; there are: ${[...keywords].join(', ')}`,
    );
  }
  return Object.freeze({
    facts,
    keywordLines: Object.freeze(keywordLines),
    mailParameters,
    rcptParameters,
    mailJudges: Object.freeze(mailJudges),
    rcptJudges: Object.freeze(rcptJudges),
    commands,
    verbs,
    lineBytes,
    lineBytesMax: Math.max(0, ...lineBytesOfAll.values()),
    isPipeliningOffered: keywordLines.includes('PIPELINING'),
  });
}

function addBytes(map: Map<string, number>, { lineBytes = {} }: Extension): void {
  for (const [verb, bytes] of Object.entries(lineBytes)) map.set(verb, (map.get(verb) ?? 0) + bytes);
}

function isAcceptedUnoffered({ isAlwaysAccepted = false }: Extension, facts: OfferFacts): boolean {
  return typeof isAlwaysAccepted === 'function' ? isAlwaysAccepted(facts) : isAlwaysAccepted;
}

/** RFC 5321 §4.1.1.1: `ehlo-line`. It is one line of the reply, or it would be another keyword. */
function keywordLine(keyword: string, offered: true | string): string {
  const line = offered === true || offered === '' ? keyword : `${keyword} ${offered}`;
  if (!PRINTABLE.test(line) || line.length > REPLY_TEXT_BYTES_MAX) {
    throw badExtension(
      keyword,
      `what it offers is printable US-ASCII, at most ${String(REPLY_TEXT_BYTES_MAX)} octets with the keyword`,
    );
  }
  return line;
}

function badExtension(keyword: string, reason: string): UsageError {
  return new UsageError('SMTPD_BAD_EXTENSION', `Extension ${keyword}: ${reason}`);
}

// RFC 5321 §4.1.1.1 (ehlo-keyword) and §4.1.2 (esmtp-keyword): letters, digits, hyphens. Keywords are compared in upper case.
const KEYWORD = /^[A-Z0-9][A-Z0-9-]*$/;
const PRINTABLE = /^[ -~]*$/;
