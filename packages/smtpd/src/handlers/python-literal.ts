/** Values as Python writes them (`repr`): bytes and lists of strings, as the old module printed them. */

/**
 * Octets as a bytes literal.
 *
 * @example
 * ```ts
 * formatBytes(Buffer.from("it's\tso")); // `b"it's\\tso"`
 * ```
 */
export function formatBytes(octets: Uint8Array): string {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
  return `b${quote(text, BYTES_ESCAPED)}`;
}

/**
 * Strings as a list.
 *
 * @example
 * ```ts
 * formatList(['SIZE=10', 'BODY=8BITMIME']); // "['SIZE=10', 'BODY=8BITMIME']"
 * ```
 */
export function formatList(texts: readonly string[]): string {
  return `[${texts.map((text) => quote(text, TEXT_ESCAPED)).join(', ')}]`;
}

function quote(text: string, escaped: RegExp): string {
  // Double quotes only where they save an escape.
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(escaped, (character) =>
    character === "'" ? (mark === "'" ? "\\'" : "'") : (NAMED[character] ?? numbered(character)),
  );
  return `${mark}${body}${mark}`;
}

function numbered(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code < 0x1_0000 ? `\\u${code.toString(16).padStart(4, '0')}` : `\\U${code.toString(16).padStart(8, '0')}`;
}

const NAMED: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' };
const BYTES_ESCAPED = /['\\]|[^ -~]/g;
/** What `str.isprintable` calls not printable: control, format, surrogate, private and unassigned characters, blanks but one. */
const TEXT_ESCAPED = /['\\]|(?! )[\p{C}\p{Z}]/gu;
