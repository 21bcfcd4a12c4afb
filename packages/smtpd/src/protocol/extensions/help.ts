/** HELP (RFC 5321 §4.1.1.8, listed in the EHLO reply by §4.1.1.1). */

import { defineExtension } from '../extension.js';

/** The HELP keyword. The command itself is in the table of commands. */
export const help = defineExtension({ keyword: 'HELP' });
