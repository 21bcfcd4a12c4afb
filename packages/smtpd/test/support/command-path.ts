/** Where programs are. No part of a test runner is imported here: the fuzzer starts programs, too. */

import { delimiter } from 'node:path';

/** Where commands are looked for. Debian keeps servers and their tools where a plain user does not look. */
export const COMMAND_PATH = [
  ...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
].join(delimiter);
