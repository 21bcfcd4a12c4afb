/**
 * HTML as a stream of tokens, by the tokenizer of parse5. No tree is made: a hostile document has trees that grow with the square of it, and
 * what is asked here (text, links, references) needs none.
 */

import { type Token, Tokenizer, TokenizerMode } from 'parse5';

/** What is told of a document. */
export interface HTMLHandler {
  startTag?(tag: Token.TagToken): void;
  endTag?(name: string): void;
  /** Text between tags, references decoded. What stands in `<script>`, `<style>` and the like comes here too. */
  text?(text: string): void;
  doctype?(doctype: Token.DoctypeToken): void;
}

/** Goes through a document from beginning to end. */
export function readHTML(html: string, handler: HTMLHandler): void {
  // The tokenizer tells of white space and of letters separately; together they are what stands there.
  let pieces: string[] = [];
  const gather = ({ chars }: { chars: string }): void => void pieces.push(chars);
  const flush = (): void => {
    if (pieces.length === 0) return;
    const text = pieces.join('');
    pieces = [];
    handler.text?.(text);
  };
  const tokenizer = new Tokenizer(
    { sourceCodeLocationInfo: true },
    {
      onStartTag(tag) {
        flush();
        // A parser would change the state by the element; a tokenizer alone has to be told.
        const mode = MODES.get(tag.tagName);
        // A slash at its end means nothing outside SVG.
        if (mode !== undefined) tokenizer.state = mode;
        handler.startTag?.(tag);
      },
      onEndTag(tag) {
        flush();
        handler.endTag?.(tag.tagName);
      },
      onCharacter: gather,
      onWhitespaceCharacter: gather,
      onNullCharacter: () => undefined,
      onDoctype(doctype) {
        flush();
        handler.doctype?.(doctype);
      },
      onComment: () => undefined,
      onEof: flush,
    },
  );
  tokenizer.write(html, true);
}

/** An attribute’s value; `undefined` when there is none of that name. */
export function attributeOf(tag: Token.TagToken, name: string): string | undefined {
  return tag.attrs.find((attribute) => attribute.name === name)?.value;
}

/** Elements in which tags are text. */
export const RAW_TEXT_ELEMENTS: Pick<ReadonlySet<string>, 'has'> = { has: (name) => MODES.has(name) };

/** Elements in which other letters than `<` mean something. */
const MODES = new Map<string, (typeof TokenizerMode)[keyof typeof TokenizerMode]>([
  ['title', TokenizerMode.RCDATA],
  ['textarea', TokenizerMode.RCDATA],
  ['style', TokenizerMode.RAWTEXT],
  ['xmp', TokenizerMode.RAWTEXT],
  ['iframe', TokenizerMode.RAWTEXT],
  ['noembed', TokenizerMode.RAWTEXT],
  ['noframes', TokenizerMode.RAWTEXT],
  ['script', TokenizerMode.SCRIPT_DATA],
  ['plaintext', TokenizerMode.PLAINTEXT],
]);
