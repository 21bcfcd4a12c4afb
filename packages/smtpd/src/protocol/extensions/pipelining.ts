/** PIPELINING (RFC 2920): a client may send commands without waiting for each reply. */

import { defineExtension } from '../extension.js';

/**
 * The PIPELINING extension: the keyword. The session answers commands in order whatever arrives together, and the replies to
 * one group leave in one write.
 */
export const pipelining = defineExtension({ keyword: 'PIPELINING' });
