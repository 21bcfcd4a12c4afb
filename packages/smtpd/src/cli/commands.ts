/**
 * The commands and their options, as one table: the parser, `--help`, the completion scripts, the configuration file with its schema
 * and `docs/cli.md` are made from it. Nothing here runs.
 */

import { LISTENING_OPTIONS, TLS_MODES } from './listening-options.js';
import { MAILMAN_OPTIONS } from './mailman-options.js';
import type { OptionDefinition } from './options.js';
import { RELAYING_OPTIONS } from './relaying-options.js';

/** One command. */
export interface CommandDefinition {
  /** `''` for the form without a command. */
  readonly name: string;
  readonly summary: string;
  readonly usage: readonly string[];
  readonly options: readonly OptionDefinition[];
  /** What the help says besides. */
  readonly notes: readonly string[];
  /** Words that may follow it. */
  readonly words?: readonly string[];
}

const VERSION: OptionDefinition = { name: 'version', letter: 'V', isFinal: true, help: 'print the version and exit' };
const HELP: OptionDefinition = { name: 'help', letter: 'h', isFinal: true, help: 'print this help and exit' };
const SIZE: OptionDefinition = {
  name: 'size',
  letter: 's',
  value: 'SIZE',
  kind: 'octets',
  default: 33_554_432,
  help: 'octets of the largest message; 0 for no limit',
};
const DEBUG: OptionDefinition = {
  name: 'debug',
  letter: 'd',
  help: 'print what happens on standard error, one line an event',
};

/** The options of the commands that receive mail, besides their own. */
const RECEIVING_OPTIONS: readonly OptionDefinition[] = [
  SIZE,
  {
    name: 'greeting',
    value: 'TEXT',
    help: 'what stands behind the name in the greeting (default: ESMTP smtpd; with --lmtp: LMTP smtpd)',
  },
  { name: 'smtputf8', isNegatable: true, help: 'offer SMTPUTF8, or not (default: offer)' },
  DEBUG,
  VERSION,
  HELP,
  ...LISTENING_OPTIONS,
];
const ADDRESS_NOTES: readonly string[] = [
  'The address defaults to 127.0.0.1:1025. It may be host:port, [IPv6]:port, :port for every address of the machine,',
  'a path with a slash for a Unix socket, or fd:N for an inherited descriptor. Port 0 lets the system choose.',
  'Standard error says "listening on HOST:PORT" for each address. An interrupt closes when the messages under way are',
];

/** The form of the old module. */
export const SERVE: CommandDefinition = {
  name: '',
  summary: 'serve as the old module did',
  usage: ['smtpd [options] [localhost:port [remotehost:port]]'],
  options: [
    { name: 'nosetuid', letter: 'n', help: 'stay root; without it root becomes "nobody" after binding' },
    VERSION,
    {
      name: 'class',
      letter: 'c',
      value: 'CLASS',
      default: 'DebuggingServer',
      help: 'what serves: DebuggingServer, PureProxy, MailmanProxy, or path-or-package#ExportedClass',
    },
    SIZE,
    { name: 'smtputf8', letter: 'u', help: 'offer SMTPUTF8' },
    DEBUG,
    HELP,
    ...LISTENING_OPTIONS,
  ],
  notes: [
    'The addresses default to localhost:8025 and localhost:25. An IPv6 address stands in brackets: [::1]:8025.',
    'The remote address is handed to the class; DebuggingServer does nothing with it.',
  ],
};

/** Prints what arrives. */
export const DEBUG_COMMAND: CommandDefinition = {
  name: 'debug',
  summary: 'print the mail that arrives',
  usage: ['smtpd debug [options] [host:port ...]'],
  options: [
    {
      name: 'json',
      besides: 'nowhere',
      help: 'one JSON object a line on standard output, the content in base64 (--format json)',
    },
    {
      name: 'format',
      value: 'FORMAT',
      choices: ['text', 'json', 'python'],
      default: 'text',
      help: 'text, json, or python: as the old module printed',
    },
    ...RECEIVING_OPTIONS,
  ],
  notes: [
    ...ADDRESS_NOTES,
    'done, a second one at once. A reader of standard output that stops reading slows the senders down.',
  ],
};

/** Delivers what arrives into a folder. */
export const MAILDIR_COMMAND: CommandDefinition = {
  name: 'maildir',
  summary: 'deliver the mail that arrives into a Maildir',
  usage: ['smtpd maildir [options] FOLDER [host:port ...]'],
  options: [
    {
      name: 'file-line-ends',
      value: 'HOW',
      choices: ['lf', 'crlf'],
      default: 'lf',
      help: 'lf, as programs on Unix expect, or crlf, as the lines came',
    },
    ...RECEIVING_OPTIONS,
  ],
  notes: [
    'The folder is made where it is missing. A message is on the disk before it is answered with 250.',
    ...ADDRESS_NOTES,
    'done, a second one at once.',
  ],
};

/** Counts what arrives. */
export const SINK_COMMAND: CommandDefinition = {
  name: 'sink',
  summary: 'count the mail that arrives, and forget it',
  usage: ['smtpd sink [options] [host:port ...]'],
  options: [{ name: 'json', besides: 'nowhere', help: 'print the totals as one JSON object' }, ...RECEIVING_OPTIONS],
  notes: ['When it ends, standard output has the totals.', ...ADDRESS_NOTES, 'done, a second one at once.'],
};

/** Passes mail on. */
export const PROXY_COMMAND: CommandDefinition = {
  name: 'proxy',
  summary: 'pass mail on, and tell each client what the next server says',
  usage: ['smtpd proxy [options] [host:port] remotehost:port'],
  options: [...RELAYING_OPTIONS, ...RECEIVING_OPTIONS],
  notes: [
    'The last address is where mail goes: host:port, smtps://host:port, lmtp://host:port, unix:/path, or mx: for the',
    'hosts of each recipient’s domain; several with commas are tried in order. With --route or --remote it may be left out;',
    'then :port, or --listen, says where to listen.',
    ...ADDRESS_NOTES,
    'done, a second one at once.',
    'Beyond this machine it listens only where --allow-networks, --auth or --route say who may send, or with --open.',
  ],
};

/** Hands the mail of lists to Mailman. */
export const MAILMAN_COMMAND: CommandDefinition = {
  name: 'mailman',
  summary: 'hand the mail of lists to Mailman 3, and pass all other mail on',
  usage: ['smtpd mailman [options] [[host:port] remotehost:port]'],
  options: [...MAILMAN_OPTIONS, ...RELAYING_OPTIONS, ...RECEIVING_OPTIONS],
  notes: [
    'The last address is where mail goes that is for no list, as smtpd proxy has it; without it, and without --route, such mail is refused.',
    'Where it is left out, :port, or --listen, says where to listen.',
    ...ADDRESS_NOTES,
    'done, a second one at once.',
    'Everybody may write to lists. Beyond this machine it passes other mail on as smtpd proxy does.',
  ],
};

/** Asks a server what it can do. */
export const PROBE: CommandDefinition = {
  name: 'probe',
  summary: 'ask any server what it can do, and what it does with input that is wrong',
  usage: ['smtpd probe [options] host:port'],
  options: [
    {
      name: 'tls',
      value: 'MODE',
      choices: TLS_MODES,
      valueAlone: 'require',
      default: 'offer',
      help: 'off, offer, require (no STARTTLS is a warning) or implicit (TLS first); alone: require',
    },
    { name: 'insecure', help: 'a certificate that cannot be verified is a note, not a warning' },
    {
      name: 'ca',
      value: 'FILE',
      help: 'the authorities to verify the certificate with, in PEM (default: those of Node)',
    },
    {
      name: 'hostname',
      value: 'NAME',
      help: 'our name in EHLO (default: the address that we connect from)',
    },
    { name: 'from', value: 'ADDRESS', help: 'the reverse-path of MAIL (default: the null reverse-path)' },
    {
      name: 'to',
      value: 'ADDRESS',
      help: 'try RCPT with this address, and take it back; without it no RCPT is sent',
    },
    { name: 'timeout', value: 'S', kind: 'seconds', default: 30, help: 'how many seconds to wait for each answer' },
    { name: 'json', help: 'print one JSON object' },
    VERSION,
    HELP,
  ],
  notes: [
    'Only the host that you name is asked, on about ten connections, one after the other. No mail is sent: neither DATA nor BDAT.',
    'Exit codes: 0 nothing to warn of, 1 warnings, 2 wrong arguments, 3 it could not connect.',
  ],
};

const INBOX: CommandDefinition = {
  name: 'inbox',
  summary: 'show the mail that arrives in a browser (package smtpd-inbox)',
  usage: ['smtpd inbox [arguments of smtpd-inbox]'],
  options: [],
  notes: ['Needs the package smtpd-inbox: npm install smtpd-inbox'],
};

const RELAY: CommandDefinition = {
  name: 'relay',
  summary: 'pass mail on, with a queue (package smtpd-relay)',
  usage: ['smtpd relay [arguments of smtpd-relay]'],
  options: [],
  notes: ['Needs the package smtpd-relay: npm install smtpd-relay'],
};

const COMPLETION: CommandDefinition = {
  name: 'completion',
  summary: 'print a completion script for a shell',
  usage: ['smtpd completion bash|zsh|fish'],
  options: [HELP],
  notes: ['In bash: source <(smtpd completion bash)'],
  words: ['bash', 'zsh', 'fish'],
};

const HELP_COMMAND: CommandDefinition = {
  name: 'help',
  summary: 'print the help of a command',
  usage: ['smtpd help [command]', 'smtpd help limits'],
  options: [HELP],
  notes: [],
  words: ['debug', 'proxy', 'mailman', 'maildir', 'sink', 'probe', 'inbox', 'relay', 'completion', 'limits'],
};

/** The commands with a name. A first argument that is none of these names belongs to the old form. */
export const COMMANDS: readonly CommandDefinition[] = [
  DEBUG_COMMAND,
  PROXY_COMMAND,
  MAILMAN_COMMAND,
  MAILDIR_COMMAND,
  SINK_COMMAND,
  PROBE,
  INBOX,
  RELAY,
  COMPLETION,
  HELP_COMMAND,
];
