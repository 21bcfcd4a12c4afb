/** Where the command line prints, and how: one place that knows of broken pipes and of lines that a terminal would obey. */

import type { Writable } from 'node:stream';

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

/** Prints, and waits until the stream has taken it. A reader that has gone needs no text: that is no failure. */
export function print(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(text, () => {
      resolve();
    });
  });
}

/** One line from text that somebody else chose: nothing in it breaks the line, and a terminal obeys nothing in it. */
export function asLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\ufeff\p{Bidi_Control}]/gu, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
