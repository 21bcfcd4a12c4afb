/** `format=flowed` (RFC 3676): lines that a mail program broke are put together again. */

/**
 * Joins the lines that end with a blank with the next one.
 *
 * @param deletesSpace whether the blank was added too (`delsp=yes`)
 */
export function unflow(text: string, deletesSpace: boolean): string {
  const joined: string[] = [];
  let pieces: string[] = [];
  let depth = 0;
  let flows = false;
  const end = (): void => {
    if (pieces.length > 0) joined.push(pieces.join(''));
    pieces = [];
  };
  for (const line of text.split('\n')) {
    const quotes = /^>*/.exec(line)?.[0] ?? '';
    // §4.4: a blank at the beginning was put there so that the line is not taken for something else.
    const content = line.slice(quotes.length).replace(/^ /, '');
    // §4.3: the separator of a signature ends with a blank and goes on with nothing.
    const isSeparator = content === '-- ';
    if (!flows || quotes.length !== depth || isSeparator) {
      end();
      pieces.push(quotes === '' || content === '' ? quotes : `${quotes} `);
    }
    depth = quotes.length;
    flows = content.endsWith(' ') && !isSeparator;
    pieces.push(flows && deletesSpace ? content.slice(0, -1) : content);
  }
  end();
  return joined.join('\n');
}
