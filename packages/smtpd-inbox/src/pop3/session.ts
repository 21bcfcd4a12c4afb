/**
 * A session of POP3, pure: lines in, steps out. It knows which command may come when (RFC 1939, 2449, 2595, 5034) and what is answered; what
 * needs a store, a password or a handshake is a step for whoever runs it (`connection.ts`), who then says how it went.
 */

/** A message as a client sees it: what the maildrop held at login. */
export interface DropMessage {
  readonly id: string;
  readonly sizeBytes: number;
}

/** What is to be done next. */
export type POP3Step =
  /** A line, or several, without CRLF. */
  | { readonly kind: 'reply'; readonly lines: readonly string[] }
  /** Somebody wants to come in: {@link POP3Session.enter} or {@link POP3Session.refuse} is next. */
  | { readonly kind: 'login'; readonly credentials: POP3Credentials }
  /** A message is to be sent behind `+OK`: whole, or its header and that many lines of its body. */
  | { readonly kind: 'message'; readonly message: DropMessage; readonly bodyLines: number | undefined }
  /** `+OK`, and the handshake; what came behind the command is dropped. */
  | { readonly kind: 'startTLS' }
  /** The messages are to be deleted, and the session is over, as {@link POP3Session.quitReply} says. */
  | { readonly kind: 'update'; readonly ids: readonly string[] }
  /** The session is over: a last reply, and the end. */
  | { readonly kind: 'close'; readonly lines: readonly string[] };

/** How somebody wants to come in. */
export type POP3Credentials =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** RFC 1939 §7: the MD5 of the banner’s timestamp and a secret that both know. */
  | { readonly kind: 'apop'; readonly user: string; readonly digest: string };

/** Why somebody does not come in. */
export type POP3Refusal = 'wrong' | 'inUse' | 'failed';

/** What a session is made with. */
export interface POP3SessionOptions {
  /** Whether STLS can be done. */
  readonly canStartTLS: boolean;
  /** Whether nobody may log in before the session is on TLS. */
  readonly isTLSRequired: boolean;
  /** Whether the session is on TLS from its beginning. */
  readonly isSecure: boolean;
  /** The timestamp of the banner, in brackets; `undefined` without APOP. */
  readonly timestamp: string | undefined;
  /** Failed logins; the last one closes the session. */
  readonly loginFailuresMax: number;
  /** Commands that were wrong; the last one closes the session. */
  readonly errorsMax: number;
}

type State =
  | { readonly phase: 'authorization'; readonly user: string | undefined }
  /** AUTH PLAIN came without a response: the next line is it. */
  | { readonly phase: 'response' }
  /** A step is being carried out, and nothing is read. */
  | { readonly phase: 'busy' }
  | { readonly phase: 'transaction'; readonly drop: Maildrop }
  | { readonly phase: 'closed' };

/** One client’s session. */
export class POP3Session {
  readonly #options: POP3SessionOptions;
  #state: State = LOGGED_OUT;
  #isSecure: boolean;
  #loginFailures = 0;
  #errors = 0;

  constructor(options: POP3SessionOptions) {
    this.#options = options;
    this.#isSecure = options.isSecure;
  }

  /** What is said first. */
  get banner(): string {
    const { timestamp } = this.#options;
    return `+OK smtpd-inbox${timestamp === undefined ? '' : ` ${timestamp}`}`;
  }

  get phase(): State['phase'] {
    return this.#state.phase;
  }

  /** A line came. Not while a step is being carried out. */
  receive(line: string): POP3Step {
    const state = this.#state;
    if (state.phase === 'response') return this.#respondToChallenge(line);
    const [word, argument] = splitOnce(line);
    const name = asciiUpperCase(word);
    if (!Object.hasOwn(COMMANDS, name)) return this.#error('-ERR There is no such command');
    const command = COMMANDS[name as CommandName];
    if (command.phase !== 'both' && command.phase !== state.phase) {
      return this.#error(state.phase === 'transaction' ? '-ERR You are logged in already' : LOG_IN_FIRST);
    }
    if (command.argument === 'none' && argument !== undefined) return this.#error(`-ERR ${name} has no argument`);
    if (command.argument === 'some' && (argument === undefined || argument === '')) {
      return this.#error(`-ERR ${name} needs an argument`);
    }
    return this.#run(name as CommandName, argument ?? '', state);
  }

  /** A line came that cannot be a command. */
  receiveMalformed(why: 'tooLong' | 'bareLineEnd'): POP3Step {
    if (this.#state.phase === 'response') this.#state = LOGGED_OUT;
    return this.#error(
      why === 'tooLong' ? '-ERR The line is too long' : '-ERR A line ends with CRLF, and has no other CR or LF',
    );
  }

  /** Whoever wanted to come in may, and this is there. */
  enter(messages: readonly DropMessage[]): POP3Step {
    const drop = new Maildrop(messages);
    this.#state = { phase: 'transaction', drop };
    return reply(`+OK ${drop.summary}`);
  }

  /** Whoever wanted to come in may not. */
  refuse(why: POP3Refusal): POP3Step {
    this.#state = LOGGED_OUT;
    if (why !== 'wrong') return reply(REFUSALS[why]);
    this.#loginFailures += 1;
    if (this.#loginFailures < this.#options.loginFailuresMax) return reply(REFUSALS.wrong);
    return this.#close(`${REFUSALS.wrong}; that was the last attempt`);
  }

  /** The handshake is done. RFC 2595 §4: what was known of the client is forgotten. */
  secured(): void {
    this.#isSecure = true;
    this.#state = LOGGED_OUT;
  }

  /** The last reply of a session whose messages were deleted, or were not. */
  quitReply(isDone: boolean): readonly string[] {
    return [isDone ? '+OK Goodbye' : '-ERR [SYS/TEMP] Some messages could not be deleted'];
  }

  #run(name: CommandName, argument: string, state: State): POP3Step {
    if (LOGINS.has(name) && this.#options.isTLSRequired && !this.#isSecure) {
      return this.#error('-ERR [SYS/PERM] Say STLS first');
    }
    if (isDropCommand(name)) {
      // The table lets these come here only with a maildrop.
      return state.phase === 'transaction' ? this.#inDrop(name, argument, state.drop) : this.#error(LOG_IN_FIRST);
    }
    switch (name) {
      case 'CAPA':
        return { kind: 'reply', lines: this.#capabilities() };
      case 'QUIT':
        return this.#quit(state);
      case 'STLS':
        return this.#startTLS();
      case 'USER':
        this.#state = { phase: 'authorization', user: argument };
        // Whether there is such a user is told with the password.
        return reply('+OK Now the password');
      case 'PASS':
        return this.#password(argument, state);
      case 'APOP':
        return this.#apop(argument);
      case 'AUTH':
        return this.#auth(argument);
    }
  }

  #inDrop(name: DropCommandName, argument: string, drop: Maildrop): POP3Step {
    switch (name) {
      case 'STAT':
        return reply(`+OK ${String(drop.count)} ${String(drop.sizeBytes)}`);
      case 'NOOP':
        return reply('+OK');
      case 'RSET':
        drop.restore();
        return reply(`+OK ${drop.summary}`);
      case 'LIST':
      case 'UIDL':
        return this.#list(name, argument, drop);
      case 'RETR':
      case 'DELE':
      case 'TOP': {
        const [number = '', lines, ...more] = argument.split(' ');
        const isTop = name === 'TOP';
        const bodyLines = isTop ? parseNumber(lines ?? '') : undefined;
        if (more.length > 0 || (isTop ? bodyLines === undefined : lines !== undefined)) {
          return this.#error(
            isTop ? '-ERR TOP needs a message and a number of lines' : `-ERR ${name} needs one message`,
          );
        }
        const message = drop.find(number);
        if (message === undefined) return this.#error(NO_SUCH_MESSAGE);
        if (name !== 'DELE') return { kind: 'message', message, bodyLines };
        drop.mark(message);
        return reply(`+OK Message ${String(Number(number))} goes when you quit`);
      }
    }
  }

  #list(name: 'LIST' | 'UIDL', argument: string, drop: Maildrop): POP3Step {
    const row = ({ number, message }: NumberedMessage): string =>
      `${String(number)} ${name === 'LIST' ? String(message.sizeBytes) : message.id}`;
    if (argument === '') return { kind: 'reply', lines: [`+OK ${drop.summary}`, ...drop.remaining().map(row), '.'] };
    const message = drop.find(argument);
    if (message === undefined) return this.#error(NO_SUCH_MESSAGE);
    return reply(`+OK ${row({ number: Number(argument), message })}`);
  }

  #capabilities(): readonly string[] {
    const { canStartTLS, isTLSRequired } = this.#options;
    const isInTransaction = this.#state.phase === 'transaction';
    const mayLogIn = !isTLSRequired || this.#isSecure;
    return [
      '+OK This is what there is',
      'TOP',
      'UIDL',
      'RESP-CODES',
      'AUTH-RESP-CODE',
      'PIPELINING',
      ...(mayLogIn ? ['USER', 'SASL PLAIN'] : []),
      // RFC 2595 §4: only where it can be said.
      ...(canStartTLS && !this.#isSecure && !isInTransaction ? ['STLS'] : []),
      'IMPLEMENTATION smtpd-inbox',
      '.',
    ];
  }

  #quit(state: State): POP3Step {
    if (state.phase !== 'transaction') return this.#close('+OK Goodbye');
    this.#state = CLOSED;
    const ids = state.drop.marked();
    return ids.length === 0 ? { kind: 'close', lines: this.quitReply(true) } : { kind: 'update', ids };
  }

  #startTLS(): POP3Step {
    if (this.#isSecure) return this.#error('-ERR This is TLS already');
    if (!this.#options.canStartTLS) return this.#error('-ERR [SYS/PERM] There is no TLS here');
    this.#state = BUSY;
    return { kind: 'startTLS' };
  }

  #password(password: string, state: State): POP3Step {
    const user = state.phase === 'authorization' ? state.user : undefined;
    if (user === undefined) return this.#error('-ERR USER comes first');
    return this.#logIn({ kind: 'password', user: decodeText(user), password: decodeText(password) });
  }

  #apop(argument: string): POP3Step {
    const { timestamp } = this.#options;
    if (timestamp === undefined) return this.#error('-ERR [SYS/PERM] There is no APOP here');
    const at = argument.lastIndexOf(' ');
    const digest = argument.slice(at + 1).toLowerCase();
    if (at <= 0 || !MD5.test(digest)) return this.#error('-ERR APOP needs a name and an MD5 in hexadecimal');
    return this.#logIn({ kind: 'apop', user: decodeText(argument.slice(0, at)), digest });
  }

  #auth(argument: string): POP3Step {
    const [mechanism, response] = splitOnce(argument);
    if (asciiUpperCase(mechanism) !== 'PLAIN') return this.#error('-ERR [AUTH] The one mechanism is PLAIN');
    if (response !== undefined) return this.#plain(response);
    this.#state = { phase: 'response' };
    // RFC 5034 §4: an empty challenge.
    return reply('+ ');
  }

  #respondToChallenge(line: string): POP3Step {
    this.#state = LOGGED_OUT;
    if (line === '*') return this.#error('-ERR As you like');
    return this.#plain(line);
  }

  /** RFC 4616: whom to act for, who it is, and the password. */
  #plain(response: string): POP3Step {
    if (!BASE64.test(response)) return this.#error('-ERR The response is no base64');
    const parts = decodeText(atob(response)).split('\0');
    const [actsFor = '', user = '', password = ''] = parts;
    if (parts.length !== 3 || user === '') return this.#error('-ERR The response is none of PLAIN');
    if (actsFor !== '' && actsFor !== user) return this.#error('-ERR [AUTH] Nobody acts for anybody else here');
    return this.#logIn({ kind: 'password', user, password });
  }

  #logIn(credentials: POP3Credentials): POP3Step {
    this.#state = BUSY;
    return { kind: 'login', credentials };
  }

  #error(line: string): POP3Step {
    this.#errors += 1;
    if (this.#errors < this.#options.errorsMax) return reply(line);
    return this.#close(`${line}; that was the last one`);
  }

  #close(line: string): POP3Step {
    this.#state = CLOSED;
    return { kind: 'close', lines: [line] };
  }
}

interface NumberedMessage {
  readonly number: number;
  readonly message: DropMessage;
}

/** The messages as they were at login, and which of them are to go. Numbers stay what they are (RFC 1939 §5). */
class Maildrop {
  readonly #messages: readonly DropMessage[];
  readonly #marked = new Set<DropMessage>();

  constructor(messages: readonly DropMessage[]) {
    this.#messages = messages;
  }

  get count(): number {
    return this.#messages.length - this.#marked.size;
  }

  get sizeBytes(): number {
    return this.remaining().reduce((sum, { message }) => sum + message.sizeBytes, 0);
  }

  get summary(): string {
    return `${String(this.count)} messages (${String(this.sizeBytes)} octets)`;
  }

  /** The message of that number; `undefined` when there is none, or it is to go. */
  find(text: string): DropMessage | undefined {
    const number = parseNumber(text);
    const message = number === undefined ? undefined : this.#messages[number - 1];
    return message === undefined || this.#marked.has(message) ? undefined : message;
  }

  remaining(): readonly NumberedMessage[] {
    return this.#messages
      .map((message, index) => ({ number: index + 1, message }))
      .filter(({ message }) => !this.#marked.has(message));
  }

  mark(message: DropMessage): void {
    this.#marked.add(message);
  }

  restore(): void {
    this.#marked.clear();
  }

  marked(): readonly string[] {
    return [...this.#marked].map(({ id }) => id);
  }
}

function reply(line: string): POP3Step {
  return { kind: 'reply', lines: [line] };
}

/** The word before the first space, and all that is behind it. */
function splitOnce(line: string): readonly [string, string | undefined] {
  const at = line.indexOf(' ');
  return at < 0 ? [line, undefined] : [line.slice(0, at), line.slice(at + 1)];
}

function parseNumber(text: string): number | undefined {
  return NUMBER.test(text) ? Number(text) : undefined;
}

/** Letters of ASCII alone. */
function asciiUpperCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

/** Octets, one a character, as UTF-8; what is none stays as it is. */
function decodeText(text: string): string {
  const octets = Uint8Array.from(text, (character) => character.charCodeAt(0));
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return text;
  }
}

function isDropCommand(name: CommandName): name is DropCommandName {
  return COMMANDS[name].phase === 'transaction';
}

interface CommandRule {
  readonly phase: 'authorization' | 'transaction' | 'both';
  readonly argument: 'none' | 'some' | 'maybe';
}

/** Which command may come when, and with what. */
const COMMANDS = {
  APOP: { phase: 'authorization', argument: 'some' },
  AUTH: { phase: 'authorization', argument: 'some' },
  CAPA: { phase: 'both', argument: 'none' },
  DELE: { phase: 'transaction', argument: 'some' },
  LIST: { phase: 'transaction', argument: 'maybe' },
  NOOP: { phase: 'transaction', argument: 'none' },
  PASS: { phase: 'authorization', argument: 'maybe' },
  QUIT: { phase: 'both', argument: 'none' },
  RETR: { phase: 'transaction', argument: 'some' },
  RSET: { phase: 'transaction', argument: 'none' },
  STAT: { phase: 'transaction', argument: 'none' },
  STLS: { phase: 'authorization', argument: 'none' },
  TOP: { phase: 'transaction', argument: 'some' },
  UIDL: { phase: 'transaction', argument: 'maybe' },
  USER: { phase: 'authorization', argument: 'some' },
} as const satisfies Readonly<Record<string, CommandRule>>;
type CommandName = keyof typeof COMMANDS;
type DropCommandName = {
  [Name in CommandName]: (typeof COMMANDS)[Name]['phase'] extends 'transaction' ? Name : never;
}[CommandName];

const LOGINS: ReadonlySet<CommandName> = new Set<CommandName>(['USER', 'PASS', 'APOP', 'AUTH']);
const LOGGED_OUT: State = Object.freeze({ phase: 'authorization', user: undefined });
const BUSY: State = Object.freeze({ phase: 'busy' });
const CLOSED: State = Object.freeze({ phase: 'closed' });
const REFUSALS: Readonly<Record<POP3Refusal, string>> = {
  // RFC 3206 §4, and RFC 2449 §8.
  wrong: '-ERR [AUTH] No such user, or another password',
  inUse: '-ERR [IN-USE] Somebody else has this inbox open',
  failed: '-ERR [SYS/TEMP] The inbox cannot be opened now',
};
const LOG_IN_FIRST = '-ERR Log in before you ask for that';
const NO_SUCH_MESSAGE = '-ERR There is no such message';
const NUMBER = /^\d{1,10}$/;
const MD5 = /^[0-9a-f]{32}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
