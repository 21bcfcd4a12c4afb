/** What a probe found. */

import type { TLSReport } from './certificate.js';
import type { Keyword } from './keywords.js';
import type { WireReply } from './wire.js';

/** One thing that was looked at. */
export interface Finding {
  /** `note`: worth knowing, and allowed, or not to be judged from here. */
  readonly status: 'ok' | 'note' | 'warning';
  readonly name: string;
  readonly detail: string;
  /** Where the rule stands. */
  readonly clause: string;
}

/** A finding without its name and its clause. */
export type Judgement = Pick<Finding, 'status' | 'detail'>;

/** Everything that was found. */
export interface ProbeReport {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly connections: number;
  /** What the server offers, at last: on TLS when TLS was made. */
  readonly extensions: readonly Keyword[];
  /** What it offers before STARTTLS. `undefined`: there was no STARTTLS. */
  readonly extensionsInClear: readonly Keyword[] | undefined;
  readonly tls: TLSReport | undefined;
  readonly findings: readonly Finding[];
}

/** Whether a reply says yes. */
export function isPositive({ code }: WireReply): boolean {
  return code >= 200 && code < 300;
}

/** As it should be. */
export function ok(text: string, ...replies: readonly WireReply[]): Judgement {
  return { status: 'ok', detail: withReplies(text, replies) };
}

/** Worth knowing. */
export function note(text: string, ...replies: readonly WireReply[]): Judgement {
  return { status: 'note', detail: withReplies(text, replies) };
}

/** Not as it should be. */
export function warning(text: string, ...replies: readonly WireReply[]): Judgement {
  return { status: 'warning', detail: withReplies(text, replies) };
}

function withReplies(text: string, replies: readonly WireReply[]): string {
  const told = replies.map(({ code, lines }) => `${String(code)} ${lines[0] ?? ''}`.trim().slice(0, TEXT_LENGTH_MAX));
  return [text, ...(told.length === 0 ? [] : [told.join(', ')])].join(': ');
}

const TEXT_LENGTH_MAX = 120;
