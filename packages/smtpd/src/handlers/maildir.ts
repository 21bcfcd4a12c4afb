/**
 * The server that delivers into Maildir folders. A message that was answered with 250 is on the disk; one that was not is nowhere.
 *
 * Here is which folder, what stands before the content and what a client hears of a full disk; `maildir-delivery.ts` writes.
 */

import { access, constants } from 'node:fs/promises';
import { join, resolve, sep } from 'node:path';

import { isBinaryBody } from '../client/envelope-commands.js';
import { broughtToMaildir } from '../protocol/brought-names.js';
import { invariant, UsageError } from '../protocol/errors.js';
import { kindOf } from '../protocol/kind-of.js';
import { Reply, SMTPReplyError } from '../protocol/reply.js';
import { formatAddressField } from '../protocol/address-field.js';
import type { RcptRequest } from '../server/hooks.js';
import { guardLogger, type Logger } from '../server/logger.js';
import type { StreamedMessage } from '../server/received-message.js';
import { refuseUnknown, type SMTPServerOptions } from '../server/server-options.js';
import { SMTPServer, type CloseOptions } from '../server/server.js';
import type { SessionInfo } from '../server/session-info.js';
import type { Awaitable, Verdict } from '../server/verdict.js';
import { deliver, isDiskFull, makeMaildir, type MaildirCopy } from './maildir-delivery.js';
import { receivedField } from './received-field.js';
import { UnixLineEnds } from './unix-line-ends.js';

/** A header field that a {@link Maildir} puts before the content. */
export type MaildirField = 'Return-Path' | 'X-Original-To' | 'Delivered-To' | 'Received';

/** What a {@link Maildir} is given. Everything but the folder has a default. */
export interface MaildirOptions extends Omit<SMTPServerOptions, 'decodeData' | 'remoteAddress'> {
  /** Where messages go: a Maildir, or the folder that the answers of `folderFor` are below. What is missing is made. */
  readonly folder: string;
  /**
   * Which Maildir a recipient has, as a path below `folder`; asked at RCPT. `undefined`, and a path that leads out of `folder`, refuse
   * the recipient with `550 5.1.1`. Default: everybody has `folder` itself.
   */
  readonly folderFor?: (recipient: RcptRequest<undefined>) => Awaitable<string | undefined>;
  /** The fields that are put before the content. Default: `Return-Path`, `Delivered-To`, `Received`. */
  readonly fields?: readonly MaildirField[];
  /** How lines end in the files: `lf`, as programs on Unix expect, or `crlf`, as they came. Default: `lf`. */
  readonly fileLineEnds?: 'lf' | 'crlf';
}

/**
 * A server that delivers into a Maildir, or into one for each recipient.
 *
 * @example
 * ```ts
 * import { mkdtempSync } from 'node:fs';
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { Maildir } from 'smtpd';
 * const server = new Maildir({
 *   localAddress: 'localhost:0',
 *   folder: mkdtempSync(join(tmpdir(), 'mail-')),
 *   folderFor: ({ path }) => (path.domain === 'example.org' ? path.localPart.toLowerCase() : undefined),
 * });
 * await server.listen();
 * await server.close();
 * ```
 */
export class Maildir extends SMTPServer {
  readonly #folder: string;
  readonly #isShared: boolean;
  readonly #fields: ReadonlySet<MaildirField>;
  readonly #fileLineEnds: 'lf' | 'crlf';
  readonly #logger: Logger;
  /** The folders of a session's recipients, by address, since its last MAIL. */
  readonly #foldersOf = new WeakMap<SessionInfo, Map<string, string>>();
  /** What is being written. None of them rejects. */
  readonly #deliveries = new Set<Promise<unknown>>();

  /** @throws {@link UsageError} when an option cannot work, or two contradict each other */
  constructor(given: MaildirOptions) {
    refuseUnknown(given, { names: OPTION_NAMES, meant: broughtToMaildir });
    const { folder, folderFor, fields, fileLineEnds, ...options } = given;
    super(options);
    checkFolder(folder);
    this.#folder = resolve(folder);
    this.#isShared = folderFor === undefined;
    this.#fields = new Set(fields ?? USUAL_FIELDS);
    for (const field of this.#fields) checkChoice('fields', field, FIELDS);
    this.#fileLineEnds = fileLineEnds ?? 'lf';
    checkChoice('fileLineEnds', this.#fileLineEnds, FILE_LINE_ENDS);
    this.#logger = guardLogger(this.options.logger);
    if (folderFor !== undefined) this.#askForFolders(folderFor);
  }

  /** Makes the folder where it is missing, and listens. */
  override async listen(): Promise<SMTPServer['addresses']> {
    try {
      await makeMaildir(this.#folder);
      // Better now than when the first message is there.
      await access(join(this.#folder, 'tmp'), constants.W_OK | constants.X_OK);
    } catch (error) {
      throw unusableFolder(error);
    }
    return super.listen();
  }

  override async streamMessage(message: StreamedMessage): Promise<Verdict> {
    const delivery = deliver({
      copies: this.#copiesOf(message),
      content: this.#contentOf(message),
      signal: message.signal,
    });
    const settled = delivery.catch(() => undefined);
    this.#deliveries.add(settled);
    try {
      await delivery;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      this.#logger.error({ error, messageId: message.id }, 'A message was refused with 452: there is no room for it');
      return DISK_FULL;
    } finally {
      this.#deliveries.delete(settled);
    }
  }

  /** Closes, and waits until nothing is being written any more. */
  override async close(options: CloseOptions = {}): Promise<void> {
    await super.close(options);
    await Promise.all(this.#deliveries);
  }

  #askForFolders(folderFor: NonNullable<MaildirOptions['folderFor']>): void {
    this.use<undefined>({
      name: 'maildir',
      mail: ({ session }) => {
        this.#foldersOf.set(session, new Map());
      },
      rcpt: async (request) => {
        const answer = await folderFor(request);
        const folder = answer === undefined ? undefined : this.#folderBelow(answer);
        if (folder === undefined) throw new SMTPReplyError(550, '5.1.1', 'Error: no such mailbox here');
        this.#foldersOf.get(request.session)?.set(request.address, folder);
      },
    });
  }

  /** An address can hold dots and slashes, and an answer that was made of one must not lead elsewhere. */
  #folderBelow(answer: string): string | undefined {
    const folder = resolve(this.#folder, answer);
    const isBelow = folder === this.#folder || folder.startsWith(this.#folder === sep ? sep : this.#folder + sep);
    if (isBelow) return folder;
    this.#logger.warn({ folder: answer }, 'A recipient was refused: its folder is not below the folder of the server');
    return undefined;
  }

  #copiesOf(message: StreamedMessage): readonly MaildirCopy[] {
    const folders = this.#foldersOf.get(message.session);
    const recipientsOf = new Map<string, string[]>();
    for (const address of message.rcptTos) {
      const folder = this.#isShared ? this.#folder : folders?.get(address);
      invariant(folder !== undefined, 'Each recipient was asked about at RCPT');
      const others = recipientsOf.get(folder);
      if (others === undefined) recipientsOf.set(folder, [address]);
      else if (!others.includes(address)) others.push(address);
    }
    return [...recipientsOf].map(([folder, recipients]) => ({
      folder,
      header: Buffer.from(this.#encode(message, this.#headerFor(message, recipients)), 'utf8'),
    }));
  }

  /** Who shares a folder may see each other; nobody else is named. */
  #headerFor(message: StreamedMessage, recipients: readonly string[]): string {
    const linesOf: Readonly<Record<MaildirField, () => readonly string[]>> = {
      'Return-Path': () => [formatAddressField('Return-Path', message.mailFrom)],
      'X-Original-To': () => recipients.map((address) => formatAddressField('X-Original-To', address)),
      'Delivered-To': () => recipients.map((address) => formatAddressField('Delivered-To', address)),
      Received: () => [receivedField(message, { serverName: this.options.hostname, recipients })],
    };
    // RFC 5321 §4.4: Return-Path comes first.
    return FIELDS.filter((field) => this.#fields.has(field))
      .flatMap((field) => linesOf[field]())
      .join('');
  }

  async *#contentOf(message: StreamedMessage): AsyncGenerator<Uint8Array, void, undefined> {
    const converter = this.#convertsLines(message) ? new UnixLineEnds() : undefined;
    let isFirst = true;
    for await (const piece of message.body) {
      // A line that begins with a blank goes on with the one before it, which would be ours.
      if (isFirst && this.#fields.size > 0 && isBlank(piece[0])) yield Buffer.from(this.#encode(message, '\r\n'));
      isFirst = false;
      yield converter?.convert(piece) ?? piece;
    }
    if (converter !== undefined) yield converter.end();
  }

  #encode(message: StreamedMessage, text: string): string {
    return this.#convertsLines(message) ? text.replaceAll('\r\n', '\n') : text;
  }

  /** RFC 3030 §3: what is declared to be binary may have CR and LF that are no line ends, and stays as it is. */
  #convertsLines(message: StreamedMessage): boolean {
    return this.#fileLineEnds === 'lf' && !isBinaryBody(message.mailOptions);
  }
}

/** What the system said, with its code, and what to do about it. */
function unusableFolder(cause: unknown): unknown {
  if (!(cause instanceof Error && 'code' in cause)) return cause;
  const advice = 'mail cannot be delivered there; name a folder that can be made, and that this user may write to';
  return Object.assign(new Error(`${cause.message}: ${advice}`, { cause }), { code: cause.code });
}

function checkFolder(given: unknown): void {
  if (typeof given === 'string' && given !== '') return;
  throw new UsageError(
    'SMTPD_BAD_OPTION',
    `folder is the path of a Maildir, not ${given === '' ? '""' : kindOf(given)}`,
  );
}

function isBlank(octet: number | undefined): boolean {
  return octet === 0x20 || octet === 0x09;
}

function checkChoice(option: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return;
  throw new UsageError('SMTPD_BAD_OPTION', `${option}: ${JSON.stringify(value)} is none of ${choices.join(', ')}`);
}

/** In the order in which they stand in the file. */
const FIELDS: readonly MaildirField[] = ['Return-Path', 'X-Original-To', 'Delivered-To', 'Received'];
const USUAL_FIELDS: readonly MaildirField[] = ['Return-Path', 'Delivered-To', 'Received'];
const FILE_LINE_ENDS = ['lf', 'crlf'];
const OPTION_NAMES: readonly (keyof MaildirOptions)[] = ['folder', 'folderFor', 'fields', 'fileLineEnds'];
// RFC 5321 §4.2.2.
const DISK_FULL = new Reply(452, '4.3.1', 'Error: insufficient system storage');
