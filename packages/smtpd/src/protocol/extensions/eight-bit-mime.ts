/** 8BITMIME (RFC 6152): octets above 127 in a message's content, announced by `BODY=8BITMIME`. */

import { defineExtension } from '../extension.js';
import { Reply } from '../reply.js';

/** The 8BITMIME extension. In text mode (`decodeData`) it is not offered, as in the old module. */
export const eightBitMIME = defineExtension({
  keyword: '8BITMIME',
  offer: ({ isDecoded }) => !isDecoded,
  // RFC 6152 §2 (7): the MAIL line grows by 17.
  lineBytes: { MAIL: 17 },
  mailParameters: {
    BODY: {
      parse(value) {
        // RFC 6152 §2: the values are compared without regard to case; the application sees them in upper case.
        if (value === undefined || !BODY_VALUE.test(value)) return BODY_UNKNOWN;
        return { value: value === '7BIT' || value === '8BITMIME' ? value : value.length === 4 ? '7BIT' : '8BITMIME' };
      },
    },
  },
});

const BODY_VALUE = /^(?:7[Bb][Ii][Tt]|8[Bb][Ii][Tt][Mm][Ii][Mm][Ee])$/;
const BODY_UNKNOWN = new Reply(501, '5.5.4', 'Error: BODY can only be one of 7BIT, 8BITMIME');
