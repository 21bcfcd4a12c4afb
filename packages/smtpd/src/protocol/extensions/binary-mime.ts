/** BINARYMIME (RFC 3030): content that is no text, announced by `BODY=BINARYMIME` and sent with BDAT. */

import { defineExtension } from '../extension.js';

/** The BINARYMIME extension: the keyword. BODY, whose third value it is, is 8BITMIME's parameter. */
export const binaryMIME = defineExtension({
  keyword: 'BINARYMIME',
  offer: ({ isBinaryOffered }) => isBinaryOffered,
});
