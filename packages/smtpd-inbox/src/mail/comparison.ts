/**
 * Two mails compared line by line, and what makes two mails look like ones of the same template. The comparison is that of Myers (“An
 * O(ND) difference algorithm”, 1986), with a bound on its work: what is too different to be matched is shown as taken away and put there
 * anew, and the section says so.
 */

import type { Difference, HeaderField, Message } from '../api/model.js';

/** What is compared of a message. */
export type Comparable = Pick<Message, 'headers' | 'text' | 'html'>;

/** The parts of two messages, line by line. */
export type Sections = Difference['sections'];

/**
 * Compares two messages: what is `removed` stands in `before` alone, what is `added` in `after` alone. Fields that differ in every mail
 * (Date, Message-ID, Received, signatures) are left out, and so are the boundaries of multiparts. The other way round, it says the same
 * with the words exchanged. A part that neither message has is left out.
 *
 * @example
 * ```ts
 * compareMessages(
 *   { headers: [], text: 'Dear Ann,\nwelcome.' },
 *   { headers: [], text: 'Dear Bob,\nwelcome.' },
 * )[0]?.lines.map(({ kind }) => kind); // removed, added, same
 * ```
 */
export function compareMessages(before: Comparable, after: Comparable): Sections {
  const parts = [
    ['headers', headerLines(before.headers), headerLines(after.headers)],
    ['text', bodyLines(before.text), bodyLines(after.text)],
    ['html', bodyLines(before.html), bodyLines(after.html)],
  ] as const;
  return parts.flatMap(([part, old, recent]) =>
    old === undefined && recent === undefined ? [] : [{ part, ...compareLines(old ?? [], recent ?? []) }],
  );
}

/** Compares two lists of lines. */
export function compareLines(before: readonly string[], after: readonly string[]): Omit<Sections[number], 'part'> {
  // Where several comparisons are equally short, the same one is found in both directions: the order of the two decides nothing.
  const isSwapped = isGreater(before, after);
  const [first, second] = isSwapped ? [after, before] : [before, after];
  let head = 0;
  const shorter = Math.min(first.length, second.length);
  while (head < shorter && first[head] === second[head]) head++;
  let tail = 0;
  while (tail < shorter - head && first[first.length - 1 - tail] === second[second.length - 1 - tail]) tail++;
  const middle = matchMiddle(first.slice(head, first.length - tail), second.slice(head, second.length - tail));
  const lines: Line[] = [
    ...first.slice(0, head).map((text) => ({ kind: 'same' as const, text })),
    ...middle.lines,
    ...first.slice(first.length - tail).map((text) => ({ kind: 'same' as const, text })),
  ];
  return {
    lines: removedFirst(isSwapped ? lines.map((line) => ({ kind: OPPOSITE[line.kind], text: line.text })) : lines),
    ...(middle.isWhole ? {} : { note: TOO_DIFFERENT }),
  };
}

/**
 * The same for mails of one template, most likely: who it is from, the subject without its numbers, codes, addresses and the
 * recipient’s names, and the fields that programs mark their mail with.
 *
 * @example
 * ```ts
 * templateKey({ from: ['Shop <a@shop.example>'], to: ['Ann <ann@b.example>'], subject: 'Ann, your code is 1234', headers: [] });
 * // equal to that of «Bob, your code is 98» to bob@b.example
 * ```
 */
export function templateKey(mail: {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly subject?: string | undefined;
  readonly headers: readonly HeaderField[];
}): string {
  const marks = mail.headers
    .filter(({ name }) => TEMPLATE_FIELDS.test(name))
    .map(({ name, value }) => `${name.toLowerCase()}=${shapeOf(value.slice(0, SUBJECT_LENGTH_MAX), [])}`)
    .sort()
    .slice(0, MARKS_MAX);
  const senders = mail.from.slice(0, NAMES_MAX).map((from) => addressIn(from).toLowerCase());
  return JSON.stringify([senders, shapeOf((mail.subject ?? '').slice(0, SUBJECT_LENGTH_MAX), namesIn(mail.to)), marks]);
}

type Line = Sections[number]['lines'][number];

/** A subject or the value of a mark, without what differs from mail to mail. */
function shapeOf(text: string, names: readonly string[]): string {
  let shape = text.normalize('NFC').toLowerCase();
  shape = shape
    .replace(/[^\s<>]{1,64}@[^\s<>]{1,255}/g, '@')
    .replace(/https?:\/\/\S+/g, '/')
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, '#');
  const isName = new Set(names);
  return (
    shape
      .replace(/[\p{L}\p{N}_'’-]+/gu, (word) => (isName.has(word) ? '*' : isIdentifier(word) ? '#' : word))
      // A name of two words and one of three are a name.
      .replace(/\*(?:\s+\*)+/g, '*')
      .replace(/#(?:[\s.,:/-]*#)+/g, '#')
      .replace(/\s+/g, ' ')
      .trim()
  );
}

/** A word with a digit in it: a number, a code, the number of an order. */
function isIdentifier(word: string): boolean {
  return /\p{N}/u.test(word);
}

/** The words of the recipients’ names and local parts, in lower case. */
function namesIn(recipients: readonly string[]): string[] {
  return recipients.slice(0, NAMES_MAX).flatMap((recipient) => {
    const short = recipient.slice(0, SUBJECT_LENGTH_MAX).normalize('NFC').toLowerCase();
    const address = addressIn(short);
    const name = short.replace(/<[^<>]*>/g, ' ');
    const local = address.slice(0, Math.max(0, address.lastIndexOf('@')));
    return [...(name.match(WORDS) ?? []), ...(local.match(WORDS) ?? []), local].filter(({ length }) => length > 1);
  });
}

function addressIn(mailbox: string): string {
  const open = mailbox.lastIndexOf('<');
  const close = mailbox.indexOf('>', open);
  return open >= 0 && close > open ? mailbox.slice(open + 1, close).trim() : mailbox.trim();
}

function headerLines(fields: readonly HeaderField[]): string[] {
  return fields
    .filter(({ name }) => !VOLATILE_FIELDS.has(name.toLowerCase()) && !/^arc-/i.test(name))
    .map(({ name, value }) => {
      const isContentType = name.toLowerCase() === 'content-type';
      return `${name}: ${isContentType ? value.replace(/(\bboundary\s*=\s*)(?:"[^"]*"|[^\s;]+)/i, '$1…') : value}`;
    });
}

function bodyLines(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined;
  const lines = text.split(/\r\n|\n|\r/);
  // What ends with a line end has no line behind it.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function isGreater(first: readonly string[], second: readonly string[]): boolean {
  if (first.length !== second.length) return first.length > second.length;
  for (let index = 0; index < first.length; index++) {
    const [a = '', b = ''] = [first[index], second[index]];
    if (a !== b) return a > b;
  }
  return false;
}

/** Within a change, what went stands before what came. */
function removedFirst(lines: readonly Line[]): Line[] {
  const result: Line[] = [];
  let added: Line[] = [];
  for (const line of lines) {
    if (line.kind === 'added') {
      added.push(line);
      continue;
    }
    if (line.kind === 'same') {
      result.push(...added);
      added = [];
    }
    result.push(line);
  }
  return [...result, ...added];
}

/** The shortest way from one to the other, or, past the bound, all of the one and all of the other. */
function matchMiddle(before: readonly string[], after: readonly string[]): { lines: Line[]; isWhole: boolean } {
  const trace = before.length + after.length > LINES_MAX ? undefined : searchEdits(before, after);
  if (trace === undefined) {
    return {
      lines: [
        ...before.map((text) => ({ kind: 'removed' as const, text })),
        ...after.map((text) => ({ kind: 'added' as const, text })),
      ],
      isWhole: false,
    };
  }
  const lines: Line[] = [];
  let x = before.length;
  let y = after.length;
  for (const [edits, reached] of [...trace.entries()].reverse()) {
    const diagonal = x - y;
    // Whether the last step came down (a line was added) or right (one was removed); without edits there was none.
    const isAdded = edits > 0 && cameDown(reached, edits, diagonal);
    const from = isAdded ? diagonal + 1 : diagonal - 1;
    const fromX = edits === 0 ? 0 : (reached[from + edits] ?? 0);
    const behindStep = edits === 0 || isAdded ? fromX : fromX + 1;
    for (; x > behindStep; x--, y--) lines.push({ kind: 'same', text: before[x - 1] ?? '' });
    if (edits > 0) {
      lines.push(
        isAdded ? { kind: 'added', text: after[y - 1] ?? '' } : { kind: 'removed', text: before[x - 1] ?? '' },
      );
    }
    x = fromX;
    y = fromX - from;
  }
  return { lines: lines.reverse(), isWhole: true };
}

/**
 * For every number of edits the furthest places that were reached before it, by diagonal (index: diagonal + edits); undefined past the
 * bound.
 */
function searchEdits(before: readonly string[], after: readonly string[]): Int32Array[] | undefined {
  const trace: Int32Array[] = [];
  let reached = new Int32Array([0, 0, 0]);
  for (let edits = 0; edits <= EDITS_MAX; edits++) {
    trace.push(reached);
    const next = new Int32Array(2 * (edits + 1) + 1);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = 0;
      if (edits > 0) {
        x = cameDown(reached, edits, diagonal)
          ? (reached[diagonal + 1 + edits] ?? 0)
          : (reached[diagonal - 1 + edits] ?? 0) + 1;
      }
      let y = x - diagonal;
      while (x < before.length && y < after.length && before[x] === after[y]) {
        x++;
        y++;
      }
      next[diagonal + edits + 1] = x;
      if (x >= before.length && y >= after.length) return trace;
    }
    reached = next;
  }
  return undefined;
}

function cameDown(reached: Int32Array, edits: number, diagonal: number): boolean {
  if (diagonal === -edits) return true;
  if (diagonal === edits) return false;
  return (reached[diagonal - 1 + edits] ?? 0) < (reached[diagonal + 1 + edits] ?? 0);
}

/** Lines of both sides together that are still matched. */
export const LINES_MAX = 50_000;
/** Lines added and removed that are still looked for; the memory grows with the square of it. */
export const EDITS_MAX = 1_500;

const TOO_DIFFERENT =
  'The two are too different, or too long, to be matched line by line: all that is not the same at the beginning and at the end is shown as exchanged.';
const OPPOSITE = { same: 'same', added: 'removed', removed: 'added' } as const;
const VOLATILE_FIELDS: ReadonlySet<string> = new Set([
  'date',
  'message-id',
  'received',
  'return-path',
  'delivered-to',
  'x-received',
  'dkim-signature',
  'x-google-dkim-signature',
  'authentication-results',
  'received-spf',
]);
/** Fields by which programs and services mark what a mail is. */
const TEMPLATE_FIELDS =
  /^(?:list-id|auto-submitted|precedence|feedback-id|x-(?:mailer|template|template-id|template-name|tag|category|campaign|campaign-id|mailgun-tag|mc-tags|pm-tag|ses-configuration-set|sg-template|smtpapi-category|laravel-.*|mailer-class|notification-type|github-reason))$/i;
const WORDS = /[\p{L}\p{N}_'’-]+/gu;
const SUBJECT_LENGTH_MAX = 500;
const NAMES_MAX = 20;
const MARKS_MAX = 20;
