/**
 * The states of a session and the steps between them, as small functions on values.
 *
 * A phase holds exactly the data that exists in it. Which command takes which step stands in `command-rules.ts`; who
 * calls these functions: the parts of `server-session.ts`.
 */

import type { ClientName } from './client-name.js';
import type { CommandPhase, Phase } from './command-rules.js';
import { assertNever, InvariantError } from './errors.js';
import type { ChunkDecoder } from './chunk-decoder.js';
import type { DataDecoder } from './data-decoder.js';
import { formatParameter, type Parameter } from './parameters.js';
import type { Path } from './path.js';

/** Who the client says it is (RFC 5321 §4.1.1.1). */
export interface ClientIdentity {
  readonly name: ClientName;
  /** Whether it came with EHLO. */
  readonly isExtended: boolean;
}

/** A recipient of the open transaction. */
export interface Recipient {
  readonly path: Path;
  readonly parameters: readonly Parameter[];
}

/** The envelope of the open transaction (RFC 5321 §2.3.1). */
export interface Envelope {
  readonly reversePath: Path;
  readonly parameters: readonly Parameter[];
  /** Whether the transaction was opened with SMTPUTF8 (RFC 6531 §3.4). */
  readonly isInternational: boolean;
  readonly recipients: readonly Recipient[];
}

/** The state of a session. */
export type SessionState =
  | { readonly phase: 'opening' }
  | { readonly phase: 'refused' }
  | { readonly phase: 'start' }
  | { readonly phase: 'ready'; readonly client: ClientIdentity }
  | { readonly phase: 'sender'; readonly client: ClientIdentity; readonly envelope: Envelope }
  | { readonly phase: 'recipients'; readonly client: ClientIdentity; readonly envelope: Envelope }
  | {
      readonly phase: 'content';
      readonly client: ClientIdentity;
      readonly envelope: Envelope;
      readonly decoder: DataDecoder;
    }
  /** Octets of a chunk are awaited (RFC 3030 §2). */
  | {
      readonly phase: 'chunk';
      readonly client: ClientIdentity;
      readonly envelope: Envelope;
      readonly decoder: ChunkDecoder;
      readonly isLast: boolean;
    }
  /** A chunk that was not the last is complete. */
  | {
      readonly phase: 'chunks';
      readonly client: ClientIdentity;
      readonly envelope: Envelope;
      readonly decoder: ChunkDecoder;
    }
  /** STARTTLS was accepted; the handshake is under way (RFC 3207 §4). */
  | { readonly phase: 'securing' }
  /** It is over. Who the client said it was is still told to whoever writes it down. */
  | { readonly phase: 'closed'; readonly client: ClientIdentity | undefined };

/** Phase → the phases that may come next. Every step of a session is asserted against it. */
export const STEPS: Readonly<Record<Phase, readonly Phase[]>> = Object.freeze({
  opening: ['start', 'refused', 'securing', 'closed'],
  refused: ['closed'],
  start: ['start', 'ready', 'opening', 'closed'],
  ready: ['ready', 'sender', 'securing', 'opening', 'closed'],
  sender: ['ready', 'recipients', 'closed'],
  recipients: ['ready', 'recipients', 'content', 'chunk', 'closed'],
  content: ['ready', 'closed'],
  chunk: ['chunks', 'ready', 'closed'],
  chunks: ['ready', 'chunk', 'closed'],
  securing: ['start', 'opening', 'refused', 'closed'],
  closed: ['closed'],
});

/** Our greeting was a positive one. */
export function greetingSent(): SessionState {
  return { phase: 'start' };
}

/** The client named itself, for the first time or again (RFC 5321 §4.1.4: then as if with RSET). */
export function clientNamed(client: ClientIdentity): SessionState {
  return { phase: 'ready', client };
}

/** MAIL was accepted. */
export function senderAccepted(
  state: Extract<SessionState, { phase: 'ready' }>,
  envelope: Omit<Envelope, 'recipients'>,
): SessionState {
  const { reversePath, parameters, isInternational } = envelope;
  return {
    phase: 'sender',
    client: state.client,
    envelope: { reversePath, parameters, isInternational, recipients: [] },
  };
}

/** RCPT was accepted. */
export function recipientAccepted(
  state: Extract<SessionState, { phase: 'sender' | 'recipients' }>,
  recipient: Recipient,
): SessionState {
  // The list belongs to this state alone until the message is handed over. It grows in place because a copy for each
  // recipient would make ten thousand of them cost fifty million steps.
  (state.envelope.recipients as Recipient[]).push(recipient);
  return state.phase === 'recipients' ? state : { phase: 'recipients', client: state.client, envelope: state.envelope };
}

/** DATA was accepted. */
export function contentBegun(
  state: Extract<SessionState, { phase: 'recipients' }>,
  decoder: DataDecoder,
): SessionState {
  return { phase: 'content', client: state.client, envelope: state.envelope, decoder };
}

/** BDAT was accepted (RFC 3030 §2); the chunks of one message share a decoder. */
export function chunkBegun(
  state: Extract<SessionState, { phase: 'recipients' | 'chunks' }>,
  decoder: ChunkDecoder,
  isLast: boolean,
): SessionState {
  return { phase: 'chunk', client: state.client, envelope: state.envelope, decoder, isLast };
}

/** A chunk that was not the last is complete. */
export function chunkTaken({ client, envelope, decoder }: Extract<SessionState, { phase: 'chunk' }>): SessionState {
  return { phase: 'chunks', client, envelope, decoder };
}

/** STARTTLS was accepted. Nothing that the client said before counts any more (RFC 3207 §4.2). */
export function securingBegun(): SessionState {
  return { phase: 'securing' };
}

/** The greeting is still to come: TLS was first, or another client stands behind the one that talks to us. */
export function sessionReopened(): SessionState {
  return { phase: 'opening' };
}

/** The transaction is over, by its last reply or by RSET (RFC 5321 §4.1.1.5). The client keeps its name. */
export function transactionEnded(state: SessionState): SessionState {
  return state.phase !== 'closed' && 'client' in state ? { phase: 'ready', client: state.client } : state;
}

/** The session is over. */
export function sessionClosed(before: SessionState): SessionState {
  return { phase: 'closed', client: clientOf(before) };
}

/** Asserts that the step exists. */
export function assertStep(from: Phase, next: Phase): void {
  // This is asked at each step, and the message is for whoever reads it.
  if (!STEPS[from].includes(next)) throw new InvariantError(`No step leads from ${from} to ${next}`);
}

/** The open transaction's envelope, if there is one. */
export function envelopeOf(state: SessionState): Envelope | undefined {
  return 'envelope' in state ? state.envelope : undefined;
}

/** The client's identity, once it has one. */
export function clientOf(state: SessionState): ClientIdentity | undefined {
  return 'client' in state ? state.client : undefined;
}

/** Whether a command line is expected in this phase. */
export function isCommandPhase(phase: Phase): phase is CommandPhase {
  switch (phase) {
    case 'opening':
    case 'content':
    case 'chunk':
    case 'securing':
    case 'closed':
      return false;
    case 'refused':
    case 'start':
    case 'ready':
    case 'sender':
    case 'recipients':
    case 'chunks':
      return true;
    default:
      return assertNever(phase);
  }
}

/** Parameters as words: `['SIZE=10', 'SMTPUTF8']`. */
export function formatOptions(parameters: readonly Parameter[]): readonly string[] {
  return parameters.length === 0 ? NO_OPTIONS : parameters.map(formatParameter);
}

const NO_OPTIONS: readonly string[] = Object.freeze([]);
