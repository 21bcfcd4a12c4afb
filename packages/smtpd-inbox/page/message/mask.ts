/**
 * Secrets of a conversation, hidden. The server hides them when it writes the conversation down; the page does so again, because a page is
 * shown to others, and what nobody hid earlier must not be seen in a picture of it.
 */

import type { TranscriptLine } from '../../src/api/model.js';

/** What stands where a secret stood. */
export const MASK = '••••••';

/**
 * The same lines with what AUTH carries hidden (RFC 4954): the initial response, and whatever the client says to a 334. Hiding twice is
 * hiding once.
 */
export function maskSecrets(lines: readonly TranscriptLine[]): readonly TranscriptLine[] {
  let isAnswering = false;
  return lines.map((line) => {
    if (line.from === 'event') return line;
    if (line.from === 'server') {
      // A 334 asks; every other reply ends the exchange.
      isAnswering = line.text.startsWith('334');
      return line;
    }
    if (isAnswering) return { ...line, text: maskResponse(line.text) };
    const initial = AUTH_WITH_RESPONSE.exec(line.text);
    if (initial === null) return line;
    const [, command = '', response = ''] = initial;
    return { ...line, text: command + maskResponse(response) };
  });
}

/** `=` is an empty response and `*` gives up: neither is a secret, and both tell something. */
function maskResponse(response: string): string {
  return response === '' || response === '=' || response === '*' ? response : MASK;
}

const AUTH_WITH_RESPONSE = /^(\s*AUTH\s+\S+\s+)(.+)$/is;
