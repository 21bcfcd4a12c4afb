/** The EHLO reply: its keywords, and what they mean to somebody who reads about them. */

/** A line of the EHLO reply behind the first. */
export interface Keyword {
  readonly keyword: string;
  /** Behind the keyword, as it was sent. */
  readonly parameters: string;
  readonly meaning: string;
}

/** Reads the lines behind the first. */
export function readKeywords(lines: readonly string[]): readonly Keyword[] {
  return lines.map((line) => {
    const [first = '', ...rest] = line.split(' ');
    const keyword = first.toUpperCase();
    const parameters = rest.join(' ');
    const explain = Object.hasOwn(MEANINGS, keyword) ? MEANINGS[keyword] : undefined;
    return { keyword, parameters, meaning: explain?.(parameters) ?? 'not known here' };
  });
}

/** What stands behind a keyword; `undefined` when it is not there. */
export function parametersOf(keywords: readonly Keyword[], keyword: string): string | undefined {
  return keywords.find((each) => each.keyword === keyword)?.parameters;
}

/** What is wrong with the form of these lines (RFC 5321 §4.1.1.1), one text each. */
export function keywordFlaws(lines: readonly string[]): readonly string[] {
  const names = lines.map((line) => (line.split(' ')[0] ?? '').toUpperCase());
  return [
    ...lines.filter((line) => !KEYWORD_LINE.test(line)).map((line) => `"${line}" is no keyword line`),
    ...names.filter((name, index) => names.indexOf(name) < index).map((name) => `${name} is there twice`),
  ];
}

const says =
  (meaning: string): ((parameters: string) => string) =>
  () =>
    meaning;

const MEANINGS: Readonly<Record<string, (parameters: string) => string>> = {
  '8BITMIME': says('octets above 127 in content (RFC 6152)'),
  ATRN: says('turns the connection around for an authenticated client (RFC 2645)'),
  AUTH: says('authentication (RFC 4954)'),
  BINARYMIME: says('content that is not made of lines (RFC 3030)'),
  BURL: says('content from a URL (RFC 4468)'),
  CHUNKING: says('content in pieces, by BDAT (RFC 3030)'),
  DELIVERBY: (least) =>
    `delivery within a time that the sender says${least === '' ? '' : `, at least ${least} s`} (RFC 2852)`,
  DSN: says('delivery reports as the sender wants them (RFC 3461)'),
  ENHANCEDSTATUSCODES: says('codes such as 5.1.1 in replies (RFC 2034)'),
  ETRN: says('starts a queue for a domain (RFC 1985)'),
  EXPN: says('tells who is in a list (RFC 5321)'),
  FUTURERELEASE: (most) => `holds a message until a time, at most ${most} (RFC 4865)`,
  HELP: says('explains commands (RFC 5321)'),
  LIMITS: (limits) => `${explainLimits(limits)} (RFC 9422)`,
  'MT-PRIORITY': says('priorities of messages (RFC 6710)'),
  'NO-SOLICITING': says('refuses solicitations (RFC 3865)'),
  PIPELINING: says('several commands in one go (RFC 2920)'),
  REQUIRETLS: says('a message travels only over TLS (RFC 8689)'),
  SIZE: (octets) =>
    /^[1-9]\d*$/.test(octets)
      ? `messages of up to ${BigInt(octets).toLocaleString('en-US')} octets (RFC 1870)`
      : 'sizes may be declared; no limit is told (RFC 1870)',
  SMTPUTF8: says('addresses and headers beyond US-ASCII (RFC 6531)'),
  STARTTLS: says('goes on over TLS (RFC 3207)'),
  VRFY: says('verifies addresses (RFC 5321)'),
  XCLIENT: says('is told of the client behind a proxy (Postfix)'),
  XFORWARD: says('is told of the client behind a filter, for its log (Postfix)'),
};

function explainLimits(limits: string): string {
  const told = limits.split(' ').map((limit) => {
    const [name = '', value = ''] = limit.split('=');
    const what = LIMIT_MEANINGS.get(name.toUpperCase());
    return what === undefined ? `${limit}, not known here` : `at most ${value} ${what}`;
  });
  return told.join('; ');
}

// RFC 9422 §4.
const LIMIT_MEANINGS: ReadonlyMap<string, string> = new Map([
  ['MAILMAX', 'messages a session'],
  ['RCPTMAX', 'recipients a message'],
  ['RCPTDOMAINMAX', 'recipient domains a message'],
]);

// RFC 5321 §4.1.1.1: ehlo-line = ehlo-keyword *( SP ehlo-param ).
const KEYWORD_LINE = /^[A-Za-z0-9][A-Za-z0-9-]*(?: [!-~]+)*$/;
