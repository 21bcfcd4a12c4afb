/** What a caller without types gave instead of what was asked for. */

/** What a value is called in a sentence. It is not repeated: it can be long, and nobody else's business. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { constructor } = value as { constructor?: { name?: unknown } };
  return typeof constructor?.name === 'string' ? `the ${constructor.name} that was given` : 'the object that was given';
}
