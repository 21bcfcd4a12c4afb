/** The text of HTML, as it is found by its words and shown in a list: no layout, but no two words run into one. */

import { attributeOf, readHTML } from './html-tokens.js';

/**
 * Plain text of HTML. Blocks begin a line, cells are separated by a blank, pictures are their `alt`.
 *
 * ```ts
 * textOfHTML('<h1>Welcome</h1><p>Your code is <b>1234</b>'); // 'Welcome\nYour code is 1234'
 * ```
 */
export function textOfHTML(html: string): string {
  const writer = new TextWriter();
  /** The elements around here whose content nobody sees. */
  let hidden: string | undefined;
  readHTML(html, {
    startTag(tag) {
      const name = tag.tagName;
      if (hidden !== undefined) return;
      if (UNSEEN.has(name)) {
        hidden = name;
        return;
      }
      if (name === 'br') writer.breakLine();
      else if (name === 'pre' || name === 'textarea') writer.keepBlanks(true);
      else if (name === 'img' || name === 'area') writer.write(attributeOf(tag, 'alt') ?? '');
      if (BLOCKS.has(name)) writer.beginLine();
      else if (CELLS.has(name)) writer.separate();
      if (name === 'li') writer.write('- ');
    },
    endTag(name) {
      if (hidden !== undefined) {
        if (name === hidden) hidden = undefined;
        return;
      }
      if (name === 'pre' || name === 'textarea') writer.keepBlanks(false);
      if (BLOCKS.has(name)) writer.beginLine();
      else if (CELLS.has(name)) writer.separate();
    },
    text(text) {
      if (hidden === undefined) writer.write(text);
    },
  });
  return writer.toString();
}

/** Joins text as a browser would: runs of white space are one blank. */
class TextWriter {
  readonly #lines: string[] = [];
  #pieces: string[] = [];
  /** What stands at the end of the line: nothing yet, a blank that is written when something follows, or a letter. */
  #end: 'start' | 'blank' | 'letter' = 'start';
  #keepsBlanks = false;

  write(text: string): void {
    if (this.#keepsBlanks) {
      const [first = '', ...others] = text.split('\n');
      this.#append(first);
      for (const line of others) {
        this.breakLine();
        this.#append(line);
      }
      return;
    }
    const folded = text.replace(/[ \t\r\n\f]+/g, ' ');
    if (folded === '') return;
    if (folded.startsWith(' ')) this.separate();
    const inner = folded.trim();
    if (inner !== '') this.#append(inner);
    if (folded.endsWith(' ')) this.separate();
  }

  separate(): void {
    if (this.#end === 'letter') this.#end = 'blank';
  }

  /** Ends the line, where there is something in it. */
  beginLine(): void {
    if (this.#end !== 'start') this.breakLine();
  }

  breakLine(): void {
    this.#lines.push(this.#pieces.join('').trimEnd());
    this.#pieces = [];
    this.#end = 'start';
  }

  keepBlanks(keeps: boolean): void {
    this.#keepsBlanks = keeps;
  }

  toString(): string {
    this.beginLine();
    return this.#lines
      .join('\n')
      .replace(/\n{3,}/g, '\n\n')
      .trim();
  }

  #append(text: string): void {
    if (text === '') return;
    if (this.#end === 'blank') this.#pieces.push(' ');
    this.#pieces.push(text);
    this.#end = 'letter';
  }
}

const UNSEEN = new Set(['script', 'style', 'title', 'template', 'noscript', 'iframe', 'noembed', 'noframes', 'object']);
const CELLS = new Set(['td', 'th', 'option', 'button', 'input', 'select', 'dt']);
const BLOCKS = new Set(
  (
    'address article aside blockquote body caption center dd details dialog dir div dl fieldset figcaption figure footer form h1 h2 h3 h4 ' +
    'h5 h6 header hr html legend li main menu nav ol p pre section summary table tbody textarea tfoot thead tr ul'
  ).split(' '),
);
