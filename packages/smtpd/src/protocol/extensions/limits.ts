/** LIMITS (RFC 9422): what a client can know beforehand of the server's limits. */

import { defineExtension } from '../extension.js';

/** The LIMITS extension: messages of a session and recipients of a message, where the server limits them. */
export const limits = defineExtension({
  keyword: 'LIMITS',
  offer: ({ messagesMax, recipientsMax }) => {
    // RFC 9422 §4.1 and §4.2: transactions of a session, recipients of a transaction.
    const told = [...limit('MAILMAX', messagesMax), ...limit('RCPTMAX', recipientsMax)];
    return told.length > 0 && told.join(' ');
  },
});

/** `NAME=value`; nothing for a limit that no client meets. */
function limit(name: string, max: number): readonly string[] {
  // A limit of two and a half is met by the third.
  const value = Math.ceil(max);
  return value <= VALUE_MAX ? [`${name}=${String(value)}`] : [];
}

// RFC 9422 §4.1: a value has at most six digits.
const VALUE_MAX = 999_999;
