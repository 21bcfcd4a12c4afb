/** Does a message match, and if not, why not: the reasons are what a failed wait prints. */

import { domainToASCII } from 'node:url';
import { isPromise, isRegExp } from 'node:util/types';

import { badOption } from './test-server-error.js';
import type { TestMessage } from './test-message.js';

/** A text to compare with, or a pattern to look for. */
export type TextPattern = string | RegExp;

/** What a message must be like. Everything that is given must hold. */
export interface MessageMatch {
  /** One of the recipients of the envelope. As text: the local part exactly, the domain without regard to case. */
  readonly to?: TextPattern;
  /** The reverse-path of the envelope, compared in the same way. `''` is the null reverse-path. */
  readonly from?: TextPattern;
  /** The decoded Subject field. As text: exactly. */
  readonly subject?: TextPattern;
  /** Header fields by name: one field of that name must have that value. As text: exactly. */
  readonly headers?: Readonly<Record<string, TextPattern>>;
  /** The content as text. As text: it stands somewhere in it. */
  readonly text?: TextPattern;
}

/** What a message must be like, or a function that says whether it is. One that throws says no, and its error is the reason. */
export type MessageMatcher = MessageMatch | ((message: TestMessage) => boolean);

/** Why a message does not match; empty when it does. */
export function mismatchesOf(message: TestMessage, matcher: MessageMatcher): readonly string[] {
  if (typeof matcher === 'function') return mismatchOfFunction(message, matcher);
  const { to, from, subject, headers = {}, text } = matcher;
  const reasons: string[] = [];
  if (to !== undefined && !message.rcptTos.some((address) => isAddressMatch(address, to)))
    reasons.push(`none of its recipients ${describe(message.rcptTos)} ${positiveRelation(to)}`);
  if (from !== undefined && !isAddressMatch(message.mailFrom, from))
    reasons.push(`its sender ${describe(message.mailFrom)} ${relation(from)}`);
  if (subject !== undefined && (message.subject === undefined || !isTextMatch(message.subject, subject)))
    reasons.push(
      message.subject === undefined
        ? 'it has no subject'
        : `its subject ${describe(message.subject)} ${relation(subject)}`,
    );
  for (const [name, pattern] of Object.entries(headers)) {
    const values = message.headers.getAll(name);
    if (values.some((value) => isTextMatch(value, pattern))) continue;
    reasons.push(
      values.length === 0
        ? `it has no ${name} field`
        : `its ${name} ${values.map(describe).join(', ')} ${relation(pattern)}`,
    );
  }
  if (typeof text === 'string' && !message.text.includes(text))
    reasons.push(`its text does not contain ${describe(text)}`);
  if (isRegExp(text) && !isTextMatch(message.text, text)) reasons.push(`its text ${relation(text)}`);
  return reasons;
}

/** Whether a text is the text, or has the pattern in it. */
export function isTextMatch(text: string, pattern: TextPattern): boolean {
  // `search` has no memory, so that /x/g means the same each time.
  return typeof pattern === 'string' ? text === pattern : text.search(pattern) !== -1;
}

/** RFC 5321 §2.4: the case of a local part may mean something, that of a domain never does. */
export function isAddressMatch(address: string, pattern: TextPattern): boolean {
  return typeof pattern === 'string'
    ? canonicalAddress(address) === canonicalAddress(pattern)
    : isTextMatch(address, pattern);
}

/** @throws {@link TestServerError} for a misspelt key or a value that is no pattern, which would otherwise match everything, or never */
export function checkMatch(matcher: unknown, keys: readonly string[]): void {
  if (typeof matcher === 'function') return;
  if (!isRecord(matcher))
    throw badOption(`A matcher is an object with ${keys.join(', ')}, or a function, not ${String(matcher)}`);
  for (const [key, value] of Object.entries(matcher)) {
    if (!keys.includes(key)) throw badOption(`"${key}" cannot be matched here; there are: ${keys.join(', ')}`);
    if (key === 'headers') checkHeaders(value);
    else if (value !== undefined) checkPattern(key, value);
  }
}

function checkHeaders(headers: unknown): void {
  if (headers === undefined) return;
  if (!isRecord(headers)) throw badOption("headers are an object of patterns by name, such as { 'Message-ID': /x/ }");
  for (const [name, value] of Object.entries(headers)) checkPattern(name, value);
}

function checkPattern(name: string, value: unknown): void {
  if (typeof value === 'string' || isRegExp(value)) return;
  throw badOption(`${name} is a text or a regular expression, not ${String(value)}; for anything else give a function`);
}

/** What has its keys for itself: a Map or a regular expression has none. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

/**
 * What a function of a test's says.
 *
 * @throws TypeError for a promise, which would be yes whatever comes of it
 */
export function isYes(answer: unknown): boolean {
  if (!isPromise(answer)) return Boolean(answer);
  // Whatever comes of it was not asked for.
  answer.catch(() => undefined);
  throw new TypeError('it answers at once, with true or false, and not with a promise');
}

/** A matcher, for an error message. */
export function describeMatcher(matcher: MessageMatcher): string {
  if (typeof matcher === 'function') return matcher.name === '' ? 'the function' : `${matcher.name}()`;
  const parts = Object.entries(matcher).map(([key, value]) => `${key}: ${describePattern(value)}`);
  return parts.length === 0 ? 'anything' : `{ ${parts.join(', ')} }`;
}

/** A text or a list of them, for an error message. */
export function describe(value: string | readonly string[]): string {
  return JSON.stringify(value);
}

function mismatchOfFunction(message: TestMessage, matcher: (message: TestMessage) => boolean): readonly string[] {
  try {
    return isYes(matcher(message)) ? [] : ['the function says no'];
  } catch (error) {
    return [`the function threw: ${error instanceof Error ? error.message : String(error)}`];
  }
}

function relation(pattern: TextPattern): string {
  return typeof pattern === 'string' ? `is not ${describe(pattern)}` : `does not match ${String(pattern)}`;
}

function positiveRelation(pattern: TextPattern): string {
  return typeof pattern === 'string' ? `is ${describe(pattern)}` : `matches ${String(pattern)}`;
}

function describePattern(value: unknown): string {
  if (isRegExp(value)) return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, each]) => `${JSON.stringify(key)}: ${describePattern(each)}`);
  return `{ ${parts.join(', ')} }`;
}

function canonicalAddress(address: string): string {
  const at = address.lastIndexOf('@');
  if (at === -1) return address;
  const domain = address.slice(at + 1);
  // A U-label and its A-label are one domain. What is no domain name, such as a literal, has only its case.
  return `${address.slice(0, at)}@${domainToASCII(domain) || domain.toLowerCase()}`;
}

export const MESSAGE_MATCH_KEYS: readonly (keyof MessageMatch)[] = ['to', 'from', 'subject', 'headers', 'text'];
