/** MAIL and RCPT as a client sends them: each address checked, each parameter one that the server offers. */

import { UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';
import { octets } from '../protocol/octets.js';
import { formatParameter, parseParameters, type Parameter } from '../protocol/parameters.js';
import { parsePath, type Path } from '../protocol/path.js';
import { Reply } from '../protocol/reply.js';
import type { ServerCapabilities } from '../protocol/server-capabilities.js';
import { SMTPNotOfferedError } from './client-errors.js';

/** What the lines depend on. */
export interface EnvelopeContext {
  readonly capabilities: ServerCapabilities;
  /** Whether the session is on TLS with a certificate that is valid for the server (RFC 8689 §4.2.1). */
  readonly isVerified: boolean;
}

/**
 * The line of MAIL.
 *
 * @param address - `''` for the null reverse-path; or a path that was parsed before
 * @throws {@link UsageError} `SMTPD_BAD_COMMAND` for what can never be sent; {@link SMTPNotOfferedError} for what this server does not
 * offer
 *
 * @example
 * ```ts
 * formatMail('a@b.example', ['SIZE=10', 'BODY=8BITMIME'], context); // 'MAIL FROM:<a@b.example> SIZE=10 BODY=8BITMIME'
 * ```
 */
export function formatMail(address: string | Path, options: readonly string[], context: EnvelopeContext): string {
  const path = parseAddress(address, 'MAIL');
  // The usual case.
  if (options.length === 0 && !path.isInternationalized) return `MAIL FROM:<${path.address}>`;
  const parameters = readParameters(options, 'MAIL').filter((parameter) => isWorthSending(parameter, context));
  const isInternational = parameters.some(({ keyword }) => keyword === 'SMTPUTF8');
  checkInternational(path, isInternational);
  for (const parameter of parameters) checkOffered(parameter, context);
  return format(`MAIL FROM:<${path.address}>`, parameters);
}

/**
 * The line of RCPT.
 *
 * @param isInternational - whether MAIL had SMTPUTF8
 * @throws as {@link formatMail}
 */
export function formatRcpt(
  address: string | Path,
  options: readonly string[],
  context: EnvelopeContext & { readonly isInternational: boolean },
): string {
  const path = parseAddress(address, 'RCPT');
  checkInternational(path, context.isInternational);
  if (options.length === 0) return `RCPT TO:<${path.address}>`;
  const parameters = readParameters(options, 'RCPT');
  for (const parameter of parameters) checkOffered(parameter, context);
  return format(`RCPT TO:<${path.address}>`, parameters);
}

/** Whether an address needs SMTPUTF8 (RFC 6531 §3.1). */
export function isInternationalAddress(address: string): boolean {
  return NON_ASCII.test(address);
}

/** Whether a list of parameters has a keyword. */
export function hasParameter(options: readonly string[], keyword: string): boolean {
  return options.some((option) => (option.split('=', 1)[0] ?? '').toUpperCase() === keyword);
}

/** Whether the content may be octets of any kind (RFC 3030 §3), and only chunks can carry it. */
export function isBinaryBody(mailOptions: readonly string[]): boolean {
  return mailOptions.some((option) => option.toUpperCase() === 'BODY=BINARYMIME');
}

function parseAddress(given: string | Path, verb: 'MAIL' | 'RCPT'): Path {
  if (typeof given !== 'string') {
    checkPath(given, verb);
    if (isPlain(given)) return given;
  }
  const address = typeof given === 'string' ? given : given.address;
  const text = latin1OfUTF8(`<${address}>`);
  const result = parsePath(text, { syntax: 'lenient', allowNull: verb === 'MAIL', allowPostmaster: true });
  if (result.ok && result.rest === '' && result.path.sourceRoute.length === 0) return result.path;
  throw new UsageError(
    'SMTPD_BAD_COMMAND',
    `${JSON.stringify(address.slice(0, 200))} is no address for ${verb}: write local-part@domain, without angle brackets` +
      (verb === 'MAIL' ? ", or '' for the null reverse-path" : ''),
  );
}

function checkPath(given: Partial<Path> | null | undefined, verb: 'MAIL' | 'RCPT'): void {
  if (typeof given?.address === 'string') return;
  throw new UsageError('SMTPD_BAD_COMMAND', `An address for ${verb} is a string, not ${kindOf(given)}`);
}

/** Whether a path goes out as it came in: then there is nothing to find by parsing it again. */
function isPlain({ raw, address, isInternationalized }: Path): boolean {
  return raw === address && !isInternationalized;
}

function readParameters(options: readonly string[], verb: 'MAIL' | 'RCPT'): readonly Parameter[] {
  const result = parseParameters(options.map((option) => ` ${latin1OfUTF8(option)}`).join(''));
  if (result.ok && result.parameters.length === options.length) return result.parameters;
  throw new UsageError(
    'SMTPD_BAD_COMMAND',
    `The parameters of ${verb} are keywords and values, each keyword once, as in 'SIZE=10', not ${JSON.stringify(options)}`,
  );
}

/** What only hints at something is left out where the server does not know it; nothing is lost by that. */
function isWorthSending({ keyword, value }: Parameter, { capabilities }: EnvelopeContext): boolean {
  // RFC 1870 §6.1: the size is checked when the content comes, too. RFC 6152 §3: 7BIT is what there is without the parameter.
  if (keyword === 'SIZE') return capabilities.has('SIZE');
  if (keyword === 'BODY' && value?.toUpperCase() === '7BIT') return capabilities.has('8BITMIME');
  // RFC 4954 §5: not to be sent to a server that does not offer AUTH.
  return keyword !== 'AUTH' || capabilities.has('AUTH');
}

function checkOffered({ keyword, value }: Parameter, { capabilities, isVerified }: EnvelopeContext): void {
  const need = (offered: string, reply: Reply): void => {
    if (!capabilities.has(offered)) throw new SMTPNotOfferedError(offered, reply);
  };
  switch (keyword) {
    case 'BODY':
      if (value?.toUpperCase() === 'BINARYMIME') {
        need('BINARYMIME', NO_CONVERSION);
        need('CHUNKING', NO_CONVERSION);
      } else {
        need('8BITMIME', NO_CONVERSION);
      }
      return;
    case 'SMTPUTF8':
      need('SMTPUTF8', NO_SMTPUTF8);
      return;
    case 'REQUIRETLS':
      need('REQUIRETLS', NO_REQUIRETLS);
      if (!isVerified) throw new SMTPNotOfferedError('REQUIRETLS', NO_REQUIRETLS);
      return;
    default: {
      const offered = KEYWORD_OF[keyword];
      if (offered !== undefined) need(offered, NOT_SUPPORTED);
    }
  }
}

function checkInternational(path: Path, isInternational: boolean): void {
  if (!path.isInternationalized || isInternational) return;
  throw new UsageError(
    'SMTPD_BAD_COMMAND',
    `<${path.address}> is not ASCII: add SMTPUTF8 to the parameters of MAIL (RFC 6531 §3.4)`,
  );
}

function format(head: string, parameters: readonly Parameter[]): string {
  return [head, ...parameters.map(formatParameter)].join(' ');
}

/** The grammar reads octets, one character each. */
function latin1OfUTF8(text: string): string {
  if (!NON_ASCII.test(text)) return text;
  const bytes = octets.encodeUTF8(text);
  return octets.decodeLatin1(bytes, 0, bytes.length);
}

// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;

/** Parameter → the keyword that it comes with. */
const KEYWORD_OF: Readonly<Record<string, string | undefined>> = Object.freeze({
  RET: 'DSN',
  ENVID: 'DSN',
  NOTIFY: 'DSN',
  ORCPT: 'DSN',
  BY: 'DELIVERBY',
  'MT-PRIORITY': 'MT-PRIORITY',
  HOLDFOR: 'FUTURERELEASE',
  HOLDUNTIL: 'FUTURERELEASE',
});

// RFC 3463 §3.7, RFC 6531 §3.5 and RFC 8689 §4.2.1 have a code for each.
const NO_CONVERSION = new Reply(554, '5.6.3', 'Error: the next server does not take content of this kind');
const NO_SMTPUTF8 = new Reply(550, '5.6.7', 'Error: the next server does not take SMTPUTF8');
const NO_REQUIRETLS = new Reply(550, '5.7.30', 'Error: the next server does not support REQUIRETLS');
const NOT_SUPPORTED = new Reply(555, '5.5.4', 'Error: the next server does not support a parameter of this message');
