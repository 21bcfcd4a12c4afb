/** The options of the command `smtpd-inbox`, as one table: the parser, `--help`, the environment and the documentation are made from it. */

/** One option. */
export interface InboxCommandOption {
  /** The long name, without its dashes. */
  readonly name: string;
  /** What its value is called; absent for a switch. */
  readonly value?: string;
  /** Whether it may be given several times. */
  readonly isRepeatable?: boolean;
  /** Whether `--no-NAME` exists. */
  readonly isNegatable?: boolean;
  readonly group: 'where' | 'keeping' | 'receiving' | 'safety' | 'reading' | 'other';
  /** One clause, with its default. */
  readonly help: string;
}

/** The headings of the help. */
export const GROUPS: Readonly<Record<InboxCommandOption['group'], string>> = {
  where: 'Where it listens',
  keeping: 'What is kept',
  receiving: 'How mail is received',
  safety: 'Who may look',
  reading: 'What may be done with mail',
  other: 'Besides',
};

export const INBOX_OPTIONS: readonly InboxCommandOption[] = [
  {
    name: 'http',
    value: 'ADDRESS',
    group: 'where',
    help: 'the page and the API (default: 127.0.0.1:8025; off: not at all)',
  },
  { name: 'smtps', value: 'ADDRESS', group: 'where', help: 'SMTP on TLS from the first octet (default: off)' },
  { name: 'mailpit', value: 'ADDRESS', group: 'where', help: 'the API of Mailpit, for its clients (default: off)' },
  { name: 'mailhog', value: 'ADDRESS', group: 'where', help: 'the API of MailHog, for its clients (default: off)' },
  { name: 'pop3', value: 'ADDRESS', group: 'where', help: 'POP3 (default: off)' },
  {
    name: 'data',
    value: 'DIR',
    group: 'keeping',
    help: 'keep the mail in this folder (default: it goes with the process)',
  },
  {
    name: 'store',
    value: 'URL',
    group: 'keeping',
    help: 'keep the mail in PostgreSQL, which several inboxes may share: postgres://…',
  },
  {
    name: 'max-messages',
    value: 'N',
    group: 'keeping',
    help: 'how many messages are kept; the oldest goes (default: 10000)',
  },
  { name: 'max-bytes', value: 'N', group: 'keeping', help: 'how many octets are kept (default: 1073741824)' },
  {
    name: 'max-age',
    value: 'HOURS',
    group: 'keeping',
    help: 'how long mail is kept (default: 168 without --data, for ever with it)',
  },
  { name: 'size', value: 'N', group: 'receiving', help: 'octets of the largest message (default: 33554432)' },
  {
    name: 'hostname',
    value: 'NAME',
    group: 'receiving',
    help: 'the name in the greeting (default: that of this machine)',
  },
  { name: 'tls', value: 'MODE', group: 'receiving', help: 'off, offer, require or implicit (default: offer)' },
  {
    name: 'tls-cert',
    value: 'FILE',
    group: 'receiving',
    help: 'the certificate with its chain, in PEM (default: one is made)',
  },
  { name: 'tls-key', value: 'FILE', group: 'receiving', help: 'its private key, in PEM' },
  {
    name: 'auth',
    value: 'WHO',
    isRepeatable: true,
    group: 'receiving',
    help: 'any, off, or user:password, which may be repeated (default: any)',
  },
  { name: 'auth-required', group: 'receiving', help: 'take no mail before AUTH' },
  { name: 'recipient-faults', group: 'receiving', help: 'let recipients such as fail-rcpt-550@… fail' },
  {
    name: 'inbox-domain',
    value: 'DOMAIN',
    group: 'receiving',
    help: 'behind the names of isolated inboxes (default: inbox.test)',
  },
  { name: 'password', value: 'TEXT', group: 'safety', help: 'what a browser and POP3 ask for; any user name will do' },
  {
    name: 'generate-password',
    group: 'safety',
    help: 'make a password where none and no token is given, and print it',
  },
  { name: 'token', value: 'TEXT', group: 'safety', help: 'what a program sends: Authorization: Bearer TEXT' },
  {
    name: 'http-host',
    value: 'NAME',
    isRepeatable: true,
    group: 'safety',
    help: 'a name under which the page may be asked for, besides addresses and localhost',
  },
  {
    name: 'http-origin',
    value: 'ORIGIN',
    isRepeatable: true,
    group: 'safety',
    help: 'another page that may use the API',
  },
  {
    name: 'remote-content',
    isNegatable: true,
    group: 'reading',
    help: 'let a reader load the remote pictures of a mail (default: yes, when asked)',
  },
  { name: 'dns', group: 'reading', help: 'ask DNS for SPF, DKIM, DMARC and ARC' },
  {
    name: 'dkim-key',
    value: 'NAME=FILE',
    isRepeatable: true,
    group: 'reading',
    help: 'a public DKIM key: selector._domainkey.domain=FILE with the record’s text',
  },
  {
    name: 'release',
    value: 'SERVER',
    group: 'reading',
    help: 'the server that messages may be released to: smtp://host:port',
  },
  {
    name: 'release-to',
    value: 'WHOM',
    isRepeatable: true,
    group: 'reading',
    help: 'who may get released mail: an address, a domain or a pattern; at least one',
  },
  {
    name: 'webhook-url',
    value: 'URL',
    isRepeatable: true,
    group: 'reading',
    help: 'a URL that webhooks may call, and all below it; loopback: this machine (default: none)',
  },
  { name: 'debug', group: 'other', help: 'print what happens on standard error' },
  { name: 'help', group: 'other', help: 'print this help and exit' },
  { name: 'version', group: 'other', help: 'print the version and exit' },
];

/** What an option is called in the environment: `SMTPD_INBOX_MAX_AGE`. */
export function environmentNameOf(name: string): string {
  return `SMTPD_INBOX_${name.toUpperCase().replaceAll('-', '_')}`;
}
