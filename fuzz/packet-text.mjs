/** A packet as it is written in a file: a text, or a list of texts and of `{ "repeat": text, "times": N }`. @returns {string} */
export function textOf(packet) {
  const parts = typeof packet === 'string' ? [packet] : packet;
  return parts.map((part) => (typeof part === 'string' ? part : part.repeat.repeat(part.times))).join('');
}
