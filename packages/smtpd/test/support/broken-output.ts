/** Standard output that cannot be written: a disk that is full, or a pipe that nobody reads any more. */

import { Writable } from 'node:stream';

/** @param code - what the system says of each write, such as `ENOSPC` or `EPIPE` */
export function brokenOutput(code: string): Writable {
  const failure = Object.assign(new Error(code), { code });
  const output = new Writable({
    write: (_chunk, _encoding, done) => {
      done(failure);
    },
  });
  output.on('error', () => undefined);
  return output;
}
