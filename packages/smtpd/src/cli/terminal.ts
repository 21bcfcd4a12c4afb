/** Where the command line prints, and how: one place that knows of output that is lost and of lines that a terminal would obey. */

import type { Writable } from 'node:stream';

import { CommandError, EXIT } from './command-error.js';
import { isBrokenPipe } from './stop.js';

/** The two streams of a command, and what it is told by the process. */
export interface Terminal {
  /** What was asked for. */
  readonly output: Writable;
  /** What there is to say about it. */
  readonly errors: Writable;
  /** Whether `output` shows colours. */
  readonly isColored: boolean;
  /** The variables of the process. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Prints what was asked for, and waits until the stream has taken it. A reader that has gone needs no text: that is no failure.
 *
 * @throws CommandError with exit code 1 when it cannot be written
 */
export async function print(output: Writable, text: string): Promise<void> {
  const error = await written(output, text);
  // A stream that was broken by its reader's end says of all that comes later that it is destroyed.
  if (error !== undefined && !isBrokenPipe(error) && !isBrokenPipe(output.errored)) throw outputLost(error);
}

/** Says something, and waits until the stream has taken it. That it cannot be said could not be said either. */
export async function say(errors: Writable, text: string): Promise<void> {
  await written(errors, text);
}

function written(stream: Writable, text: string): Promise<Error | undefined> {
  return new Promise((resolve) => {
    stream.write(text, (error) => {
      resolve(error ?? undefined);
    });
  });
}

/** What a command ends with whose output is lost, as on a disk that is full. */
export function outputLost(cause: Error): CommandError {
  return new CommandError(EXIT.failure, `The output cannot be written: ${cause.message}`, { cause });
}

/** One line from text that somebody else chose: nothing in it breaks the line, and a terminal obeys nothing in it. */
export function asLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\ufeff\p{Bidi_Control}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
