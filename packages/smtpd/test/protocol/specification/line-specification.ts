// What the line decoder must do, said a second time and in another way: on the whole string at once, line by line.

import type { Line, LineLimits } from '../../../src/protocol/line-decoder.js';

export interface LinesOutcome {
  readonly lines: readonly Line[];
  /** What is still in the input: the unfinished line, unless it is too long already and was dropped. */
  readonly unreadBytes: number;
}

export function specifyLines(received: string, { lineLengthBytesMax, discardedBytesMax }: LineLimits): LinesOutcome {
  const endlessLengthBytes = Math.max(lineLengthBytesMax, discardedBytesMax) + 1;
  const lines: Line[] = [];
  let rest = received;
  for (;;) {
    const endAt = rest.indexOf('\r\n');
    const isEnded = endAt !== -1;
    // A CR at the end of what has come may be the first half of a CRLF.
    const text = isEnded ? rest.slice(0, endAt) : rest.replace(/\r$/, '');
    if (text.length >= endlessLengthBytes) {
      lines.push({ text: '', lengthBytes: endlessLengthBytes, flaw: 'endless' });
      rest = rest.slice(endlessLengthBytes);
      continue;
    }
    const isTooLong = text.length > lineLengthBytesMax;
    if (!isEnded) return { lines, unreadBytes: isTooLong ? 0 : rest.length };
    if (isTooLong) lines.push({ text: '', lengthBytes: text.length, flaw: 'tooLong' });
    else if (/[\r\n]/.test(text)) lines.push({ text, lengthBytes: text.length, flaw: 'bareLineEnd' });
    else lines.push({ text, lengthBytes: text.length });
    rest = rest.slice(endAt + 2);
  }
}
