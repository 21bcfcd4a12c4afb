/**
 * What a message has to be like. The server compares text; patterns are compared here, with the messages that the server finds for the
 * rest. Pure.
 */

import type { Entry } from '../api/model.js';

/** What is waited for. All that is given must hold; nothing given is any message. */
export interface MessageCriteria {
  /**
   * A recipient of the envelope, or an address in To or Cc: the local part exactly, the domain in any case. `*` stands for any text:
   * `*@b.example`.
   */
  readonly to?: string | undefined;
  /** The sender of the envelope, or an address in From, in the same way; `''` is the null sender of bounces. */
  readonly from?: string | undefined;
  /** Stands in the subject, in any case; or a pattern that is found in it, which is looked for here and not by the server. */
  readonly subject?: string | RegExp | undefined;
  /** These words stand in the text; or a pattern that is found in the text or the HTML, for which each candidate is fetched. */
  readonly body?: string | RegExp | undefined;
  /** A search that finds it, such as `has:attachment larger:10k`. */
  readonly q?: string | undefined;
}

/** Whether it is a regular expression; also one of another realm, as test runners have them. */
export function isPattern(value: unknown): value is RegExp {
  return Object.prototype.toString.call(value) === '[object RegExp]';
}

/** The part of the criteria that the server compares. */
export function criteriaForServer({ to, from, subject, body, q }: MessageCriteria): Record<string, string | undefined> {
  return {
    to,
    from,
    subject: typeof subject === 'string' ? subject : undefined,
    body: typeof body === 'string' ? body : undefined,
    q,
  };
}

/** Why a message that the server found is not it all the same; nothing when it is. */
export function subjectMismatch({ subject }: MessageCriteria, entry: Entry): string | undefined {
  if (!isPattern(subject) || isFound(subject, entry.subject ?? '')) return undefined;
  return entry.subject === undefined
    ? `it has no subject, which should match ${String(subject)}`
    : `its subject ${JSON.stringify(entry.subject)} does not match ${String(subject)}`;
}

/** The same of its text and its HTML. */
export function bodyMismatch(
  { body }: MessageCriteria,
  { text, html }: { readonly text?: string; readonly html?: string },
): string | undefined {
  if (!isPattern(body)) return undefined;
  if ([text, html].some((each) => each !== undefined && isFound(body, each))) return undefined;
  return `neither its text nor its HTML matches ${String(body)}`;
}

/** Whether a pattern is found. Of a copy of it, because one with the flag `g` goes on where it stopped the last time. */
export function isFound(pattern: RegExp, text: string): boolean {
  return new RegExp(pattern).test(text);
}

/** As it would be written: `{ to: "b@b.example", subject: /hello/i }`. */
export function describeCriteria(criteria: MessageCriteria): string {
  const given = (['to', 'from', 'subject', 'body', 'q'] as const).flatMap((name) => {
    const value = criteria[name];
    if (value === undefined) return [];
    return [`${name}: ${typeof value === 'string' ? JSON.stringify(value) : String(value)}`];
  });
  return given.length === 0 ? '{}' : `{ ${given.join(', ')} }`;
}
