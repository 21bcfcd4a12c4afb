/** What a `DebuggingServer` printed, compared with what the old one printed. */

/** The old printout as readable text: a bytes literal becomes the text that it stands for. */
export function readable(recorded: readonly string[]): readonly string[] {
  return recorded.map((line) => {
    const literal = /^b(['"])(.*)\1$/.exec(line);
    return literal === null ? line : unescape(literal[2] ?? '');
  });
}

/** Our printout without what the old one did not have: the envelope, and what was odd. */
export function withoutAdditions(printed: readonly string[]): readonly string[] {
  return printed.filter((line) => !/^(?:envelope (?:from|to)|oddities): /.test(line));
}

/** The lines of a printout. */
export function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-f]{2}|.)/g, (_, what: string) =>
    what.startsWith('x') && what.length === 3
      ? String.fromCharCode(Number.parseInt(what.slice(1), 16))
      : (ESCAPED[what] ?? what),
  );
}

const ESCAPED: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r' };
