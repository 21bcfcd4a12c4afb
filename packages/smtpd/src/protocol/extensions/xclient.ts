/** XCLIENT, as Postfix documents it (XCLIENT_README): somebody in front of us says who the client behind it is. For named networks only. */

import { CLIENT_ATTRIBUTE_NAMES } from '../client-attributes.js';
import { defineExtension } from '../extension.js';

/** The XCLIENT extension: the keyword with the attributes that are understood. */
export const xclient = defineExtension({
  keyword: 'XCLIENT',
  offer: ({ mayXCLIENT }) => mayXCLIENT && CLIENT_ATTRIBUTE_NAMES.XCLIENT.join(' '),
  commands: ['XCLIENT'],
});
