/**
 * Finding a parameter among the options of an envelope. Each extension reads its own with it, so that an application need not
 * take `KEY=value` apart.
 */

/** The parameters of MAIL and RCPT: what a message, or `session.envelope` in a hook, has of them. */
export interface EnvelopeOptions {
  /** The parameters of MAIL, such as `['SIZE=10', 'BODY=8BITMIME']`. */
  readonly mailOptions: readonly string[];
  /** For each recipient, the parameters of its RCPT. */
  readonly rcptOptions: readonly (readonly string[])[];
}

/** The value of a parameter; `''` for one without a value, `undefined` when it is not there. */
export function findOption(options: readonly string[], keyword: string): string | undefined {
  for (const option of options) {
    if (!option.startsWith(keyword)) continue;
    if (option.length === keyword.length) return '';
    if (option.charAt(keyword.length) === '=') return option.slice(keyword.length + 1);
  }
  return undefined;
}
