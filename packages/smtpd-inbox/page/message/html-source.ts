/**
 * HTML as source to read: rows, and what stands in each, so far as colours need it. A row is taken apart when it is looked at; all that is
 * kept of it is where it begins and what was open there.
 */

/** A piece of a row. */
export interface SourcePiece {
  readonly kind: 'text' | 'tag' | 'attribute' | 'value' | 'comment';
  readonly text: string;
}

/** A row: a line, or a stretch of one that is too long to be shown at once. */
export interface SourceRow {
  /** From 1. */
  readonly line: number;
  readonly isContinuation: boolean;
  readonly pieces: readonly SourcePiece[];
}

/**
 * The rows of an HTML document.
 *
 * @example
 * ```ts
 * new HTMLSource('<p id="a">\n').row(0).pieces.map((piece) => piece.text); // ['<p', ' id=', '"a"', '>']
 * ```
 */
export class HTMLSource {
  readonly lineCount: number;
  readonly rowCount: number;
  readonly #source: string;
  /** Where each row begins; one more at the end. */
  readonly #starts: number[] = [0];
  /** What is open where each row begins. */
  readonly #states: State[] = ['text'];
  /** The first row of each line. */
  readonly #lineRows: number[] = [0];

  constructor(source: string, { rowLettersMax = ROW_LETTERS_MAX }: { readonly rowLettersMax?: number } = {}) {
    this.#source = source;
    let state: State = 'text';
    let start = 0;
    for (;;) {
      const lineEnd = source.indexOf('\n', start);
      const end = lineEnd === -1 ? source.length : lineEnd + 1;
      while (start < end) {
        // A row of letters that belong together in pairs is not cut between the two.
        let rowEnd = end - start > rowLettersMax + 1 ? start + rowLettersMax : end;
        if (rowEnd < end && isSecondOfPair(source.charCodeAt(rowEnd))) rowEnd += 1;
        state = scan(source, start, rowEnd, state);
        start = rowEnd;
        this.#starts.push(start);
        this.#states.push(state);
      }
      if (lineEnd === -1) break;
      this.#lineRows.push(this.#starts.length - 1);
    }
    // The last line has a row, even if nothing is in it.
    if (this.#lineRows.at(-1) === this.#starts.length - 1) this.#starts.push(start);
    this.rowCount = this.#starts.length - 1;
    this.lineCount = this.#lineRows.length;
  }

  row(row: number): SourceRow {
    const start = this.#starts[row];
    const end = this.#starts[row + 1];
    const state = this.#states[row];
    if (start === undefined || end === undefined || state === undefined) throw new RangeError(`There is no row ${row}`);
    const line = this.#lineOf(row);
    const pieces: { kind: SourcePiece['kind']; text: string }[] = [];
    let taken = start;
    scan(this.#source, start, end, state, (kind, pieceEnd) => {
      const text = this.#source.slice(taken, pieceEnd);
      const last = pieces.at(-1);
      if (last?.kind === kind) last.text += text;
      else if (text !== '') pieces.push({ kind, text });
      taken = pieceEnd;
    });
    return { line, isContinuation: this.#lineRows[line - 1] !== row, pieces };
  }

  /** The first row of a line from 1; the last line's for those behind it. */
  rowOfLine(line: number): number {
    return this.#lineRows[Math.min(Math.max(Math.trunc(line), 1), this.lineCount) - 1] ?? 0;
  }

  #lineOf(row: number): number {
    let low = 0;
    let high = this.#lineRows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#lineRows[middle] ?? 0) <= row) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

type State = 'text' | 'comment' | 'name' | 'tag' | 'double' | 'single';

/** Goes through `source` from `start` to `end`. @returns what is open there */
function scan(
  source: string,
  start: number,
  end: number,
  state: State,
  onPiece?: (kind: SourcePiece['kind'], end: number) => void,
): State {
  let at = start;
  while (at < end) {
    const letter = source.charAt(at);
    at += 1;
    switch (state) {
      case 'text':
        if (letter !== '<' || !/[a-z/!?]/i.test(source.charAt(at))) break;
        onPiece?.('text', at - 1);
        state = source.startsWith('!--', at) ? 'comment' : 'name';
        break;
      case 'comment':
        if (letter !== '>' || source.slice(at - 3, at) !== '-->') break;
        onPiece?.('comment', at);
        state = 'text';
        break;
      case 'name':
        if (letter === '>') {
          onPiece?.('tag', at);
          state = 'text';
        } else if (/\s/.test(letter)) {
          onPiece?.('tag', at - 1);
          state = 'tag';
        }
        break;
      case 'tag':
        if (letter !== '>' && letter !== '"' && letter !== "'") break;
        onPiece?.('attribute', at - 1);
        if (letter === '>') onPiece?.('tag', at);
        state = letter === '>' ? 'text' : letter === '"' ? 'double' : 'single';
        break;
      case 'double':
      case 'single':
        if (letter !== (state === 'double' ? '"' : "'")) break;
        onPiece?.('value', at);
        state = 'tag';
        break;
    }
  }
  onPiece?.(KIND_OF[state], end);
  return state;
}

function isSecondOfPair(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

const KIND_OF = {
  text: 'text',
  comment: 'comment',
  name: 'tag',
  tag: 'attribute',
  double: 'value',
  single: 'value',
} as const satisfies Record<State, SourcePiece['kind']>;
/** Longer lines go on in a row below. */
const ROW_LETTERS_MAX = 1000;
