/** The operators of a search, as plain data: the parser, the page's suggestions and the documentation are made from this one table. */

/** An operator: what is typed before a colon. */
export interface SearchOperator {
  /** Without the colon. */
  readonly name: string;
  /** All the values there are; absent where any will do. */
  readonly values?: readonly string[];
  /** What stands behind the colon, for people. */
  readonly value: string;
  /** What it finds. */
  readonly help: string;
  /** A whole search. */
  readonly example: string;
}

/** In the order in which people are shown them. */
export const SEARCH_OPERATORS = [
  {
    name: 'from',
    value: 'words',
    help: 'The words stand in From, or in the sender of the envelope',
    example: 'from:shop@a.example',
  },
  {
    name: 'to',
    value: 'words',
    help: 'The words stand in To, or in a recipient of the envelope, so that Bcc is found',
    example: 'to:ann@b.example',
  },
  { name: 'cc', value: 'words', help: 'The words stand in Cc', example: 'cc:boss' },
  { name: 'subject', value: 'words', help: 'The words stand in the subject', example: 'subject:"Reset your password"' },
  { name: 'body', value: 'words', help: 'The words stand in the text', example: 'body:code' },
  {
    name: 'has',
    values: ['attachment'],
    value: 'attachment',
    help: 'It has an attachment',
    example: 'has:attachment',
  },
  {
    name: 'is',
    values: ['read', 'unread', 'session'],
    value: 'read, unread or session',
    help: 'It was read, or not; or it is a session that ended without a message',
    example: 'is:unread',
  },
  {
    name: 'before',
    value: 'a time',
    help: 'It came before this time; a day begins at midnight',
    example: 'before:2026-11-25',
  },
  { name: 'after', value: 'a time', help: 'It came at this time or later', example: 'after:2h' },
  { name: 'larger', value: 'a size', help: 'It has more octets', example: 'larger:10k' },
  { name: 'smaller', value: 'a size', help: 'It has fewer octets', example: 'smaller:1MiB' },
  {
    name: 'filename',
    value: 'words',
    help: 'The words stand in the name of an attachment',
    example: 'filename:invoice',
  },
  {
    name: 'header',
    value: 'a name, or a name and text',
    help: 'There is a field of this name, with this text in it',
    example: 'header:"X-Mailer: PHP"',
  },
  { name: 'inbox', value: 'a name', help: 'It is in this inbox; "" is the inbox of everybody', example: 'inbox:k3f9' },
  {
    name: 'message-id',
    value: 'a Message-ID',
    help: 'It has exactly this Message-ID',
    example: 'message-id:<1@a.example>',
  },
  { name: 'tag', value: 'a tag', help: 'It has this tag', example: 'tag:checkout' },
] as const satisfies readonly SearchOperator[];

/** The name of an operator. */
export type SearchOperatorName = (typeof SEARCH_OPERATORS)[number]['name'];
