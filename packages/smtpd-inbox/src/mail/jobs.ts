/**
 * What can be done with a mail in a thread: pure functions, by their names. Arguments and answers are data. A job that is a generator yields
 * what is to be said when time runs out before its end.
 *
 * One more analysis is one more line here.
 */

import { frameOfMail } from './frame-of-mail.js';
import { checkAccessibility } from './accessibility.js';
import { compareMessages } from './comparison.js';
import { checkCompatibility } from './html-compatibility.js';
import { lintMessage } from './lint.js';
import { readMail, readPart, summarizeMail, summarizeMails } from './read-mail.js';

/** The table. */
export const JOBS = {
  read: readMail,
  summarize: summarizeMail,
  summarizeAll: summarizeMails,
  part: readPart,
  frame: frameOfMail,
  lint: lintMessage,
  accessibility: checkAccessibility,
  compatibility: checkCompatibility,
  compare: compareMessages,
} satisfies Record<string, (...input: never[]) => unknown>;

/** The name of a job. */
export type JobName = keyof typeof JOBS;

/** What a job is handed. */
export type JobInput<Name extends JobName> = Parameters<(typeof JOBS)[Name]>;

type Answer<Returned> = Returned extends Generator<unknown, infer Last> ? Last : Awaited<Returned>;

/** What a job answers. */
export type JobAnswer<Name extends JobName> = Answer<ReturnType<(typeof JOBS)[Name]>>;

/** A job that was done, or why it was not and what can be said all the same. */
export type JobResult<Name extends JobName> =
  | { readonly kind: 'done'; readonly answer: JobAnswer<Name> }
  | { readonly kind: 'failed'; readonly fault: string; readonly partial?: JobAnswer<Name> };
