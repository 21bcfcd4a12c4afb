/** What the commands that ask a running inbox are given. */

import type { Writable } from 'node:stream';

import type { InboxClient } from '../client/index.js';

/** Where a command writes, and what it finds around it. */
export interface SubcommandTerminal {
  readonly output: Writable;
  readonly errors: Writable;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What a command works with. */
export interface SubcommandCall extends SubcommandTerminal {
  readonly client: InboxClient;
  /** What is no option. */
  readonly words: readonly string[];
  readonly text: (name: string) => string | undefined;
  readonly isOn: (name: string) => boolean;
}
