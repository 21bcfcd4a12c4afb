/** One client's session as a test sees it: what was said, and how it ended. */

import type { SessionInfo } from '../server/session-info.js';

/** A session with a test server. */
export class TestSession {
  /** What the server knows of it: peer, client name, … */
  readonly info: SessionInfo;
  readonly #lines: string[] = [];
  #end: string | undefined;

  /** @internal */
  constructor(info: SessionInfo) {
    this.info = info;
  }

  /** Unique in this process. */
  get id(): string {
    return this.info.id;
  }

  /** Whether the connection stands. */
  get isOpen(): boolean {
    return this.#end === undefined;
  }

  /**
   * What was said so far, line by line: `C: ` the client, `S: ` the server, `-- ` what happened besides. A reply stands where it was
   * sent, so behind the commands of a whole pipelined group. Content is one line with its size.
   */
  get transcript(): readonly string[] {
    return [...this.#lines];
  }

  /** The transcript as one text. */
  toString(): string {
    return this.#lines.join('\n');
  }

  /** @internal */
  note(who: 'C:' | 'S:' | '--', text: string): void {
    this.#lines.push(`${who} ${text.replace(CONTROL, escapeControl)}`);
  }

  /** @internal */
  end(how: string): void {
    if (this.#end !== undefined) return;
    this.#end = how;
    this.note('--', how);
  }
}

function escapeControl(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

// A transcript is printed on terminals: nothing in it may give them orders.
// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;
