/** 8BITMIME (RFC 6152): octets above 127 in a message's content, announced by `BODY=8BITMIME`. */

import { defineExtension } from '../extension.js';
import { asciiUpperCase } from '../grammar.js';
import { Reply } from '../reply.js';

/** The 8BITMIME extension. In text mode (`decodeData`) it is not offered, as in the old module. */
export const eightBitMIME = defineExtension({
  keyword: '8BITMIME',
  offer: ({ isDecoded }) => !isDecoded,
  // RFC 6152 §2 (7): the MAIL line grows by 17.
  lineBytes: { MAIL: 17 },
  mailParameters: {
    BODY: {
      parse(value, { isBinaryOffered }) {
        // RFC 6152 §2: the values are compared without regard to case; the application sees them in upper case.
        const body = asciiUpperCase(value ?? '');
        if (body === '7BIT' || body === '8BITMIME') return { value: body };
        if (!isBinaryOffered) return BODY_UNKNOWN;
        // RFC 3030 §3 (5): BINARYMIME adds a value.
        return body === 'BINARYMIME' ? { value: body } : BODY_UNKNOWN_WITH_BINARY;
      },
    },
  },
});

const BODY_UNKNOWN = new Reply(501, '5.5.4', 'Error: BODY can only be one of 7BIT, 8BITMIME');
const BODY_UNKNOWN_WITH_BINARY = new Reply(501, '5.5.4', 'Error: BODY can only be one of 7BIT, 8BITMIME, BINARYMIME');
