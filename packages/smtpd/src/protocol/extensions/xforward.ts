/** XFORWARD, as Postfix documents it (XFORWARD_README): somebody in front of us says whom the next message came from, for logs. */

import { CLIENT_ATTRIBUTE_NAMES } from '../client-attributes.js';
import { defineExtension } from '../extension.js';

/** The XFORWARD extension: the keyword with the attributes that are understood. */
export const xforward = defineExtension({
  keyword: 'XFORWARD',
  offer: ({ mayXFORWARD }) => mayXFORWARD && CLIENT_ATTRIBUTE_NAMES.XFORWARD.join(' '),
  commands: ['XFORWARD'],
});
