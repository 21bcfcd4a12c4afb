/** What a command prints: a reader that has gone needs no more of it, and what cannot be written is a failure. */

import type { Writable } from 'node:stream';

/**
 * Prints, and waits until the stream has taken it.
 *
 * @throws when it cannot be written, as on a disk that is full
 */
export async function print(output: Writable, content: string | Uint8Array): Promise<void> {
  const error = await new Promise<Error | null | undefined>((resolve) => {
    output.write(content, resolve);
  });
  if (error instanceof Error && !isBrokenPipe(error))
    throw new Error(`The output cannot be written: ${error.message}`, { cause: error });
}

/** Whether an error says that nobody reads any more, which is how a pipeline ends. */
export function isBrokenPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE';
}
