/** Header fields as text: folded, and in encoded words where they are not ASCII (RFC 5322, RFC 2047, RFC 2231). */

/**
 * A field of free text. Words that are not ASCII become encoded words; the others stay, so that the addresses in a Reply-To stay addresses.
 *
 * @example
 * ```ts
 * formatUnstructured('Subject', 'Grüße aus Wien'); // 'Subject: =?UTF-8?Q?Gr=C3=BC=C3=9Fe?= aus Wien\r\n'
 * ```
 */
export function formatUnstructured(name: string, value: string): string {
  return fold(name, atomsOf(value));
}

/** A field of addresses. */
export function formatMailboxes(
  name: string,
  mailboxes: readonly { readonly name: string; readonly address: string }[],
): string {
  return fold(
    name,
    mailboxes.flatMap((mailbox, index) => {
      const comma = index === mailboxes.length - 1 ? '' : ',';
      if (mailbox.name === '') return [`${mailbox.address}${comma}`];
      return [...phraseOf(mailbox.name), `<${mailbox.address}>${comma}`];
    }),
  );
}

/**
 * A field with parameters, each on a line of its own. What is not ASCII, or too long for a line, is cut and encoded (RFC 2231).
 *
 * @param head - name and value, such as `Content-Disposition: attachment`
 */
export function formatParameters(
  head: string,
  parameters: readonly (readonly [name: string, value: string])[],
): string {
  const lines = parameters.flatMap(([name, value]) => {
    // An encoded word means nothing here (RFC 2047 §5), and many programs decode it all the same.
    if (value.length <= PARAMETER_LENGTH_MAX && PRINTABLE.test(value) && !value.includes('=?')) {
      return [`${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`];
    }
    const pieces = cut(value, PARAMETER_LENGTH_MAX, (character) => percentEncoded(character).length);
    const numbered = pieces.length > 1;
    return pieces.map((piece, index) => {
      const number = numbered ? `*${index}` : '';
      return `${name}${number}*=${index === 0 ? "UTF-8''" : ''}${percentEncoded(piece)}`;
    });
  });
  return `${[head, ...lines].join(';\r\n ')}\r\n`;
}

/** A name as a phrase: as it is, quoted, or encoded. */
function phraseOf(name: string): readonly string[] {
  if (!PRINTABLE.test(name) || name.length > PHRASE_LENGTH_MAX || name.includes('=?')) return encodedWords(name);
  return /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(name)
    ? name.split(' ')
    : [`"${name.replaceAll(/["\\]/g, '\\$&')}"`];
}

/** What stands between blanks at which the line may be folded. */
function atomsOf(value: string): readonly string[] {
  // A blank at the beginning or the end, or several at once, would not come through folding as they are.
  if (/^\s|\s$|\s\s|[^\S ]/u.test(value)) return encodedWords(value);
  const atoms: string[] = [];
  let waiting: string[] = [];
  const encodeWaiting = (): void => {
    if (waiting.length > 0) atoms.push(...encodedWords(waiting.join(' ')));
    waiting = [];
  };
  for (const word of value === '' ? [] : value.split(' ')) {
    // Between two encoded words the blank is lost, so neighbours are encoded together.
    if (!VISIBLE.test(word) || word.includes('=?') || word.length > WORD_LENGTH_MAX) {
      waiting.push(word);
    } else {
      encodeWaiting();
      atoms.push(word);
    }
  }
  encodeWaiting();
  return atoms;
}

/** Encoded words of at most 75 characters, none of which cuts a character (RFC 2047 §2 and §5). */
function encodedWords(text: string): readonly string[] {
  const octets = Buffer.from(text);
  const lengthInQ = (character: string): number => qEncoded(character).length;
  // Readable, as long as most of it is.
  const isReadable = lengthInQ(text) <= octets.length * 2.5;
  return isReadable
    ? cut(text, ENCODED_LENGTH_MAX, lengthInQ).map((piece) => `=?UTF-8?Q?${qEncoded(piece)}?=`)
    : cut(text, ENCODED_OCTETS_MAX, (character) => Buffer.byteLength(character)).map(
        (piece) => `=?UTF-8?B?${Buffer.from(piece).toString('base64')}?=`,
      );
}

/** Cuts a text between characters, so that no piece is longer than it may be. */
function cut(text: string, lengthMax: number, lengthOf: (character: string) => number): readonly string[] {
  const pieces: string[] = [];
  let piece = '';
  let length = 0;
  for (const character of text) {
    const more = lengthOf(character);
    if (length + more > lengthMax && piece !== '') {
      pieces.push(piece);
      [piece, length] = ['', 0];
    }
    piece += character;
    length += more;
  }
  return [...pieces, piece];
}

/** RFC 2047 §5 (3): nothing but letters, digits and five signs, so that it may stand in a phrase, too. */
function qEncoded(text: string): string {
  return octetsAs(text, /[A-Za-z0-9!*+/-]/, (octet) => (octet === SPACE ? '_' : `=${hexOf(octet)}`));
}

function percentEncoded(text: string): string {
  return octetsAs(text, /[A-Za-z0-9!#$&+.^_`{|}~-]/, (octet) => `%${hexOf(octet)}`);
}

function octetsAs(text: string, plain: RegExp, encoded: (octet: number) => string): string {
  let result = '';
  for (const octet of Buffer.from(text)) {
    const character = String.fromCharCode(octet);
    result += plain.test(character) ? character : encoded(octet);
  }
  return result;
}

function hexOf(octet: number): string {
  return octet.toString(16).toUpperCase().padStart(2, '0');
}

/** RFC 5322 §2.1.1: lines of 78, where there is a blank to fold at. */
function fold(name: string, atoms: readonly string[]): string {
  let field = `${name}:`;
  let lineLength = field.length;
  for (const [index, atom] of atoms.entries()) {
    const mayFold = index > 0 && lineLength + 1 + atom.length > LINE_LENGTH_MAX;
    field += mayFold ? `\r\n ${atom}` : ` ${atom}`;
    lineLength = mayFold ? atom.length + 1 : lineLength + 1 + atom.length;
  }
  return `${field}${atoms.length === 0 ? ' ' : ''}\r\n`;
}

const SPACE = 0x20;
const LINE_LENGTH_MAX = 78;
/** An encoded word of 75 without `=?UTF-8?Q?` and `?=`. */
const ENCODED_LENGTH_MAX = 63;
/** As many octets become 60 characters of base64. */
const ENCODED_OCTETS_MAX = 45;
const PARAMETER_LENGTH_MAX = 60;
const PHRASE_LENGTH_MAX = 200;
/** RFC 5322 §2.1.1: a line has at most 998. */
const WORD_LENGTH_MAX = 800;
const PRINTABLE = /^[ -~]*$/;
const VISIBLE = /^[!-~]*$/;
