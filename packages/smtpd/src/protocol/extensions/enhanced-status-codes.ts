/** ENHANCEDSTATUSCODES (RFC 2034): replies carry a second, finer code, such as `5.1.1`. */

import { defineExtension } from '../extension.js';

/** The ENHANCEDSTATUSCODES extension: the keyword. Each reply of this package has its code as a value of its own. */
export const enhancedStatusCodes = defineExtension({ keyword: 'ENHANCEDSTATUSCODES' });
