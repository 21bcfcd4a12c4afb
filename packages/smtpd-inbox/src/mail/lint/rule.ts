/** What a rule is, and what it gets to see. No rule stands here. */

import type { Envelope, Finding, Session } from '../../api/model.js';
import { decodeRaw } from './encoded-words.js';
import type { HTMLFacts } from './html-facts.js';
import type { RawMessage } from './raw-message.js';

/** Something that a receiver may object to. */
export interface LintRule {
  /** Stable, such as `missing-date`. */
  readonly id: string;
  readonly severity: Finding['severity'];
  /** The clause or the practice behind it. */
  readonly source: string;
  /** What it objects to, for the table in the documentation. */
  readonly objection: string;
  /** Finds the places, one at a time: nobody asks for more of them than are shown. */
  readonly find: (mail: LintMail) => Iterable<Spot>;
}

/** A place, and what is to be said of it. */
export interface Spot {
  /** What is wrong and what to do. */
  readonly text: string;
  /** From 1; absent when it is about the whole. */
  readonly line?: number | undefined;
  /** Default: the raw message. */
  readonly in?: Finding['in'];
}

/** What the rules look at: read once, for all of them. */
export interface LintMail {
  readonly message: RawMessage;
  readonly envelope: Envelope;
  /** Parameters of MAIL in capitals: `SIZE` → `'1234'`, `SMTPUTF8` → `''`. */
  readonly mailParameters: ReadonlyMap<string, string>;
  readonly session: Session | undefined;
  /** Milliseconds since 1970; undefined when it is not known. */
  readonly receivedAtMs: number | undefined;
  /** The HTML of the mail, part by part. */
  readonly htmlParts: readonly HTMLFacts[];
}

/** Text of a message, or octets of it, inside a sentence: short, and nothing in it that moves a cursor. */
export function quote(text: string): string {
  const shown = decodeRaw(text);
  const short = shown.length > QUOTE_LENGTH_MAX ? `${shown.slice(0, QUOTE_LENGTH_MAX)}…` : shown;
  return `“${short.replace(UNPRINTABLE, '\u{FFFD}')}”`;
}

/** `1 octet`, `2 octets`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
}

const QUOTE_LENGTH_MAX = 60;
// Control characters, and those that turn the direction of text.
const UNPRINTABLE = /[\p{Cc}\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu;
