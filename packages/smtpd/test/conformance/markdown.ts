/** Markdown tables for the generated pages. */

/** A table. A bar in a cell is escaped. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const format = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [format(head), format(head.map(() => '---')), ...rows.map(format)].join('\n');
}

/** What stands at the top of a page that is made from the code. */
export function generatedNote(from: string): string {
  return `<!-- Made from ${from} by \`npm run docs:generate\`. Change it there. -->`;
}
