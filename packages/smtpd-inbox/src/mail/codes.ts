/**
 * One-time codes: what a person has to type who reads this mail. Numbers are everywhere in mail (years, prices, orders, telephones), so each
 * candidate is judged by the words around it, in the languages that mail is written in.
 */

import type { Code } from '../api/model.js';
import { CODES_MAX } from './bounds.js';
import { NOT_A_CODE_AFTER, NOT_A_CODE_BEFORE, STRONG_HINT, WEAK_HINT } from './code-words.js';

/** What codes are looked for in. */
export interface CodeSources {
  readonly subject?: string | undefined;
  readonly text?: string | undefined;
  /** The text of the HTML. */
  readonly htmlText?: string | undefined;
}

/**
 * Finds codes, the likeliest first. The same code is listed once, where it is likeliest.
 *
 * ```ts
 * findCodes({ subject: 'Order 20481234', text: 'Your sign-in code is 493 027.' }); // [{ code: '493027', confidence: 0.99, … }]
 * ```
 */
export function findCodes({ subject = '', text = '', htmlText = '' }: CodeSources): Code[] {
  const topic = STRONG_HINT.test(subject) ? 'strong' : 'none';
  const found = [
    ...codesOf(subject, 'subject', 'none'),
    ...codesOf(text, 'text', topic),
    ...codesOf(htmlText, 'html', topic),
  ];
  const best = new Map<string, Code>();
  for (const code of found) {
    const known = best.get(code.code);
    if (known === undefined || known.confidence < code.confidence) best.set(code.code, code);
  }
  const sorted = [...best.values()].sort((left, right) => right.confidence - left.confidence);
  // Where one is plainly it, what only looks like one is noise.
  const least = (sorted[0]?.confidence ?? 0) >= SURE ? PLAUSIBLE : POSSIBLE;
  return sorted.filter(({ confidence }) => confidence >= least).slice(0, CODES_MAX);
}

/** What a mail is about, by its subject. */
type Topic = 'strong' | 'none';

function codesOf(source: string, where: Code['in'], topic: Topic): Code[] {
  const text = withoutAddresses(source.slice(0, TEXT_LENGTH_SEARCHED));
  const codes: Code[] = [];
  for (const match of text.matchAll(CANDIDATE)) {
    const surroundings = surroundingsOf(text, match.index, match[0].length);
    const code = typed(match[0]);
    if (!isPossible(code, match[0])) continue;
    const confidence = Math.round(judge(code, match[0], surroundings, topic) * 100) / 100;
    if (confidence >= POSSIBLE)
      codes.push({ code, context: contextOf(source, match.index, match[0].length), in: where, confidence });
    if (codes.length === CANDIDATES_MAX) break;
  }
  return codes;
}

/** What stands around a candidate. */
interface Surroundings {
  /** Before it in its line. */
  readonly before: string;
  /** Behind it in its line. */
  readonly after: string;
  /** The lines above that are not empty, the nearest first. */
  readonly above: readonly string[];
  readonly below: readonly string[];
}

function surroundingsOf(text: string, start: number, length: number): Surroundings {
  const [before = '', ...above] = text
    .slice(Math.max(0, start - REACH), start)
    .split('\n')
    .reverse();
  const [after = '', ...below] = text.slice(start + length, start + length + REACH).split('\n');
  const filled = (lines: string[]): string[] => lines.filter((line) => line.trim() !== '').slice(0, LINES_AROUND);
  return { before, after, above: filled(above), below: filled(below) };
}

/** From 0 to 1. */
function judge(code: string, shown: string, around: Surroundings, topic: Topic): number {
  if (isSomethingElse(code, shown, around)) return 0;
  const likely = Math.max(nearHint(around), alone(code, around, topic));
  return Math.min(0.99, likely * shapeFactor(code, shown) * otherNumberFactor(around) * yearFactor(code, around));
}

/** A hint in the same line. */
function nearHint({ before, after }: Surroundings): number {
  return Math.max(
    ...(
      [
        [STRONG_HINT, 1],
        [WEAK_HINT, 0.93],
      ] as const
    ).map(([hint, weight]) => {
      const gapBefore = gapBehindLast(hint, before);
      const gapAfter = gapBeforeFirst(hint, after);
      return weight * Math.max(byGap(gapBefore), byGap(gapAfter) * 0.97);
    }),
  );
}

/** How much a hint says over a distance. A sentence that ends in between says that it was about something else. */
function byGap(gap: string | undefined): number {
  if (gap === undefined) return 0;
  const near = gap.length <= 25 ? 0.98 : gap.length <= 80 ? 0.88 : 0.6;
  // Another number in between is nearer to the hint than this one.
  return near * (/[.!?。！？](?:\s|$)/u.test(gap) ? 0.5 : 1) * (/\d{4}/.test(gap) ? 0.5 : 1);
}

/** A candidate with a line of its own, under a line that announces it. */
function alone(code: string, { before, after, above, below }: Surroundings, topic: Topic): number {
  const isAlone = /^[\s*_`"'“„«「\-–—:>|#[(]*$/u.test(before) && /^[\s*_`"'”“»」\-–—|\])]*$/u.test(after);
  const near = [...above, ...below.slice(0, 1)];
  const nearest = near.findIndex((line) => STRONG_HINT.test(line));
  const weak = near.findIndex((line) => WEAK_HINT.test(line));
  if (!isAlone) return nearest >= 0 || topic === 'strong' ? 0.45 : weak >= 0 ? 0.35 : 0;
  if (nearest >= 0) return 0.97 - 0.03 * nearest;
  if (topic === 'strong') return 0.9;
  if (weak >= 0) return 0.86 - 0.03 * weak;
  return /^\d{6}$/.test(code) ? 0.4 : 0.2;
}

function gapBehindLast(hint: RegExp, text: string): string | undefined {
  const last = [...text.matchAll(new RegExp(hint, 'giu'))].at(-1);
  return last === undefined ? undefined : text.slice(last.index + last[0].length);
}

function gapBeforeFirst(hint: RegExp, text: string): string | undefined {
  const first = hint.exec(text);
  return first === null ? undefined : text.slice(0, first.index);
}

/** Prices, quantities, telephone numbers, dates and what is part of something longer. */
function isSomethingElse(code: string, shown: string, { before, after }: Surroundings): boolean {
  if (NOT_A_CODE_AFTER.test(after)) return true;
  if (/[$€£¥₹₽₩]\s?$/u.test(before) || /(?:eur|usd|gbp|chf|rs\.?|r\$|nok|sek|dkk|pln)\s?$/i.test(before)) return true;
  // Groups of digits that go on are a telephone, a card or an account.
  if (/^\d/.test(shown) && (/\d[\s\-./()]{1,2}$/.test(before) || /^[\s\-./()]{1,2}\d{2,}/.test(after))) return true;
  if (/\+\d{0,4}[\s\-()]{0,2}$/.test(before) || /\(\s?\d{2,5}\s?\)[\s-]?$/.test(before)) return true;
  if (
    /^\d{4,}$/.test(code) &&
    /^\s?(?:st(?:reet|\.)|ave(?:nue|\.)|r(?:oa)?d\b|blvd|lane|drive|suite|floor|straße|str\.)/iu.test(
      after.replace(/^ (?:[NSEW]\.? )?\p{Lu}[\p{L}.]+/u, ''),
    )
  )
    return true;
  // A postal code behind its state, as in `CA 94103`.
  return /^\d{5}$/.test(code) && /(?:^|[\s,])[A-Z]{2}\s$/.test(before);
}

/** Words right before it that say that it is a number of another kind. */
function otherNumberFactor({ before }: Surroundings): number {
  const start = before.slice(-50);
  const other = gapBehindLast(NOT_A_CODE_BEFORE, start);
  if (other === undefined || other.length > 25 || /[.!?。！？](?:\s|$)/u.test(other)) return 1;
  const hint = gapBehindLast(STRONG_HINT, start);
  return hint !== undefined && hint.length < other.length ? 1 : 0.25;
}

/** `2026` is a year where nothing says otherwise. */
function yearFactor(code: string, { before, after }: Surroundings): number {
  if (!/^(?:19|20)\d\d$/.test(code)) return 1;
  if (
    /(?:©|\(c\)|copyright|\p{L}{3,}\.? \d{1,2}(?:st|nd|rd|th)?,? ?|\d{1,2}[./-] ?|\b(?:in|since|seit|depuis|desde|year|jahr)) ?$/iu.test(
      before,
    )
  )
    return 0;
  if (/^(?:年|\s?(?:all rights|alle rechte|inc\b|ltd|gmbh))/iu.test(after) || /©|copyright/iu.test(before)) return 0;
  return gapBehindLast(STRONG_HINT, before) === undefined ? 0.55 : 0.95;
}

/** How usual a form is. */
function shapeFactor(code: string, shown: string): number {
  if (/^\d+$/.test(code)) {
    if (code.length === 6) return 1.02;
    return code.length > 8 ? 0.75 : 1;
  }
  if (/^[A-Z]-\d+$/.test(code) || /^\d+-\d+$/.test(code)) return 1;
  if (/\d/.test(code)) return shown === shown.toUpperCase() ? 0.99 : 0.9;
  return code.includes('-') ? 0.95 : 0.75;
}

/** Digits that are grouped by blanks are typed without them. */
function typed(shown: string): string {
  return /^[\d\s\u00a0]+$/.test(shown) ? shown.replace(/[\s\u00a0]/g, '') : shown;
}

function isPossible(code: string, shown: string): boolean {
  const letters = code.replace(/-/g, '');
  if (letters.length < 4 || letters.length > 12) return false;
  if (/^\d+$/.test(letters)) return letters.length <= 10 && !/^(?:19|20)\d\d-\d\d/.test(code);
  // Words have no digits; codes without digits are groups of capitals, or capitals in a line that says so.
  if (!/\d/.test(letters))
    return (
      shown === shown.toUpperCase() &&
      (/^[A-Z]{3,4}-[A-Z]{3,4}$/.test(code) || /^[A-Z]{6,8}$/.test(code)) &&
      !/[AEIOU]{1}[^AEIOU]?[AEIOU]/.test(letters)
    );
  // `iPhone15`, `mp3` and ordinals: a code has more than one change between letters and digits, or is in capitals.
  return (
    letters === letters.toUpperCase() ||
    (letters === letters.toLowerCase() && /\d[a-z]+\d|[a-z]\d+[a-z]/.test(letters)) ||
    /^(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9]{6,10}$/.test(letters)
  );
}

/** With blanks where addresses were: what is in a URL is not typed. */
function withoutAddresses(text: string): string {
  return text.replace(/\b(?:https?:\/\/|www\.)[^\s<>"]{1,4096}|[\w.+-]{1,64}@[\w.-]{1,255}/gi, (found) =>
    ' '.repeat(found.length),
  );
}

function contextOf(text: string, start: number, length: number): string {
  return text
    .slice(Math.max(0, start - CONTEXT_LENGTH), start + length + CONTEXT_LENGTH)
    .replace(/\s+/g, ' ')
    .trim();
}

/** Letters that are written without blanks are no part of a code that they touch. */
const EDGE_BEFORE = String.raw`(?<![\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\d_@/#&=%\\]|[\d\p{Script=Latin}][.,:'’+-]|[-+]\b)`;
const EDGE_AFTER = String.raw`(?![\p{Script=Latin}\p{Script=Cyrillic}\p{Script=Greek}\d_@/\\]|[.,:'’-][\d\p{Script=Latin}])`;
const CANDIDATE = new RegExp(
  EDGE_BEFORE +
    '(?:' +
    [
      String.raw`[A-Z]-\d{4,8}`,
      String.raw`\d{3}[-\u00a0 ]\d{3}`,
      String.raw`\d{4}[-\u00a0 ]\d{4}`,
      String.raw`\d{2}[ \u00a0]\d{2}[ \u00a0]\d{2}`,
      // One box for each digit.
      String.raw`\d(?:[ \u00a0\n]\d){3,7}`,
      String.raw`[A-Z0-9]{3,4}-[A-Z0-9]{3,4}(?:-[A-Z0-9]{3,4})?`,
      String.raw`[A-Za-z0-9]{4,10}`,
    ].join('|') +
    ')' +
    EDGE_AFTER,
  'gu',
);

const SURE = 0.8;
const PLAUSIBLE = 0.6;
const POSSIBLE = 0.3;
const TEXT_LENGTH_SEARCHED = 65_536;
const CANDIDATES_MAX = 1_000;
/** Characters around a candidate that are looked at. */
const REACH = 300;
const LINES_AROUND = 3;
const CONTEXT_LENGTH = 40;
