/**
 * The SMTP server of the inbox: it takes every message that can be taken, reads what it says, and keeps it with all that is known of
 * it. It answers 250 when the store has it.
 */

import {
  Reply,
  SMTPReplyError,
  SMTPServer,
  type MessageVerdict,
  type SessionInfo,
  type SMTPServerOptions,
  type StreamedMessage,
} from 'smtpd';
import {
  StoreError,
  type Envelope,
  type MailStore,
  type NewMessage,
  type NewSummary,
  type SessionFacts,
} from 'smtpd-store';

import type { MailReader } from '../mail/mail-reader.js';
import { isQuicklyRead, quickSummary } from '../mail/quick-summary.js';
import type { FaultBoard } from '../faults/fault-board.js';
import { FaultyChannel, LIMITS_FOR_FAULTS, playFaults, playMessageFault } from '../faults/play-faults.js';
import { ContentIntake } from './content-intake.js';
import type { InboxDirectory } from './inbox-directory.js';
import { recordSessions, type SessionRecord } from './session-recorder.js';

/** What a capturing server works with. */
export interface CaptureParts {
  readonly store: MailStore;
  readonly reader: MailReader;
  readonly directory: InboxDirectory;
  /** Whether other machines make inboxes, too. */
  readonly isStoreShared: boolean;
  /** Whether the store sums up what is quickly read, and need not be told what it says. */
  readonly canStoreSummarize: boolean;
  readonly faults: FaultBoard;
  /** Whether recipients such as `fail-rcpt-550@…` make their own faults. */
  readonly hasRecipientFaults: boolean;
}

/** Keeps what arrives. */
export class CaptureServer extends SMTPServer {
  static override channelClass = FaultyChannel;
  readonly #parts: CaptureParts;
  readonly #intake = new ContentIntake();
  readonly #recordOf: (session: SessionInfo) => SessionRecord;
  /** What is written after the fact, and waited for when closing. */
  readonly #writing = new Set<Promise<unknown>>();
  /** What was said behind messages that are kept, by their ids, to be written together when the time for it has come. */
  #endings = new Map<string, string>();
  #transcriptTimer: NodeJS.Timeout | undefined;

  constructor(options: Omit<SMTPServerOptions, 'lineEndings'>, parts: CaptureParts) {
    // No message is refused for its form: what was odd is shown.
    super({ ...options, lineEndings: 'preserve', limits: { ...LIMITS_FOR_FAULTS, ...options.limits } });
    this.#parts = parts;
    const { store, directory, faults, hasRecipientFaults } = parts;
    playFaults(this, faults, {
      recipientFaults: hasRecipientFaults,
      inboxesOf: ({ user, recipients }) => directory.route({ rcptTos: recipients, user }),
    });
    this.#recordOf = recordSessions(this, {
      onTransaction: ({ ids, ending, transcript }) => {
        if (transcript !== undefined) {
          this.#write(store.setTranscripts(new Map(ids.map((id) => [id, transcript]))));
          return;
        }
        for (const id of ids) this.#endings.set(id, ending);
        if (this.#endings.size >= TRANSCRIPTS_MAX) this.#writeTranscripts();
        else
          this.#transcriptTimer ??= setTimeout(() => {
            this.#writeTranscripts();
          }, TRANSCRIPT_MS);
      },
      onEnd: (record, session, reason) => {
        // Somebody looks at a session when it is over.
        this.#writeTranscripts();
        if (record.messageCount === 0 && record.isHeard) this.#write(this.#keepSession(record, session, reason));
      },
    });
  }

  override async streamMessage(message: StreamedMessage): Promise<MessageVerdict> {
    const { store, directory, canStoreSummarize } = this.#parts;
    const record = this.#recordOf(message.session);
    const { head, rest, release } = await this.#intake.take(message.body);
    try {
      // A streamed message is asked about when it is whole; what comes behind the head passes with it.
      const fault = await playMessageFault(message);
      if (fault !== undefined && fault !== null && fault !== '') return fault;
      const isSummedUpByStore = canStoreSummarize && rest === undefined && isQuicklyRead(head);
      const summary = isSummedUpByStore ? undefined : await this.#summaryOf(head, rest !== undefined);
      record.note('client', `(${String(head.length)} octets of content${rest === undefined ? '' : ', and more'})`);
      const toKeep: NewMessage = {
        raw: rest === undefined ? head : joined(head, rest),
        envelope: envelopeOf(message),
        session: factsOf(message.session, message.mailOptions),
        receivedAt: message.receivedAt,
        transcript: record.transcriptToKeep(),
        ...(summary === undefined ? {} : { summary }),
      };
      const routed = { rcptTos: message.rcptTos, user: message.session.identity?.user };
      if (this.#parts.isStoreShared) await directory.learn(routed);
      // In all of them or in none: a client that is refused sends again, and would find twice what one inbox had kept.
      const kept = await store.addToInboxes(toKeep, directory.route(routed));
      const ids = kept.map(({ id }) => id);
      record.keep(ids);
      return new Reply(250, '2.0.0', `Kept as ${ids.join(', ')}`);
    } catch (error) {
      throw refusalOf(error);
    } finally {
      release();
    }
  }

  /** What a message says. */
  async #summaryOf(head: Uint8Array, isCut: boolean): Promise<NewSummary> {
    const summary = quickSummary(head) ?? (await this.#parts.reader.summarize(head));
    return isCut ? { ...summary, parseFault: PARTLY_READ } : summary;
  }

  /** Resolves when all that was said of finished sessions is written. */
  async settle(): Promise<void> {
    this.#writeTranscripts();
    while (this.#writing.size > 0) await Promise.allSettled([...this.#writing]);
  }

  #writeTranscripts(): void {
    clearTimeout(this.#transcriptTimer);
    this.#transcriptTimer = undefined;
    const endings = this.#endings;
    if (endings.size === 0) return;
    this.#endings = new Map();
    this.#write(this.#parts.store.addToTranscripts(endings));
  }

  async #keepSession(record: SessionRecord, session: SessionInfo, reason: string): Promise<void> {
    const { store, directory } = this.#parts;
    const envelope = record.envelope ?? { mailFrom: '', rcptTos: [], mailOptions: [], rcptOptions: [] };
    const [inbox = ''] = directory.route({ rcptTos: envelope.rcptTos, user: session.identity?.user });
    await store.add({
      kind: 'session',
      raw: new Uint8Array(0),
      envelope,
      session: { ...factsOf(session, session.envelope?.mailOptions), end: reason },
      receivedAt: session.openedAt,
      transcript: record.transcript,
      inbox,
      summary: {},
    });
  }

  #write(writing: Promise<unknown>): void {
    const settled = writing
      .catch((error: unknown) => {
        // A store that was closed has nobody to tell; anything else the operator should know.
        if (error instanceof StoreError && error.code === 'STORE_CLOSED') return;
        this.options.logger.error({ error }, 'A transcript could not be kept; the messages are');
      })
      .finally(() => this.#writing.delete(settled));
    this.#writing.add(settled);
  }
}

/** What a session is kept with. */
function factsOf(session: SessionInfo, mailOptions: readonly string[] = []): SessionFacts {
  const { peer, local, clientName, tls, identity } = session;
  return {
    id: session.id,
    peer: { address: peer.address, port: peer.port },
    ...('address' in local ? { local: { address: local.address, port: local.port } } : {}),
    ...(clientName === undefined ? {} : { clientName }),
    protocol: protocolKeyword(session, mailOptions),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            version: tls.version,
            cipher: tls.cipher,
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
            ...(tls.alpn === undefined ? {} : { alpn: tls.alpn }),
            ...(tls.peerCertificate === undefined
              ? {}
              : {
                  clientCertificate: {
                    isVerified: tls.peerCertificate.isVerified,
                    ...(tls.peerCertificate.verifyError === undefined
                      ? {}
                      : { verifyError: tls.peerCertificate.verifyError }),
                    ...(tls.peerCertificate.commonName === undefined
                      ? {}
                      : { commonName: tls.peerCertificate.commonName }),
                    subjectAltNames: tls.peerCertificate.subjectAltNames,
                    fingerprint256: tls.peerCertificate.fingerprint256,
                  },
                }),
          },
        }),
    ...(identity === undefined
      ? {}
      : {
          identity: {
            user: identity.user,
            mechanism: identity.mechanism,
            ...(identity.authorizationIdentity === undefined
              ? {}
              : { authorizationIdentity: identity.authorizationIdentity }),
          },
        }),
  };
}

/** RFC 3848 §2, and RFC 6531 §4.3 for who asked for SMTPUTF8. */
function protocolKeyword({ protocol, isExtended, tls, identity }: SessionInfo, mailOptions: readonly string[]): string {
  if (protocol === 'smtp' && !isExtended) return 'SMTP';
  const isUTF8 = mailOptions.some((option) => option.toUpperCase() === 'SMTPUTF8');
  const name = isUTF8 ? `UTF8${protocol.toUpperCase()}` : protocol === 'lmtp' ? 'LMTP' : 'ESMTP';
  return `${name}${tls === undefined ? '' : 'S'}${identity === undefined ? '' : 'A'}`;
}

function envelopeOf({ mailFrom, rcptTos, mailOptions, rcptOptions }: StreamedMessage): Envelope {
  return { mailFrom, rcptTos, mailOptions, rcptOptions };
}

async function* joined(head: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield head;
  yield* rest;
}

/** What the client hears when the store will not have a message. */
function refusalOf(error: unknown): unknown {
  if (!(error instanceof StoreError)) return error;
  if (error.code === 'STORE_TOO_LARGE')
    return new SMTPReplyError(552, '5.3.4', 'The message is larger than all that this inbox may keep');
  if (error.code === 'STORE_DISK_FULL') return new SMTPReplyError(452, '4.3.1', 'The disk of this inbox is full');
  return error;
}

/** A session that goes on is seen as far as it is after this time. */
const TRANSCRIPT_MS = 50;
/** How many transcripts wait for it at most. */
const TRANSCRIPTS_MAX = 64;
const PARTLY_READ = 'The message is so large that only its beginning was read; all of it is kept';
