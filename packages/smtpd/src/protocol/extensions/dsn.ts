/**
 * DSN (RFC 3461): the sender says of what it wants to be told, and what the report should hold. The utf-8 address type of RFC 6533
 * is understood in ORCPT.
 *
 * Not here: making a report. Whoever takes over a message with these parameters makes it.
 */

import { defineExtension, type Extension, type ParsedParameter } from '../extension.js';
import { ATEXT, EQUALS, asciiUpperCase, octetAt, scanRun } from '../grammar.js';
import { Reply } from '../reply.js';
import { findOption, type EnvelopeOptions } from './envelope-options.js';
import { decodeXtext } from './xtext.js';

/** Of what the sender wants to be told about one recipient: `NEVER` alone, or any of the others. */
export type NotifyCondition = 'NEVER' | 'SUCCESS' | 'FAILURE' | 'DELAY';

/** The address that the message was sent to at first. */
export interface OriginalRecipient {
  /** The address type in lower case: `rfc822`, `utf-8` or another. */
  readonly type: string;
  /** The address, decoded. It is what the sender wrote, and need not be of the form that its type has. */
  readonly address: string;
}

/** What the sender asked for. `undefined`: it did not say. */
export interface DSNRequest {
  /** Whether a report of failure holds the whole message or its header fields. */
  readonly ret: 'FULL' | 'HDRS' | undefined;
  /** The sender's own name for the envelope, decoded. */
  readonly envid: string | undefined;
  /** One for each recipient, in their order. */
  readonly recipients: readonly {
    readonly notify: readonly NotifyCondition[] | undefined;
    readonly orcpt: OriginalRecipient | undefined;
  }[];
}

/**
 * The DSN extension. A server that offers it passes the parameters on when it relays, and otherwise sends the reports that were
 * asked for (RFC 3461 §5.2). {@link dsnOf} reads them.
 *
 * @example
 * ```ts
 * import { dsn, SMTPServer } from 'smtpd';
 * new SMTPServer({ extensions: [dsn()] });
 * ```
 */
export function dsn(): Extension {
  return DSN;
}

/**
 * What the sender of a message asked for with the DSN extension.
 *
 * @example
 * ```ts
 * import { dsn, dsnOf, SMTPServer, type ReceivedMessage } from 'smtpd';
 * class Inbox extends SMTPServer {
 *   override processMessage(message: ReceivedMessage) {
 *     const { envid, recipients } = dsnOf(message);
 *     for (const { notify } of recipients) if (notify?.includes('SUCCESS')) console.log('report the delivery of', envid);
 *   }
 * }
 * new Inbox({ extensions: [dsn()] });
 * ```
 */
export function dsnOf(message: EnvelopeOptions): DSNRequest {
  const { mailOptions, rcptOptions } = message;
  const ret = RETURNS.find((each) => each === findOption(mailOptions, 'RET'));
  const envid = findOption(mailOptions, 'ENVID');
  return {
    // RFC 8689 §5: with REQUIRETLS, RET=FULL is disregarded and a report holds header fields only.
    ret: findOption(mailOptions, 'REQUIRETLS') === undefined ? ret : 'HDRS',
    envid: envid === undefined ? undefined : decodeXtext(envid),
    recipients: rcptOptions.map((options) => {
      const notify = findOption(options, 'NOTIFY');
      const orcpt = findOption(options, 'ORCPT');
      return {
        notify: notify === undefined ? undefined : parseNotify(notify),
        orcpt: orcpt === undefined ? undefined : parseOriginalRecipient(orcpt),
      };
    }),
  };
}

/** RFC 3461 §4.1: `NEVER`, or a list of the others without repeats. */
function parseNotify(value: string): readonly NotifyCondition[] | undefined {
  const conditions: NotifyCondition[] = [];
  for (const word of asciiUpperCase(value).split(',')) {
    const condition = CONDITIONS.find((each) => each === word);
    if (condition === undefined || conditions.includes(condition)) return undefined;
    conditions.push(condition);
  }
  return conditions.includes('NEVER') && conditions.length > 1 ? undefined : conditions;
}

/** RFC 3461 §4.2: `original-recipient-address = addr-type ";" xtext`. */
function parseOriginalRecipient(value: string): OriginalRecipient | undefined {
  const typeEnd = scanRun(value, 0, ATEXT);
  if (typeEnd === 0 || octetAt(value, typeEnd) !== SEMICOLON) return undefined;
  for (let at = 0; at < typeEnd; at += 1) if (octetAt(value, at) === EQUALS) return undefined;
  const type = value.slice(0, typeEnd).toLowerCase();
  const encoded = value.slice(typeEnd + 1);
  const address = type === 'utf-8' ? decodeUnitext(encoded) : decodePrintableXtext(encoded);
  return address === undefined ? undefined : { type, address };
}

/** RFC 3461 §4.2 and §4.4: what was encoded is printable US-ASCII, blanks included. */
function decodePrintableXtext(xtext: string): string | undefined {
  const text = decodeXtext(xtext);
  return text !== undefined && PRINTABLE.test(text) ? text : undefined;
}

/** RFC 6533 §3: `utf-8-addr-xtext` and `utf-8-addr-unitext`. */
function decodeUnitext(encoded: string): string | undefined {
  if (!UNITEXT.test(encoded)) return undefined;
  const text = encoded.replace(EMBEDDED, (_whole, digits: string) => String.fromCodePoint(Number.parseInt(digits, 16)));
  return CONTROL.test(text) ? undefined : text;
}

const CONDITIONS = ['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'] as const;
const RETURNS = ['FULL', 'HDRS'] as const;
const SEMICOLON = 0x3b;

// RFC 3461 §5.4: parameters of at least these sizes are taken, each with its keyword; here the values alone may have them.
const ENVID_LENGTH_MAX = 100;
const ORCPT_LENGTH_MAX = 500;

const PRINTABLE = /^[\t -~]*$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
// eslint-disable-next-line no-control-regex -- the whole of US-ASCII is meant
const NON_ASCII = /[^\u0000-\u007f]/;
// RFC 6533 §3: QUCHAR, and `\x{HEXPOINT}` in its forms of two to six digits: no surrogates, and no plain character.
const UNITEXT = new RegExp(
  `^(?:[!-*,-<>-[\\]-~\\u0080-\\u{10ffff}]|\\\\x\\{(?:${[
    '[01][1-9]|10|20|2[Bb]|3[Dd]|7[Ff]|5[Cc]|[89A-Fa-f]H',
    '[1-9A-Fa-f]HH',
    '[1-9ABCEFabcef]HHH|[Dd][0-7]HH',
    '[1-9A-Fa-f]HHHH',
    '10HHHH',
  ]
    .join('|')
    .replaceAll('H', '[\\dA-Fa-f]')})\\})+$`,
  'u',
);
const EMBEDDED = /\\x\{([\dA-Fa-f]+)\}/g;

const BAD_RET = new Reply(501, '5.5.4', 'Error: RET can only be one of FULL, HDRS');
const BAD_ENVID = new Reply(501, '5.5.4', 'Error: ENVID is up to 100 characters of xtext for printable US-ASCII');
const BAD_NOTIFY = new Reply(501, '5.5.4', 'Error: NOTIFY is NEVER, or a list of SUCCESS, FAILURE, DELAY');
const BAD_ORCPT = new Reply(501, '5.5.4', 'Error: ORCPT is an address type, a semicolon and up to 500 characters');

const DSN = defineExtension({
  keyword: 'DSN',
  // RFC 3461 §5.4: " RET=FULL ENVID=" with its value, " NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=" with its value.
  lineBytes: { MAIL: 16 + ENVID_LENGTH_MAX, RCPT: 36 + ORCPT_LENGTH_MAX },
  mailParameters: {
    RET: {
      parse(value) {
        // RFC 3461 §4.3: the keywords are compared without regard to case; the application sees them in upper case.
        const ret = RETURNS.find((each) => each === asciiUpperCase(value ?? ''));
        return ret === undefined ? BAD_RET : { value: ret };
      },
    },
    ENVID: {
      parse(value) {
        // RFC 3461 §4.4: xtext. It is seen as it came: a relay passes the same value on (RFC 3461 §5.2.1).
        if (value === undefined || value.length > ENVID_LENGTH_MAX) return BAD_ENVID;
        return decodePrintableXtext(value) === undefined ? BAD_ENVID : { value };
      },
    },
  },
  rcptParameters: {
    NOTIFY: {
      parse(value) {
        const conditions = parseNotify(value ?? '');
        return conditions === undefined ? BAD_NOTIFY : { value: conditions.join(',') };
      },
    },
    ORCPT: {
      parse(value, { isSMTPUTF8Enabled }): ParsedParameter | Reply {
        if (value === undefined || value.length > ORCPT_LENGTH_MAX) return BAD_ORCPT;
        // RFC 6533 §3: UTF-8 itself only where SMTPUTF8 is offered.
        if (!isSMTPUTF8Enabled && NON_ASCII.test(value)) return BAD_ORCPT;
        return parseOriginalRecipient(value) === undefined ? BAD_ORCPT : { value };
      },
    },
  },
});
