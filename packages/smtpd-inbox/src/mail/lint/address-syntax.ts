/** Lists of addresses (RFC 5322 §3.4) and message identifiers (§3.6.4), with what is wrong or out of date in them. */

/** A list of addresses, read. */
export interface AddressList {
  readonly mailboxes: readonly Mailbox[];
  readonly hasGroup: boolean;
  /** What is against the syntax, for people. */
  readonly faults: readonly string[];
  /** Addresses without `@domain`. */
  readonly unqualified: readonly string[];
  /** What RFC 5322 §4 allows to be read but not to be written. */
  readonly obsolete: readonly string[];
}

/** Somebody in a list. */
export interface Mailbox {
  /** As it stands, quotes undone. */
  readonly name: string;
  /** `local@domain`, the domain in lower case. */
  readonly address: string;
  readonly domain: string;
}

/** Parses a list of addresses. Never throws; linear. */
export function parseAddressList(text: string): AddressList {
  const parser = new AddressParser(text);
  parser.parse();
  return parser;
}

/** The identifiers of References or In-Reply-To, and whether anything else stands there. */
export function parseMessageIds(text: string): { readonly ids: readonly string[]; readonly hasOther: boolean } {
  const ids = text.match(/<[^<>]*>/g) ?? [];
  const rest = text.replace(/<[^<>]*>/g, ' ').replace(/\([^()]*\)/g, ' ');
  return { ids, hasOther: rest.trim() !== '' || ids.some((id) => !isMessageId(id)) };
}

/** RFC 5322 §3.6.4: `<left@right>`, both without blanks. */
export function isMessageId(text: string): boolean {
  return MESSAGE_ID.test(text);
}

type Token = { readonly text: string } & (
  | { readonly kind: 'atom' | 'quoted' | 'literal'; readonly hasBlankBefore: boolean }
  | { readonly kind: 'special'; readonly hasBlankBefore: boolean }
);

class AddressParser implements AddressList {
  readonly mailboxes: Mailbox[] = [];
  readonly faults: string[] = [];
  readonly unqualified: string[] = [];
  readonly obsolete: string[] = [];
  hasGroup = false;
  readonly #tokens: Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = this.#tokenize(text);
  }

  parse(): void {
    let isInGroup = false;
    let hasMember = false;
    while (this.#at < this.#tokens.length) {
      const special = this.#special();
      if (special === ',') {
        if (!hasMember) this.obsolete.push('an element of the list is empty');
        hasMember = false;
        this.#at++;
      } else if (special === ';') {
        if (!isInGroup) this.faults.push('a semicolon ends no group; addresses are divided by commas');
        isInGroup = false;
        this.#at++;
        hasMember = true;
      } else {
        if (hasMember) this.faults.push(`a comma is missing before ${this.#show(this.#at)}`);
        const kind = this.#parseAddress();
        if (kind === 'group') {
          if (isInGroup) this.faults.push('a group stands in a group');
          isInGroup = true;
          this.hasGroup = true;
          hasMember = false;
          // A group may be empty.
          if (this.#special() === ';') hasMember = true;
        } else {
          hasMember = true;
        }
      }
    }
    if (isInGroup) this.faults.push('a group has no semicolon at its end');
    if (!hasMember && this.#tokens.length > 0) this.obsolete.push('the list ends with a comma');
  }

  /** Something that begins with words: `ann@a.example`, `Ann <ann@a.example>`, `Friends:`. */
  #parseAddress(): 'group' | 'mailbox' {
    const start = this.#at;
    while (this.#tokens[this.#at] !== undefined && this.#special() === undefined) this.#at++;
    const words = this.#tokens.slice(start, this.#at);
    switch (this.#special()) {
      case '@':
        this.#at++;
        this.#takeMailbox('', words);
        return 'mailbox';
      case '<':
        this.#checkPhrase(words);
        this.#at++;
        this.#parseAngle(words);
        return 'mailbox';
      case ':':
        if (words.length === 0) this.faults.push('a group has no name');
        this.#at++;
        return 'group';
      case '>':
      case '[':
      case ']':
      case ')':
      case '\\':
        this.faults.push(`${JSON.stringify(this.#special())} stands where none can be`);
        this.#at++;
        return 'mailbox';
      case undefined:
      default:
        if (words.length > 0) this.unqualified.push(textOf(words));
        return 'mailbox';
    }
  }

  #parseAngle(name: readonly Token[]): void {
    if (this.#special() === '@') {
      // RFC 5322 §4.4: a route, `<@a.example:ann@b.example>`.
      this.obsolete.push('an address has a route');
      while (this.#at < this.#tokens.length && this.#special() !== ':' && this.#special() !== '>') this.#at++;
      if (this.#special() === ':') this.#at++;
    }
    const start = this.#at;
    while (this.#tokens[this.#at] !== undefined && this.#special() === undefined) this.#at++;
    const local = this.#tokens.slice(start, this.#at);
    if (this.#special() === '@') {
      this.#at++;
      this.#takeMailbox(textOf(name), local);
    } else if (local.length > 0) {
      this.unqualified.push(textOf(local));
    } else {
      this.faults.push('the angle brackets are empty');
    }
    if (this.#special() === '>') {
      this.#at++;
      return;
    }
    this.faults.push('an angle bracket is not closed');
    while (this.#at < this.#tokens.length && this.#special() !== ',' && this.#special() !== ';') {
      if (this.#special() === '>') {
        this.#at++;
        return;
      }
      this.#at++;
    }
  }

  /** Behind the `@`: the domain. */
  #takeMailbox(name: string, local: readonly Token[]): void {
    const localPart = this.#localPart(local);
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'special' || token.kind === 'quoted') {
      this.faults.push(`no domain stands behind ${JSON.stringify(`${localPart}@`.slice(0, 60))}`);
      return;
    }
    this.#at++;
    let domain = token.text;
    // RFC 5322 §4.4: blanks around the dots.
    while (
      this.#tokens[this.#at]?.kind === 'atom' &&
      (domain.endsWith('.') || this.#tokens[this.#at]?.text.startsWith('.') === true)
    ) {
      domain += this.#tokens[this.#at]?.text ?? '';
      this.obsolete.push('blanks stand around the dots of a domain');
      this.#at++;
    }
    if (token.kind === 'atom' && !isDotAtom(domain)) {
      this.faults.push(`${JSON.stringify(domain.slice(0, 60))} is no domain`);
    }
    const address = `${localPart}@${domain.toLowerCase()}`;
    this.mailboxes.push({ name, address, domain: domain.toLowerCase() });
  }

  #localPart(tokens: readonly Token[]): string {
    const text = tokens.map(rawOf).join('');
    const [first] = tokens;
    if (first === undefined) {
      this.faults.push('nothing stands before an @');
    } else if (tokens.length > 1) {
      const isDotted = tokens.every(
        (token, index) => index === 0 || token.text.startsWith('.') || tokens[index - 1]?.text.endsWith('.') === true,
      );
      if (isDotted) this.obsolete.push('blanks or quotes stand around the dots of an address');
      else {
        this.faults.push(
          `${JSON.stringify(tokens.map(rawOf).join(' ').slice(0, 60))} before an @ has blanks; put a name before <…>`,
        );
      }
    } else if (first.kind === 'literal' || (first.kind === 'atom' && !isDotAtom(first.text))) {
      this.faults.push(`${JSON.stringify(text.slice(0, 60))} cannot stand before an @ without quotes`);
    }
    return text;
  }

  #checkPhrase(words: readonly Token[]): void {
    for (const word of words) {
      if (word.kind === 'literal') this.faults.push('square brackets stand in a name without quotes');
      // RFC 5322 §4.1: obs-phrase has dots. An encoded word may have them.
      else if (word.kind === 'atom' && word.text.includes('.') && !word.text.startsWith('=?')) {
        this.obsolete.push(`the name ${JSON.stringify(textOf(words).slice(0, 60))} has a dot and no quotes`);
        return;
      }
    }
  }

  #special(): string | undefined {
    const token = this.#tokens[this.#at];
    return token?.kind === 'special' ? token.text : undefined;
  }

  #show(index: number): string {
    return JSON.stringify((this.#tokens[index]?.text ?? '').slice(0, 60));
  }

  #tokenize(text: string): Token[] {
    const tokens: Token[] = [];
    let hasBlankBefore = false;
    for (let at = 0; at < text.length;) {
      const character = text[at] ?? '';
      const start = at;
      if (character === ' ' || character === '\t') {
        hasBlankBefore = true;
        at++;
        continue;
      }
      if (character === '(') {
        at = this.#endOfComment(text, at);
        hasBlankBefore = true;
        continue;
      }
      if (character === '"') {
        const end = endOfQuoted(text, at, '"');
        if (end === undefined) this.faults.push('a quoted name has no end');
        at = end ?? text.length;
        const inner = text.slice(start + 1, end === undefined ? at : at - 1).replace(/\\(.)/gs, '$1');
        tokens.push({ kind: 'quoted', text: inner, hasBlankBefore });
      } else if (character === '[') {
        const end = endOfQuoted(text, at, ']');
        if (end === undefined) this.faults.push('a square bracket is not closed');
        at = end ?? text.length;
        tokens.push({ kind: 'literal', text: text.slice(start, at), hasBlankBefore });
      } else if (SPECIALS.has(character)) {
        at++;
        tokens.push({ kind: 'special', text: character, hasBlankBefore });
      } else {
        while (at < text.length && !ATOM_ENDS.has(text[at] ?? '')) at++;
        tokens.push({ kind: 'atom', text: text.slice(start, at), hasBlankBefore });
      }
      hasBlankBefore = false;
    }
    return tokens;
  }

  #endOfComment(text: string, start: number): number {
    let depth = 0;
    for (let at = start; at < text.length; at++) {
      if (text[at] === '\\') at++;
      else if (text[at] === '(') depth++;
      else if (text[at] === ')' && --depth === 0) return at + 1;
    }
    this.faults.push('a comment has no end');
    return text.length;
  }
}

/** Behind the character that ends it. */
function endOfQuoted(text: string, start: number, close: string): number | undefined {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === close) return at + 1;
  }
  return undefined;
}

function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join(' ');
}

function rawOf(token: Token): string {
  return token.kind === 'quoted' ? `"${token.text.replace(/["\\]/g, '\\$&')}"` : token.text;
}

function isDotAtom(text: string): boolean {
  return !text.startsWith('.') && !text.endsWith('.') && !text.includes('..') && text !== '';
}

const SPECIALS: ReadonlySet<string> = new Set('<>:;@,)]\\');
const ATOM_ENDS: ReadonlySet<string> = new Set('<>:;@,()[]\\" \t');
const MESSAGE_ID = /^<(?:[^\s<>()[\]\\,:;@"]+|"(?:[^"\\\r\n]|\\.)*")@(?:[^\s<>()[\]\\,:;@"]+|\[[^[\]\\\s]*\])>$/;
