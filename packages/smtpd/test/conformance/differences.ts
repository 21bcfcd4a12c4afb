/**
 * Where a conversation goes otherwise than the recording, or otherwise than its reader preferred: what we do, by which clause, and
 * why. The test fails for a difference that is not here, and for an entry that is no difference any more.
 */

/**
 * In what a conversation can differ. Of a proxy the delivery is what the servers behind got, `upstream` the commands that they got, and
 * `queue` the way into Mailman.
 */
export type Aspect =
  | 'codes'
  | 'order'
  | 'text'
  | 'delivery'
  | 'upstream'
  | 'queue'
  | 'state'
  | 'construction'
  | 'print'
  | 'exit'
  | 'process';

/** One explained difference. */
export interface Difference {
  /** In what it differs. Empty where a deviation of the old module has several good answers and ours is one of them. */
  readonly aspects: readonly Aspect[];
  /** The codes that we give, where they are not those of the recording or of its reader. */
  readonly codes?: readonly number[];
  /** What we do. */
  readonly weDo: 'the same' | 'better' | 'otherwise';
  /** The clause that allows or asks for it. */
  readonly clause: string;
  readonly why: string;
}

const unknownVerb: Difference = {
  aspects: ['text'],
  weDo: 'otherwise',
  clause: 'RFC 5321 §4.2',
  why: 'The reply to an unknown command does not repeat what the client sent: reply text is ours alone.',
};

const rcptParameters: Difference = {
  aspects: ['text'],
  weDo: 'otherwise',
  clause: 'RFC 5321 §4.1.1.3',
  why: 'The hint for RCPT speaks of rcpt-parameters, as the grammar does.',
};

const sizeSyntax: Difference = {
  aspects: ['text'],
  weDo: 'otherwise',
  clause: 'RFC 1870 §4',
  why: 'The hint names the parameter that was wrong.',
};

const bodyValues: Difference = {
  aspects: ['text'],
  weDo: 'better',
  clause: 'RFC 3030 §3',
  why: 'BINARYMIME is a value of BODY, too, and the hint names it.',
};

const backInCommandState: Difference = {
  aspects: ['state'],
  weDo: 'better',
  clause: 'RFC 5321 §4.1.1.4',
  why: 'After 552 the transaction is over and the session waits for a command; the old channel stayed in the text.',
};

const nullSender: Difference = {
  aspects: [],
  weDo: 'better',
  clause: 'RFC 5321 §4.5.5',
  why: 'On the wire the same. The application sees the null reverse-path as an empty string, and `reversePath.isNull` says so.',
};

const lenientPath = (clause: string, what: string): Difference => ({
  aspects: [],
  weDo: 'the same',
  clause,
  why: `${what} Accepted as before, because clients do it; \`pathSyntax: 'strict'\` refuses it.`,
});

const productName: Difference = {
  aspects: ['print'],
  weDo: 'otherwise',
  clause: 'API',
  why: 'The name and the version are ours.',
};

const helpToStdout: Difference = {
  aspects: ['print'],
  weDo: 'better',
  clause: 'API',
  why: 'Help that was asked for goes to standard output.',
};

const oneLine: Difference = {
  aspects: ['exit', 'print'],
  weDo: 'otherwise',
  clause: 'API',
  why: 'One line says what is wrong; the exit status is 2.',
};

const noTraceback: Difference = {
  aspects: ['exit', 'print'],
  weDo: 'better',
  clause: 'API',
  why: 'One line says what is wrong, instead of a traceback; the exit status is 2.',
};

const recipientRefused = (...codes: readonly number[]): Difference => ({
  aspects: ['codes'],
  codes,
  weDo: 'better',
  clause: 'RFC 5321 §6.1',
  why: 'The client hears the next server’s refusal as the reply to its RCPT; the old one said 250, and the mail was gone.',
});

const byLMTP: Difference = {
  aspects: ['queue'],
  weDo: 'otherwise',
  clause: 'API',
  why: 'Mailman 3 gets it by LMTP, under the address that the client wrote, and knows what the suffix means. The queues of Mailman 2 ended with it.',
};

const asItCame = (field: string): Difference => ({
  aspects: ['delivery', 'queue'],
  weDo: 'better',
  clause: 'RFC 5321 §6.4',
  why: `Mailman 3 gets by LMTP what the client sent: whoever passes mail on does not mend it, and no ${field} is added.`,
});

const oneListAtATime = (codes: readonly number[], aspects: readonly Aspect[], more: string): Difference => ({
  aspects,
  codes,
  weDo: 'otherwise',
  clause: 'RFC 5321 §4.5.3.1.10',
  why: `SMTP has one reply for all recipients, so each list has a transaction of its own: the others hear 452 and come in the next ones. ${more}`,
});

/** By the name of the scenario. */
export const DIFFERENCES: Readonly<Record<string, Difference>> = {
  'helo-tab-separator': unknownVerb,
  'blank-line': unknownVerb,
  'leading-tab': unknownVerb,
  'data-refused-then-text-is-commands': unknownVerb,
  'utf8-unknown-verb-inside-transaction': unknownVerb,
  'stream-two-terminators': unknownVerb,

  'rcpt-bad-then-good': rcptParameters,
  'rcpt-good-then-bad': rcptParameters,
  'rcpt-parameter-bad-syntax': rcptParameters,

  'mail-size-not-a-number': sizeSyntax,
  'mail-size-negative': sizeSyntax,
  'mail-size-decimal-point': sizeSyntax,

  'mail-body-unknown': bodyValues,
  'mail-body-without-value': bodyValues,
  'mail-body-checked-before-unknown': bodyValues,
  'utf8-body-needed': {
    aspects: ['codes', 'text', 'state'],
    codes: [220, 250, 250],
    weDo: 'better',
    clause: 'RFC 3030 §3',
    why: 'BINARYMIME is offered, and is a value of BODY.',
  },
  bdat: {
    aspects: ['codes', 'order', 'text', 'state'],
    codes: [220, 250, 250, 250],
    weDo: 'better',
    clause: 'RFC 3030 §2',
    why: 'CHUNKING is offered: BDAT is a command, and is answered when its octets have come.',
  },

  'size-over-in-decode-mode': backInCommandState,
  'size-text-after-dialog-in-one-packet-over': backInCommandState,

  'ehlo-negative-size-limit': {
    aspects: ['construction'],
    weDo: 'better',
    clause: 'RFC 1870 §4',
    why: 'A negative limit could not be declared; the constructor throws a `UsageError`.',
  },
  'mail-leading-dot': {
    aspects: ['codes'],
    codes: [220, 250, 501],
    weDo: 'better',
    clause: 'RFC 5321 §4.1.2',
    why: 'A local part does not begin with a dot; what one server takes and the next refuses is lost or bounced later.',
  },
  'mail-without-angle': lenientPath('RFC 5321 §4.1.2', 'A path without angle brackets.'),
  'mail-space-after-colon': lenientPath('RFC 5321 §3.3', 'A blank after the colon.'),
  'mail-local-part-only': lenientPath('RFC 5321 §4.1.2', 'A local part without a domain.'),
  'mail-local-part-only-no-brackets': lenientPath('RFC 5321 §4.1.2', 'A local part without brackets or domain.'),
  'mail-domain-underscore': lenientPath('RFC 5321 §4.1.2', 'A low line in a domain.'),
  'rcpt-local-part-only': lenientPath('RFC 5321 §4.1.1.3', 'A recipient without a domain.'),
  'mail-null-sender': nullSender,
  'flow-null-sender-two-messages': nullSender,

  'new-connection-shrinks-limit': {
    aspects: ['codes'],
    codes: [220, 250, 250],
    weDo: 'better',
    clause: 'RFC 5321 §4.5.3.1.4',
    why: 'Limits belong to the connection. The line is within the limit that EHLO promised, and is taken.',
  },
  'crash-of-one-leaves-other': {
    aspects: ['codes', 'order'],
    codes: [220, 500],
    weDo: 'better',
    clause: 'RFC 5321 §4.2, §3.8',
    why: 'Octets that are no command are answered 500, and the session goes on.',
  },

  'proxy-one-recipient-refused': recipientRefused(220, 250, 250, 250, 550, 354, 250),
  'proxy-all-recipients-refused': recipientRefused(220, 250, 250, 550, 503),
  'proxy-temporary-refusal': recipientRefused(220, 250, 250, 450, 503),
  'proxy-sender-refused': {
    aspects: ['codes', 'upstream'],
    codes: [220, 250, 553, 503, 503],
    weDo: 'better',
    clause: 'RFC 5321 §6.1',
    why: 'The client hears the next server’s refusal as the reply to its MAIL; the old one said 250, and the mail was gone. Where no transaction was begun there is none to reset.',
  },
  'proxy-target-down': {
    aspects: ['codes'],
    codes: [220, 250, 451, 503, 503],
    weDo: 'better',
    clause: 'RFC 5321 §6.1',
    why: 'MAIL is answered 451, and the client keeps its mail; the old one said 250, and the mail was gone.',
  },
  'proxy-size-forwarded': {
    aspects: ['upstream', 'text'],
    weDo: 'better',
    clause: 'RFC 1870 §4',
    why: 'The client is offered the smaller of the two limits, and its own SIZE is passed on.',
  },
  'list-owner': byLMTP,
  'list-request': byLMTP,
  'list-name-is-case-insensitive': byLMTP,
  'list-join': asItCame('Subject'),
  'list-join-without-subject': asItCame('Subject'),
  'list-from-added': asItCame('From'),
  'list-date-added': asItCame('Date'),
  'list-unknown-list-is-relayed': {
    aspects: ['codes', 'delivery'],
    codes: [550],
    weDo: 'otherwise',
    clause: 'RFC 5321 §3.3',
    why: "An address that does not exist in a domain of lists is refused at RCPT. `unknownInListDomain: 'relay'` passes it on as before.",
  },
  'list-domain-is-not-checked': {
    aspects: ['delivery', 'queue'],
    weDo: 'better',
    clause: 'API',
    why: 'A list is known by its whole address; what is for another domain goes to the next server.',
  },
  'list-no-domain': {
    aspects: ['delivery', 'queue'],
    weDo: 'otherwise',
    clause: 'RFC 5321 §4.1.2',
    why: 'A list is known by its whole address; one without a domain goes to the next server.',
  },
  'list-mixed-recipients': oneListAtATime(
    [250, 452, 452, 452, 250],
    ['codes', 'queue'],
    'Mailman 3 and the next server get what their predecessors got.',
  ),
  'list-two-commands-same-list': oneListAtATime([250, 452, 250], ['codes', 'queue'], 'Mailman 3 gets both by LMTP.'),
  'list-join-and-leave-headers-pile-up': oneListAtATime(
    [250, 452, 250],
    ['codes', 'delivery', 'queue'],
    'Mailman 3 gets both by LMTP as they came: no Subject is added, so none piles up.',
  ),

  'api-channel-utf8-and-decode-conflict': {
    aspects: ['construction'],
    weDo: 'otherwise',
    clause: 'API',
    why: 'A channel has no such arguments: it reads the options of its server, which refused the pair already.',
  },
  'api-proxy-refuses-utf8-keyword': {
    aspects: ['construction'],
    weDo: 'better',
    clause: 'RFC 6531 §3.1',
    why: '`PureProxy` passes SMTPUTF8 on, and offers it where the next server does.',
  },
  'api-proxy-utf8-positional-slips-through': {
    aspects: ['construction'],
    weDo: 'better',
    clause: 'API',
    why: 'The constructor takes one object, in which every option has its name: nothing can slip through.',
  },
  'api-address-in-use': {
    aspects: ['construction'],
    weDo: 'otherwise',
    clause: 'API',
    why: '`listen()` opens the address, not the constructor; it rejects with `SMTPD_LISTEN_FAILED` and the system’s error as `cause`.',
  },
  'api-unknown-host': {
    aspects: ['construction'],
    weDo: 'otherwise',
    clause: 'API',
    why: '`listen()` resolves the name, not the constructor; it rejects with `SMTPD_LISTEN_FAILED` and the system’s error as `cause`.',
  },
  'api-channel-limits': {
    aspects: ['construction'],
    weDo: 'otherwise',
    clause: 'API',
    why: '`smtpState` is a word, `COMMAND` or `DATA`, instead of 0 or 1. The limit and the channel class are the same.',
  },

  'debug-empty-message': {
    aspects: ['print'],
    weDo: 'otherwise',
    clause: 'API',
    why: "The empty line that came is printed, with X-Peer before it. `format: 'python'` leaves it out as before.",
  },
  'debug-empty-message-text': {
    aspects: ['print'],
    weDo: 'otherwise',
    clause: 'API',
    why: "The empty line that came is printed, with X-Peer before it. `format: 'python'` leaves it out as before.",
  },
  'debug-text-unicode-line-breaks': {
    aspects: ['print'],
    weDo: 'better',
    clause: 'RFC 5321 §2.3.8',
    why: "Only CRLF ends a printed line; what a terminal would take for an order is escaped. `format: 'python'` splits as before.",
  },

  'cli-version-long': productName,
  'cli-version-wins-over-later-errors': productName,
  'cli-long-option-abbreviated': productName,
  'cli-help-short': helpToStdout,
  'cli-help-long': helpToStdout,
  'cli-bad-long-option': oneLine,
  'cli-bad-local-spec': oneLine,
  'cli-bad-remote-port': oneLine,
  'cli-too-many-arguments': oneLine,
  'cli-unknown-class': noTraceback,
  'cli-unknown-module': noTraceback,
  'cli-utf8-with-default-class': {
    aspects: ['exit', 'print'],
    weDo: 'better',
    clause: 'API',
    why: 'The default class prints what arrives, and takes `-u`.',
  },
  'cli-debugging-server': {
    aspects: ['print'],
    weDo: 'better',
    clause: 'RFC 5321 §4.5.3.1.7',
    why: 'Without `-s` the limit is 33,554,432 octets, as the old help said, and SIZE declares it. Lines are printed as text, with the envelope.',
  },
  'cli-utf8': {
    aspects: ['text', 'print'],
    weDo: 'otherwise',
    clause: 'API',
    why: 'Lines are printed as text, with the envelope; SIZE declares the default limit.',
  },
  'cli-default-class-loses-mail': {
    aspects: ['codes', 'print'],
    weDo: 'better',
    clause: 'RFC 5321 §4.2',
    why: 'The default class takes the message and prints it.',
  },
  'cli-setuid-nobody': {
    aspects: ['process'],
    weDo: 'better',
    clause: 'API',
    why: 'The groups of root are given up too.',
  },
};
