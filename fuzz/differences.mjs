/**
 * Where our answers are of another class than those of Postfix's `smtpd`, and why. `differential.mjs` lets nothing pass that is not
 * here, and plays the example of each row; docs/security.md has the same rows, and a test holds the two together.
 */

const isMailOrRcpt = (line) => /^[ \t]*(?:MAIL|RCPT)\b/i.test(line);
/** What nobody can object to. */
const PLAIN_PATH = /^(?:MAIL FROM|RCPT TO):<[a-z0-9+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*>(?: .*)?$/i;
const isAccepted = ({ outcome }) => outcome === '2';
const isRefused = ({ outcome }) => outcome === '5';
/** Ours refuses, theirs takes. */
const isStricter = ({ our, their }) => isRefused(our) && isAccepted(their);
const isMoreLenient = ({ our, their }) => isAccepted(our) && isRefused(their);

/** What was sent of a message, with the chunks that were taken before. */
function contentOf({ exchange, earlier }) {
  const chunks = earlier.filter(({ exchange: { octets }, our }) => octets !== undefined && isAccepted(our));
  const first = chunks.findLastIndex(({ exchange: { line } }) => / LAST$/i.test(line)) + 1;
  const before = chunks.slice(first).map(({ exchange: { octets } }) => octets);
  return exchange.content ?? [...before, exchange.octets].join('');
}

const HELLO = { line: 'EHLO client.example' };
const MAIL = { line: 'MAIL FROM:<a@a.example>' };
const RCPT = { line: 'RCPT TO:<b@b.example>' };
const TRANSACTION = [HELLO, MAIL, RCPT];

/**
 * `applies` is asked with what was sent, what came before, and both replies. The first row that applies explains it. The last exchange of
 * `example` shows the difference, with codes that `ours` and `theirs` name.
 */
export const DIFFERENCES = [
  {
    what: '`MAIL` with parameters after `HELO`',
    ours: '501',
    theirs: '250',
    why: 'Parameters belong to EHLO (RFC 5321 §4.1.1.11).',
    applies: (facts) =>
      isStricter(facts) && facts.our.replies[0].startsWith('501 5.5.4 Syntax: MAIL FROM: <address>\r\n'),
    example: [{ line: 'HELO client.example' }, { line: 'MAIL FROM:<a@a.example> SIZE=10' }],
  },
  {
    what: 'an EHLO or HELO name with a control character or an octet above 127',
    ours: '501',
    theirs: '250',
    why: 'Such a name cannot be logged or written into a header field as it is.',
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    applies: (facts) => isStricter(facts) && /^(?:EHLO|HELO) .*[\x00-\x1f\x7f-\xff]/i.test(facts.exchange.line),
    example: [{ line: 'EHLO \xc3\xa9.example' }],
  },
  {
    what: 'a bare CR in content, of DATA or BDAT',
    ours: '550',
    theirs: '250',
    why: 'RFC 5321 §2.3.8 forbids it as it forbids a bare LF; Postfix refuses the LF alone (`smtpd_forbid_bare_newline`).',
    applies: (facts) =>
      facts.our.replies.at(-1).startsWith('550 5.6.11') &&
      facts.their.replies.at(-1)?.startsWith('250') &&
      /\r(?!\n)/.test(contentOf(facts)),
    example: [...TRANSACTION, { line: 'BDAT 2', octets: 'a\r' }, { line: 'BDAT 1 LAST', octets: 'b' }],
  },
  {
    what: '`BDAT 0` that is not the last chunk',
    ours: '250',
    theirs: '551',
    why: 'RFC 3030 §2 allows a chunk of any size, 0 among them.',
    applies: (facts) => isMoreLenient(facts) && /^BDAT 0$/i.test(facts.exchange.line),
    example: [...TRANSACTION, { line: 'BDAT 0', octets: '' }],
  },
  {
    what: 'a command with blanks in front of it',
    ours: '500',
    theirs: '250',
    why: 'A command begins with its verb (RFC 5321 §4.1.1).',
    applies: ({ exchange, our }) => /^[ \t]/.test(exchange.line) && isRefused(our),
    example: [{ line: ' NOOP' }],
  },
  {
    what: '`MAIL` or `RCPT` after a chunk that was refused and was not the last',
    ours: '250 where it has its place: the first chunk that is refused ends the transaction, and one that came too early changes nothing',
    theirs: '503 until the last chunk or RSET',
    why: 'RFC 3030 §2 has the octets discarded, and the chunks behind them are refused here, too. A client that was told so may begin again.',
    applies: (facts) =>
      isMoreLenient(facts) && /^503 5\.5\.1 Error: (?:MAIL|RCPT) after BDAT/.test(facts.their.replies[0]),
    example: [...TRANSACTION, { line: 'BDAT 5', octets: 'bad\n\n' }, MAIL],
  },
  {
    what: '`MAIL`, `RCPT` or `ETRN` after a last chunk that came before any recipient',
    ours: '503 to MAIL and ETRN, 250 to RCPT: a command out of sequence changes nothing',
    theirs: '250 to MAIL, 459 to ETRN, 503 to RCPT: the transaction is over',
    why: 'RFC 5321 §4.1.4.',
    applies: ({ earlier, our, their }) =>
      (/^503 5\.5\.1 Error: (?:nested MAIL|not while a transaction)/.test(our.replies[0]) ||
        their.replies[0]?.startsWith('503 5.5.1 Error: need MAIL')) &&
      earlier.some(
        ({ exchange, our: before }) =>
          / LAST$/i.test(exchange.line) && before.replies[0].startsWith('503 5.5.1 Error: need RCPT'),
      ),
    example: [HELLO, MAIL, { line: 'BDAT 4 LAST', octets: 'Hi\r\n' }, MAIL],
  },
  {
    what: 'a command that does not begin with a letter, or looks like a header field',
    ours: '500',
    theirs: '221 and close',
    why: 'An error like others, counted by `errorsMax`; HTTP closes at its first line here.',
    applies: ({ exchange, our, their }) =>
      isRefused(our) && their.replies[0]?.startsWith('221 2.7.0') && /^[^A-Za-z]|:/.test(exchange.line),
    example: [{ line: 'Subject: x' }],
  },
  {
    what: '`HELP`',
    ours: '214, 504 for what there is no help about',
    theirs: '500',
    why: 'RFC 5321 §4.1.1.8.',
    applies: (facts) => /^HELP\b/i.test(facts.exchange.line) && facts.their.replies[0].startsWith('500'),
    example: [{ line: 'HELP' }],
  },
  {
    what: 'a tab in front of a parameter',
    ours: '501',
    theirs: '250',
    why: 'RFC 5321 §4.1.1.2 and §4.1.1.3 have a space there.',
    applies: (facts) =>
      isStricter(facts) &&
      isMailOrRcpt(facts.exchange.line) &&
      facts.our.replies[0].startsWith('501 5.5.4 Syntax') &&
      />[^>]*\t/.test(facts.exchange.line),
    example: [HELLO, { line: 'MAIL FROM:<a@a.example> SIZE=10\tBODY=7BIT' }],
  },
  {
    what: 'a path that is none by the grammar: `<a@b.example.>`, `a@@b.example`, `<<a@b.example>>`, comments, a missing bracket',
    ours: '501',
    theirs: '250',
    why: 'The envelope has the grammar of RFC 5321 §4.1.2, also with `pathSyntax: lenient`; Postfix reads it as a header field and repairs it.',
    applies: (facts) =>
      isStricter(facts) &&
      isMailOrRcpt(facts.exchange.line) &&
      /^501 5\.5\.[24] (?:Syntax|Error: not well-formed)/.test(facts.our.replies[0]) &&
      !PLAIN_PATH.test(facts.exchange.line),
    example: [HELLO, { line: 'MAIL FROM:<<a@a.example>>' }],
  },
  {
    what: '`AUTH=` in MAIL where AUTH is not offered',
    ours: '555',
    theirs: '250',
    why: 'A parameter of an extension that is not there (RFC 5321 §4.1.1.11).',
    applies: (facts) => isStricter(facts) && /^MAIL .* AUTH=/i.test(facts.exchange.line),
    example: [HELLO, { line: 'MAIL FROM:<a@a.example> AUTH=<>' }],
  },
  {
    what: '`VRFY` of what is no user name and no mailbox',
    ours: '501',
    theirs: '252',
    why: 'RFC 5321 §4.1.1.6; octets above 127 need SMTPUTF8 (RFC 6531 §3.7.4.2).',
    applies: (facts) => isStricter(facts) && /^VRFY /i.test(facts.exchange.line),
    example: [HELLO, { line: 'VRFY <@a.example>' }],
  },
  {
    what: '`VRFY` of a text without `@` that is no address',
    ours: '252',
    theirs: '501',
    why: 'A user name may be any string (RFC 5321 §4.1.1.6); what it means is the application’s to say.',
    applies: (facts) => isMoreLenient(facts) && /^VRFY [^@]*$/i.test(facts.exchange.line),
    example: [HELLO, { line: 'VRFY a b' }],
  },
  {
    what: '`NOOP`, with an argument that is not UTF-8',
    ours: '250',
    theirs: '500',
    why: 'The argument is ignored (RFC 5321 §4.1.1.9).',
    applies: (facts) => isMoreLenient(facts) && /^NOOP .*[\x80-\xff\0]/i.test(facts.exchange.line),
    example: [{ line: 'NOOP \xff' }],
  },
  {
    what: 'a command line of more than 512 octets',
    ours: '500, 421 for one that is first or does not end',
    theirs: 'cut at 2 KiB and obeyed',
    why: 'A line that was cut is another command than the one that was sent.',
    applies: ({ exchange: { line }, our }) => {
      // RFC 4954 §4, §6: 5.5.6 is for the lines of AUTH alone.
      const status = /^AUTH\b/i.test(line) ? '5.5.6' : '5.5.2';
      const refusals = [`500 ${status} Error: line too long\r\n`, '421 4.7.0 Error: '];
      return line.length > 512 && refusals.some((refusal) => our.replies[0].startsWith(refusal));
    },
    example: [HELLO, { line: `NOOP ${'x'.repeat(600)}` }],
  },
  {
    what: 'a tab between a verb and its argument, or a NUL anywhere',
    ours: '500',
    theirs: 'as with a blank; as if the line ended there',
    why: 'RFC 5321 §4.1.1 has a space there, and the octets of a command are those that were sent.',
    applies: ({ exchange, our }) => isRefused(our) && /^[A-Za-z]+\t|\0/.test(exchange.line),
    example: [HELLO, { line: 'NOOP\tx' }],
  },
  {
    what: 'a parameter of MAIL twice',
    ours: '501',
    theirs: '250',
    why: 'Of two values one would have to be forgotten (RFC 5321 §4.1.1.11 has each parameter once).',
    applies: (facts) => isStricter(facts) && facts.our.replies[0].includes('Error: a parameter may be given once'),
    example: [HELLO, { line: 'MAIL FROM:<a@a.example> SIZE=1 SIZE=2' }],
  },
  {
    what: 'an address with octets above 127, without `SMTPUTF8`',
    ours: '553',
    theirs: '250',
    why: 'RFC 6531 §3.5; Postfix takes it for the sake of old clients (`strict_smtputf8 = no`).',
    applies: (facts) => isStricter(facts) && facts.our.replies[0].startsWith('553 5.6.7'),
    example: [HELLO, { line: 'MAIL FROM:<j\xc3\xb6rg@a.example>' }],
  },
  {
    what: 'an address that begins with a hyphen',
    ours: '250',
    theirs: '501',
    why: 'RFC 5321 §4.1.2 allows it; Postfix protects programs that would take it for an option (`allow_min_user = no`).',
    applies: (facts) => isMoreLenient(facts) && /^(?:MAIL FROM|RCPT TO|VRFY):?[ \t]*<?-/i.test(facts.exchange.line),
    example: [HELLO, { line: 'MAIL FROM:<-a@a.example>' }],
  },
  {
    what: 'a label of more than 63 octets, or a domain of more than 255',
    ours: '250',
    theirs: '501',
    why: 'That is a rule of DNS; whether a domain can be reached is the application’s to say.',
    applies: (facts) => isMoreLenient(facts) && /[@.][A-Za-z0-9-]{64}|@[A-Za-z0-9.-]{256}/.test(facts.exchange.line),
    example: [HELLO, { line: `MAIL FROM:<a@${'x'.repeat(64)}.example>` }],
  },
  {
    what: 'an address literal with a tag that nobody registered, `[tag:x]`',
    ours: '250',
    theirs: '501',
    why: 'RFC 5321 §4.1.3, `General-address-literal`. Who can do nothing with it refuses it in a hook.',
    applies: (facts) => isMoreLenient(facts) && /@\[[A-Za-z0-9-]+:/.test(facts.exchange.line),
    example: [HELLO, { line: 'MAIL FROM:<a@[tag:x]>' }],
  },
  {
    what: 'a method of HTTP that is neither GET nor POST nor CONNECT, first',
    ours: '421 and close',
    theirs: '500',
    why: 'A page in a browser can make it send those, too.',
    applies: ({ exchange, our, their }) =>
      /^(?:HEAD|PUT|DELETE|OPTIONS|TRACE|PATCH)\b/i.test(exchange.line) && our.outcome === 'closed' && isRefused(their),
    example: [{ line: 'PUT / HTTP/1.1' }],
  },
  {
    what: 'GET, POST or CONNECT later in a session, without the version of HTTP at the end of the line',
    ours: '500',
    theirs: '221 and close',
    why: 'By then the client has spoken SMTP; an error like others.',
    applies: ({ exchange, our, their }) =>
      /^(?:GET|POST|CONNECT)\b/i.test(exchange.line) && isRefused(our) && their.outcome === 'closed',
    example: [HELLO, { line: 'GET / HTTP/1.1 x' }],
  },
];
