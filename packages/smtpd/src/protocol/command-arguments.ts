/**
 * What the arguments of commands say. Each function takes the text and gives what it means, or the reply that says what is wrong with it;
 * nothing here knows what else is under way. The grammar stands in `path.ts`, `parameters.ts` and `grammar.ts`.
 */

import { syntaxOf, type StandardVerb } from './command-rules.js';
import type { Offer } from './extension.js';
import { NO_MATCH } from './grammar.js';
import { utf8FromLatin1 } from './octets.js';
import { parseParameters, type Parameter } from './parameters.js';
import type { PathLine } from './path-line.js';
import { parseMailbox, parsePath, scanPathKeyword, type Path, type PathPolicy, type PathResult } from './path.js';
import { Reply } from './reply.js';
import type { Question, SessionOptions } from './session-events.js';
import type { Envelope, Recipient } from './session-state.js';
import * as replies from './standard-replies.js';

/** What decides how an argument is read. A dialogue is one. */
export interface ArgumentSetting {
  readonly options: Pick<SessionOptions, 'pathSyntax'>;
  readonly offer: Offer;
  readonly isExtended: boolean;
  /** The line with a path that was read last: nearly always the one that is asked about. */
  readonly pathLine: PathLine;
}

/** MAIL: a reverse-path and its parameters. */
export function parseSender(argument: string, setting: ArgumentSetting): Extract<Question, { kind: 'mail' }> | Reply {
  const parsed = parsePathAndParameters('MAIL', argument, setting);
  if (parsed instanceof Reply) return parsed;
  const { path: reversePath, parameters } = parsed;
  if (reversePath.isInternationalized && !hasParameter(parameters, 'SMTPUTF8')) return replies.NEED_SMTPUTF8;
  return { kind: 'mail', reversePath, parameters };
}

/** RCPT: a forward-path and its parameters. */
export function parseRecipient(argument: string, envelope: Envelope, setting: ArgumentSetting): Recipient | Reply {
  const parsed = parsePathAndParameters('RCPT', argument, setting);
  if (parsed instanceof Reply) return parsed;
  return parsed.path.isInternationalized && !envelope.isInternational ? replies.NEED_SMTPUTF8 : parsed;
}

/** VRFY: whom it asks about. */
export function parseVerified(argument: string, setting: ArgumentSetting): string | Reply {
  // RFC 6531 §3.7.4.2: VRFY takes SMTPUTF8 as its only parameter.
  const isUTF8 = setting.offer.facts.isSMTPUTF8Enabled && UTF8_PARAMETER.test(argument);
  const text = isUTF8 ? argument.replace(UTF8_PARAMETER, '') : argument;
  return isVerifiable(text, isUTF8) ? text : syntaxReplyOf('VRFY', setting);
}

/** EXPN: the list it asks about. */
export function parseExpanded(argument: string, setting: ArgumentSetting): string | Reply {
  return CONTROL.test(argument) ? syntaxReplyOf('EXPN', setting) : argument;
}

/** ETRN: whose mail it asks for. */
export function parseETRNNode(argument: string, setting: ArgumentSetting): string | Reply {
  return ETRN_NODE.test(argument) ? argument : syntaxReplyOf('ETRN', setting);
}

/** How the command is written, for a client that did not know. */
export function syntaxReplyOf(verb: StandardVerb, { isExtended }: Pick<ArgumentSetting, 'isExtended'>): Reply {
  return replies.syntaxReply(syntaxOf(verb, isExtended));
}

/** Whether a message was announced as binary (RFC 3030 §3). */
export function isBinary({ parameters }: Envelope): boolean {
  return parameterOf(parameters, 'BODY')?.value === 'BINARYMIME';
}

export function hasParameter(parameters: readonly Parameter[], keyword: string): boolean {
  return parameterOf(parameters, keyword) !== undefined;
}

export function parameterOf(parameters: readonly Parameter[], keyword: string): Parameter | undefined {
  // Most commands have none, and the list of those is frozen: to go through one is slow.
  if (parameters.length === 0) return undefined;
  for (const parameter of parameters) if (parameter.keyword === keyword) return parameter;
  return undefined;
}

function parsePathAndParameters(
  verb: 'MAIL' | 'RCPT',
  argument: string,
  setting: ArgumentSetting,
): { readonly path: Path; readonly parameters: readonly Parameter[] } | Reply {
  const isSender = verb === 'MAIL';
  const result = setting.pathLine.pathOf(argument, isSender) ?? findPath(argument, isSender, setting);
  if (!result.ok) return result.fault === 'charset' ? replies.BAD_CHARSET : syntaxReplyOf(verb, setting);
  const { path, rest } = result;
  if (rest === '') return { path, parameters: NO_PARAMETERS };
  // RFC 5321 §4.1.1.11: parameters belong to EHLO; a client that said HELO cannot know any.
  if (!setting.isExtended && rest.trim() !== '') return syntaxReplyOf(verb, setting);
  const parsed = parseParameters(rest);
  if (!parsed.ok) {
    if (parsed.fault === 'repeated') return replies.PARAMETER_REPEATED;
    return parsed.fault === 'charset' ? replies.BAD_CHARSET : syntaxReplyOf(verb, setting);
  }
  if (parsed.parameters.length === 0) return { path, parameters: parsed.parameters };
  const { offer } = setting;
  const declared = isSender ? offer.mailParameters : offer.rcptParameters;
  const parameters: Parameter[] = [];
  for (const { keyword, value } of parsed.parameters) {
    const definition = declared.get(keyword);
    if (definition === undefined) continue;
    const judged = definition.parse(value, offer.facts);
    if (judged instanceof Reply) return judged;
    parameters.push({ keyword, value: judged.value });
  }
  // A wrong value of a known parameter says more than an unknown one, so it is told first.
  if (parameters.length < parsed.parameters.length) {
    return isSender ? replies.MAIL_PARAMETERS_UNKNOWN : replies.RCPT_PARAMETERS_UNKNOWN;
  }
  for (const judge of isSender ? offer.mailJudges : offer.rcptJudges) {
    const objection = judge(parameters, offer.facts);
    if (objection !== undefined) return objection;
  }
  return { path, parameters };
}

/** Where it is not one of the usual lines. */
function findPath(argument: string, isSender: boolean, setting: ArgumentSetting): PathResult {
  const pathStart = scanPathKeyword(argument, isSender ? 'FROM' : 'TO');
  if (pathStart === NO_MATCH) return NO_PATH;
  const policies = setting.options.pathSyntax === 'strict' ? STRICT_POLICIES : LENIENT_POLICIES;
  return parsePath(argument, isSender ? policies.MAIL : policies.RCPT, pathStart);
}

/** RFC 5321 §4.1.1.6: a user name, or a mailbox with or without brackets. */
function isVerifiable(text: string, isUTF8: boolean): boolean {
  const decoded = utf8FromLatin1(text);
  if (decoded === undefined || CONTROL_OR_EMPTY.test(decoded) || (!isUTF8 && NON_ASCII.test(decoded))) return false;
  if (text.startsWith('<')) {
    const result = parsePath(text, { syntax: 'lenient', allowNull: false, allowPostmaster: true });
    return result.ok && result.rest === '';
  }
  return !text.includes('@') || parseMailbox(text) !== undefined;
}

const NO_PATH: PathResult = Object.freeze({ ok: false, fault: 'syntax' });
const NO_PARAMETERS: readonly Parameter[] = Object.freeze([]);
const pathPoliciesOf = (syntax: PathPolicy['syntax']): Readonly<Record<'MAIL' | 'RCPT', PathPolicy>> => ({
  MAIL: { syntax, allowNull: true, allowPostmaster: false },
  RCPT: { syntax, allowNull: false, allowPostmaster: true },
});
const STRICT_POLICIES = pathPoliciesOf('strict');
const LENIENT_POLICIES = pathPoliciesOf('lenient');

// RFC 1985 §5, §5.3: a domain, maybe with an option character before it.
const ETRN_NODE = /^[@#]?[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?$|^\[[!-Z^-~]+\]$/;
const UTF8_PARAMETER = / +SMTPUTF8$/i;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL_OR_EMPTY = /^(?:"")?$|[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;
