/** Whom a channel waits for, and which limit that wait has. */

import type { Limits } from '../protocol/limits.js';
import type { Wait } from '../protocol/session-events.js';

/** Whom a channel waits for: the session knows of the conversation, the channel of what stands in its way. */
export type ChannelWait = Wait | 'reader' | 'unreadReplies';

/** The limit of each wait. */
export const WAIT_LIMITS = {
  command: 'commandWaitMs',
  content: 'contentWaitMs',
  verdict: 'verdictWaitMs',
  messageVerdict: 'messageVerdictWaitMs',
  reader: 'messageVerdictWaitMs',
  unreadReplies: 'unreadRepliesWaitMs',
  handshake: 'handshakeWaitMs',
} as const satisfies Record<Exclude<ChannelWait, 'nothing'>, keyof Limits>;
