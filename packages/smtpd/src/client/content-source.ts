/** The content of a message as people have it, made into pieces of octets that may leave. */

import { isAscii } from 'node:buffer';

import { ContentPass } from '../protocol/content-pass.js';
import { UsageError } from '../protocol/errors.js';
import { octets } from '../protocol/octets.js';
import { checkContent } from './message-shape.js';

/**
 * The content of a message: octets whole or piece by piece, such as a readable stream; or text, whose line ends are made CRLF and which is
 * sent as UTF-8.
 */
export type MessageContent = string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** `text`: only CRLF ends a line, and what else could is refused. `octets`: as they are, for BODY=BINARYMIME, or where somebody checked before. */
export type ContentForm = 'text' | 'octets';

/**
 * The pieces. None is large, so that what waits for a slow server is bounded by what was asked for.
 *
 * @throws {@link UsageError} `SMTPD_BAD_CONTENT`: at once for what is no content, in the loop before the piece with the wrong line end
 */
export function contentOf(
  content: MessageContent,
  form: ContentForm,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  checkContent(content);
  // What was normalized here needs no second look.
  if (typeof content === 'string') return slices(octetsOfText(content));
  const pieces = content instanceof Uint8Array ? slices(content) : content;
  if (form === 'octets') return pieces;
  return Symbol.asyncIterator in pieces ? checkedAsync(pieces) : checked(pieces);
}

/** Text as it is sent. */
export function octetsOfText(text: string): Uint8Array {
  return octets.encodeUTF8(text.replace(LINE_END, '\r\n'));
}

/** Octets of the content, where it is there as a whole; `undefined` for a stream. */
export function contentLengthBytes(content: WholeOrStream): number | undefined {
  return content instanceof Uint8Array ? content.length : undefined;
}

/** Whether there is an octet above 127 in it, where it is there as a whole. */
export function isEightBit(content: WholeOrStream): boolean {
  return content instanceof Uint8Array && !isAscii(content);
}

type WholeOrStream = Exclude<MessageContent, string>;

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

function* checked(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  const pass = textPass();
  for (const piece of pieces) yield* passed(pass.pass(octetsOnly(piece)));
  yield* passed(pass.end());
}

async function* checkedAsync(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const pass = textPass();
  for await (const piece of pieces) yield* passed(pass.pass(octetsOnly(piece)));
  yield* passed(pass.end());
}

function textPass(): ContentPass {
  return new ContentPass({ front: NOTHING, headerEnd: NOTHING, lineEndings: 'reject' });
}

function passed(passage: ReturnType<ContentPass['pass']>): readonly Uint8Array[] {
  if (passage.kind === 'pieces') return passage.pieces;
  throw new UsageError(
    'SMTPD_BAD_CONTENT',
    `The content has a ${passage.octet} that is not part of a CRLF (RFC 5321 §2.3.8): end lines with CRLF, or give text as a string`,
  );
}

function octetsOnly(piece: unknown): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  throw new UsageError(
    'SMTPD_BAD_CONTENT',
    `A stream of content gives Uint8Arrays, not a ${typeof piece}: do not set an encoding on it`,
  );
}

const LINE_END = /\r\n|\r|\n/g;
const PIECE_BYTES = 262_144;
const NOTHING = new Uint8Array(0);
