/**
 * Text as people read it in a mail: what is quoted, what is the signature, where the links are. Nothing is taken away: the pieces joined
 * are the text. The time it takes grows with the text and with nothing else.
 */

/** Lines of a kind. */
export interface TextBlock {
  readonly kind: 'text' | 'quote' | 'signature';
  /** How often it is quoted; 0 for what is not. */
  readonly depth: number;
  /** The line where it begins, from 1. */
  readonly line: number;
  readonly lines: readonly TextLine[];
}

/** A line in pieces, its line end with the last of them. */
export type TextLine = readonly TextPiece[];

export interface TextPiece {
  readonly text: string;
  /** Where it leads, if it is a link: http, https or mailto. */
  readonly href?: string;
}

/**
 * Tells the lines of a text apart.
 *
 * @example
 * ```ts
 * viewText('Hello\n> Who?\n-- \nAnn').map((block) => block.kind); // ['text', 'quote', 'signature']
 * ```
 */
export function viewText(text: string): readonly TextBlock[] {
  const lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const signature = signatureAt(lines);
  const blocks: { kind: TextBlock['kind']; depth: number; line: number; lines: TextLine[] }[] = [];
  lines.forEach((line, at) => {
    const isSignature = signature !== undefined && at >= signature;
    const depth = isSignature ? 0 : quoteDepth(line);
    const kind = isSignature ? 'signature' : depth > 0 ? 'quote' : 'text';
    const last = blocks.at(-1);
    if (last?.kind === kind && last.depth === depth) last.lines.push(linkPieces(line));
    else blocks.push({ kind, depth, line: at + 1, lines: [linkPieces(line)] });
  });
  return blocks;
}

/** A text in pieces, some of which are links. */
export function linkPieces(text: string): TextLine {
  const pieces: TextPiece[] = [];
  let taken = 0;
  for (const match of text.matchAll(LINK)) {
    const url = withoutTrail(match[0]);
    if (!isLink(url)) continue;
    if (match.index > taken) pieces.push({ text: text.slice(taken, match.index) });
    pieces.push({ text: url, href: url });
    taken = match.index + url.length;
  }
  if (taken < text.length) pieces.push({ text: text.slice(taken) });
  return pieces;
}

/** How often a line is quoted: RFC 3676 §4.5 counts the `>` at its beginning, and people put blanks between them. */
function quoteDepth(line: string): number {
  let depth = 0;
  for (let at = 0; at < line.length; at += 1) {
    const letter = line.charAt(at);
    if (letter === '>') depth += 1;
    else if (letter !== ' ' || depth === 0) break;
  }
  return depth;
}

/** The line of the signature's mark (RFC 3676 §4.3), which is the last one that is not quoted; what follows it is no longer the text. */
function signatureAt(lines: readonly string[]): number | undefined {
  const at = lines.findLastIndex((line) => /^-- ?\r?\n?$/.test(line));
  return at === -1 || lines.length - at > SIGNATURE_LINES_MAX ? undefined : at;
}

/** Without what belongs to the sentence around it: its stop, its closing bracket. */
function withoutTrail(url: string): string {
  let end = url.length;
  let open = 0;
  for (const letter of url) open += letter === '(' ? 1 : letter === ')' ? -1 : 0;
  for (; end > 0; end -= 1) {
    const last = url.charAt(end - 1);
    if (last === ')' && open < 0) open += 1;
    else if (!TRAIL.includes(last)) break;
  }
  return url.slice(0, end);
}

function isLink(url: string): boolean {
  if (/^mailto:[^@]+@./i.test(url)) return true;
  return /^https?:\/\/./i.test(url) && URL.canParse(url);
}

// eslint-disable-next-line no-control-regex -- a control character ends a link
const LINK = /\b(?:https?:\/\/|mailto:)[^\s<>"'`{}|\\^\u0000-\u001f]+/gi;
const TRAIL = '.,;:!?*_~’”»]';
/** A mark further from the end is a rule between paragraphs. */
const SIGNATURE_LINES_MAX = 40;
