/** CHUNKING (RFC 3030): content in pieces of known size, sent with BDAT. */

import { defineExtension } from '../extension.js';

/** The CHUNKING extension: the keyword. In text mode (`decodeData`) it is not offered: a piece need not be text. */
export const chunking = defineExtension({
  keyword: 'CHUNKING',
  // RFC 3030 §2: BDAT comes with the keyword.
  offer: ({ isDecoded }) => !isDecoded,
  commands: ['BDAT'],
});
