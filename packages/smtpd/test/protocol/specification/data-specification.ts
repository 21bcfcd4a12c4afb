// What the data and chunk decoders must do, said a second time and in another way: on the whole string at once, with
// string searches instead of states. Slow, and meant to be read next to RFC 5321 §4.5.2 and RFC 1870 §5.

import type { ContentFault, LineEndings } from '../../../src/protocol/data-decoder.js';

export interface ContentOutcome {
  /** Whether the end was found. */
  readonly isEnded: boolean;
  /** Octets that belong to this content, its end included. */
  readonly takenBytes: number;
  readonly content: string;
  readonly sizeBytes: number;
  readonly bareCRCount: number;
  readonly bareLFCount: number;
  readonly longestLineBytes: number;
  readonly fault: ContentFault | undefined;
}

export interface ContentPolicy {
  readonly lineEndings: LineEndings;
  readonly sizeLimitBytes: number;
}

/** What comes of `received` behind DATA. */
export function specifyData(received: string, policy: ContentPolicy): ContentOutcome {
  // The CRLF of the DATA command is the line end before the first line, so one search finds the end in both forms.
  const endAt = `\r\n${received}`.indexOf('\r\n.\r\n');
  const isEnded = endAt !== -1;
  const stuffed = isEnded ? received.slice(0, endAt) : withoutUndecidedCR(received);
  const content = `\r\n${stuffed}`.replaceAll('\r\n.', '\r\n').slice(2);
  return { isEnded, takenBytes: isEnded ? endAt + 3 : received.length, ...specifyContent(content, isEnded, policy) };
}

/** What comes of the octets of all chunks together, behind BDAT. */
export function specifyChunks(
  content: string,
  isFinished: boolean,
  policy: ContentPolicy,
): Omit<ContentOutcome, 'isEnded' | 'takenBytes'> {
  return specifyContent(content, isFinished, policy);
}

/** A line of a dot and a CR may be about to end the data: its CR is not content yet. */
function withoutUndecidedCR(received: string): string {
  return `\r\n${received}`.endsWith('\r\n.\r') ? received.slice(0, -1) : received;
}

function specifyContent(
  raw: string,
  isFinished: boolean,
  { lineEndings, sizeLimitBytes }: ContentPolicy,
): Omit<ContentOutcome, 'isEnded' | 'takenBytes'> {
  // A CR at the end of content that goes on may still become a CRLF.
  const bareCR = isFinished ? /\r(?!\n)/g : /\r(?!\n|$)/g;
  const bareLF = /(?<!\r)\n/g;
  const bareCRs = [...raw.matchAll(bareCR)].map((match) => match.index);
  const bareLFs = [...raw.matchAll(bareLF)].map((match) => match.index);

  const content =
    lineEndings === 'normalize' ? raw.replace(new RegExp(`${bareCR.source}|${bareLF.source}`, 'g'), '\r\n') : raw;
  const lines = content.split('\r\n');
  const completeLines = isFinished ? lines : lines.slice(0, -1);

  // A bare CR is known when it has been counted, a bare LF before: which fault is first follows from that.
  const octetsBeforeFault = Math.min(...bareCRs.map((at) => at + 1), ...bareLFs);
  const isRejected = lineEndings === 'reject' && octetsBeforeFault <= Math.min(sizeLimitBytes, raw.length);
  const fault = isRejected ? 'bareLineEnd' : content.length > sizeLimitBytes ? 'tooLarge' : undefined;
  return {
    content: fault === undefined ? content : '',
    sizeBytes: content.length,
    bareCRCount: bareCRs.length,
    bareLFCount: bareLFs.length,
    longestLineBytes: Math.max(0, ...completeLines.map((line) => line.length)),
    fault,
  };
}
