/**
 * A channel: one client's connection, as a subclass sees it. Its `smtp_<COMMAND>` methods are the commands: a subclass adds a verb by adding
 * a method and changes one by overriding it. What goes on between them is `conversation.ts`.
 */

import type { EndpointAddress } from '../net/transport.js';
import { UsageError } from '../protocol/errors.js';
import { parseReply, type Reply } from '../protocol/reply.js';
import type { ChannelOptions, ChannelOwner } from './channel-context.js';
import { commandMethodsOf } from './command-methods.js';
import { Conversation } from './conversation.js';
import type { SessionInfo } from './session-info.js';
import type { Awaitable } from './verdict.js';

/**
 * One client's connection.
 *
 * @example
 * ```ts
 * import { SMTPChannel, SMTPServer } from 'smtpd';
 * class MyChannel extends SMTPChannel {
 *   async smtp_XPING(argument: string | undefined) {
 *     await this.push(`250 2.0.0 pong ${argument ?? ''}`);
 *   }
 * }
 * class MyServer extends SMTPServer {
 *   static override channelClass = MyChannel;
 * }
 * new MyServer();
 * ```
 */
export class SMTPChannel {
  /** The server. A subclass may declare it as its own server's type. */
  readonly smtpServer: ChannelOwner;
  /** What is known of the session. */
  readonly info: SessionInfo;
  readonly #conversation: Conversation;

  constructor({ server, transport, context, arrival }: ChannelOptions) {
    this.smtpServer = server;
    const methods = commandMethodsOf(Object.getPrototypeOf(this) as object);
    this.#conversation = new Conversation({ channel: this, methods, transport, context, arrival });
    this.info = this.#conversation.info;
  }

  // ---- The old module's instance variables, as views -----------------------------------------------------------------

  /** The socket; `undefined` for a connection in memory. */
  get conn(): unknown {
    return this.#conversation.transport.socket;
  }

  /** The address and port that connected; behind a proxy that sends the PROXY header, the client's. */
  get addr(): EndpointAddress {
    return this.#conversation.transport.remote;
  }

  /** The client's address and port; after XCLIENT, what that said. */
  get peer(): EndpointAddress {
    return this.#conversation.peer;
  }

  /** `DATA` while content is read, else `COMMAND`. */
  get smtpState(): 'COMMAND' | 'DATA' {
    return this.#conversation.session.isReceivingContent ? 'DATA' : 'COMMAND';
  }

  /** What the client called itself; `''` before HELO or EHLO. */
  get seenGreeting(): string {
    return this.info.clientName ?? '';
  }

  /** Whether the client said EHLO. */
  get extendedSMTP(): boolean {
    return this.#conversation.session.isExtended;
  }

  /** The open transaction's reverse-path; `undefined` when none is open, `''` for the null reverse-path. */
  get mailFrom(): string | undefined {
    return this.info.envelope?.mailFrom;
  }

  /** The open transaction's recipients. */
  get rcptTos(): readonly string[] {
    return this.info.envelope?.rcptTos ?? NO_LINES;
  }

  /** The parameters of the open transaction's MAIL. */
  get mailOptions(): readonly string[] {
    return this.info.envelope?.mailOptions ?? NO_LINES;
  }

  /** For each recipient, the parameters of its RCPT. */
  get rcptOptions(): readonly (readonly string[])[] {
    return this.info.envelope?.rcptOptions ?? [];
  }

  /** The command line under way, as one element; each octet is one character. Empty while content is read. */
  get receivedLines(): readonly string[] {
    return this.#conversation.receivedLines;
  }

  /** The content of the message that is being decided. It is not kept afterwards. */
  get receivedData(): Uint8Array | string | undefined {
    return this.#conversation.receivedData;
  }

  /** The server's own name. */
  get fqdn(): string {
    return this.#conversation.context.sessionOptions.hostname;
  }

  /** Octets of the largest message; `undefined` for no limit. */
  get dataSizeLimit(): number | undefined {
    return this.#conversation.session.offer.facts.sizeLimitBytes;
  }

  /** Octets of a command line without its CRLF, before extensions lengthen it. */
  get commandSizeLimit(): number {
    return this.#conversation.context.sessionOptions.limits.commandLengthBytesMax;
  }

  /** Whether SMTPUTF8 is offered. */
  get enableSMTPUTF8(): boolean {
    return this.#conversation.session.offer.facts.isSMTPUTF8Enabled;
  }

  // ---- The commands --------------------------------------------------------------------------------------------------

  /** EHLO (RFC 5321 §4.1.1.1). */
  smtp_EHLO(argument: string | undefined): Awaitable<void> {
    return this.#conversation.greet('EHLO', argument);
  }

  /** HELO (RFC 5321 §4.1.1.1). */
  smtp_HELO(argument: string | undefined): Awaitable<void> {
    return this.#conversation.greet('HELO', argument);
  }

  /** LHLO (RFC 2033 §4.1). */
  smtp_LHLO(argument: string | undefined): Awaitable<void> {
    return this.#conversation.greet('LHLO', argument);
  }

  /** STARTTLS (RFC 3207 §4). */
  smtp_STARTTLS(argument: string | undefined): Awaitable<void> {
    if (this.#conversation.sessionInCommand()?.startTLS(argument) === true) return this.#conversation.steps.secure();
  }

  /** AUTH (RFC 4954 §4). */
  smtp_AUTH(argument: string | undefined): Awaitable<void> {
    const start = this.#conversation.sessionInCommand()?.auth(argument);
    if (start !== undefined) return this.#conversation.steps.authenticate(start);
  }

  /** MAIL (RFC 5321 §4.1.1.2). */
  smtp_MAIL(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.mail(argument));
  }

  /** RCPT (RFC 5321 §4.1.1.3). */
  smtp_RCPT(argument: string | undefined): Awaitable<void> {
    const { hooks } = this.#conversation.context;
    const isAsked = hooks.rcpt.length > 0;
    // A method that was overridden expects each RCPT for itself.
    if (this.smtp_RCPT !== BASE_RCPT || (isAsked ? !hooks.hasBatch : !this.#conversation.mayTakeGroup('RCPT'))) {
      return this.#conversation.ask(this.#conversation.sessionInCommand()?.rcpt(argument));
    }
    if (!isAsked) {
      this.#conversation.takeRecipients(argument);
      return;
    }
    const tell = (following: string | undefined): void => {
      this.#conversation.tellCommand('RCPT', following);
    };
    return this.#conversation.askRecipients(this.#conversation.sessionInCommand()?.rcptBatch(argument, tell) ?? []);
  }

  /** DATA (RFC 5321 §4.1.1.4). */
  smtp_DATA(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.data(argument));
  }

  /** BDAT (RFC 3030 §2). */
  smtp_BDAT(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.bdat(argument));
  }

  /** RSET (RFC 5321 §4.1.1.5). */
  smtp_RSET(argument: string | undefined): Awaitable<void> {
    const hadTransaction = this.#conversation.session.envelope !== undefined;
    if (this.#conversation.sessionInCommand()?.rset(argument) !== true) return;
    if (hadTransaction) this.#conversation.tellReset();
    this.#conversation.forgetForwarded();
  }

  /** NOOP (RFC 5321 §4.1.1.9). */
  smtp_NOOP(argument: string | undefined): Awaitable<void>;
  smtp_NOOP(): void {
    this.#conversation.sessionInCommand()?.noop();
  }

  /** QUIT (RFC 5321 §4.1.1.10). */
  smtp_QUIT(argument: string | undefined): Awaitable<void>;
  smtp_QUIT(): void {
    const session = this.#conversation.sessionInCommand();
    if (session === undefined) return;
    this.#conversation.noteReason('quit');
    session.quit();
  }

  /** VRFY (RFC 5321 §4.1.1.6). */
  smtp_VRFY(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.vrfy(argument));
  }

  /** EXPN (RFC 5321 §4.1.1.7). */
  smtp_EXPN(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.expn(argument));
  }

  /** ETRN (RFC 1985 §5). */
  smtp_ETRN(argument: string | undefined): Awaitable<void> {
    return this.#conversation.ask(this.#conversation.sessionInCommand()?.etrn(argument));
  }

  /** XCLIENT: the client is the one that somebody in front of us names, and is greeted anew. */
  smtp_XCLIENT(argument: string | undefined): Awaitable<void> {
    const attributes = this.#conversation.sessionInCommand()?.xclient(argument);
    if (attributes !== undefined) return this.#conversation.steps.becomeClient(attributes);
  }

  /** XFORWARD: somebody in front of us says whom the next message came from. */
  smtp_XFORWARD(argument: string | undefined): Awaitable<void> {
    const attributes = this.#conversation.sessionInCommand()?.xforward(argument);
    if (attributes !== undefined) this.#conversation.steps.addForwarded(attributes);
  }

  /** HELP (RFC 5321 §4.1.1.8). */
  smtp_HELP(argument: string | undefined): Awaitable<void> {
    this.#conversation.sessionInCommand()?.help(argument);
  }

  // ---- For command methods -------------------------------------------------------------------------------------------

  /**
   * Answers the command under way. A reply of several lines may be pushed whole or line by line, as `250-first` and `250 last`.
   * Nothing happens when the client has gone.
   *
   * @throws {@link UsageError} `SMTPD_BAD_REPLY` when the text is no reply, `SMTPD_ONE_REPLY` when the command has its reply already
   */
  // An async method, so that what is wrong with a reply rejects where `await this.push()` stands.
  // eslint-disable-next-line @typescript-eslint/require-await -- see above
  async push(reply: Reply | string): Promise<void> {
    const whole = typeof reply === 'string' ? this.#conversation.pieces.add(reply) : reply;
    if (whole === undefined) return;
    if (isIntermediate(whole)) {
      throw new UsageError('SMTPD_BAD_REPLY', 'push() gives the final reply; readLine() asks with a 3yz reply');
    }
    this.#conversation.respond(whole);
  }

  /**
   * Sends an intermediate reply (3yz) and reads the client's next line as the answer to it, not as a command.
   *
   * @returns the line without its CRLF, each octet as one character
   * @throws {@link SMTPReplyError} when the line is too long; a rejected promise, too, when the client leaves
   */
  readLine(prompt: Reply | string): Promise<string> {
    const reply = typeof prompt === 'string' ? parseReply(prompt) : prompt;
    if (reply === undefined || !isIntermediate(reply)) {
      throw new UsageError('SMTPD_BAD_REPLY', 'readLine() asks with a 3yz reply, as in "334 Go on"');
    }
    return this.#conversation.readLine(reply);
  }

  /** Sends what was answered, then closes. */
  close(): void {
    this.#conversation.close();
  }

  // ---- For the server ------------------------------------------------------------------------------------------------

  /** @internal Begins the conversation. */
  begin(): void {
    this.#conversation.begin();
  }

  /** @internal The server closes: an idle client hears 421 now, another one when its message is done. */
  shutDown(): void {
    this.#conversation.shutDown();
  }

  /** @internal The server's patience is over. */
  cutOff(): void {
    this.#conversation.cutOff();
  }
}

function isIntermediate({ code }: Reply): boolean {
  return code >= 300 && code <= 399;
}

const NO_LINES: readonly string[] = Object.freeze([]);
// eslint-disable-next-line @typescript-eslint/unbound-method -- compared, never called
const BASE_RCPT = SMTPChannel.prototype.smtp_RCPT;
