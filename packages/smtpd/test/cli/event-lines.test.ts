import { describe, expect, it } from 'vitest';

import { formatEvent } from '../../src/cli/event-lines.js';

describe('event lines', () => {
  it('are pairs of name and value', () => {
    expect(formatEvent('connect', { session: 'ab1', peer: '::1', port: 25, missing: undefined })).toBe(
      'debug event=connect session=ab1 peer=::1 port=25',
    );
  });

  it('quote a value that is not a plain word', () => {
    expect(formatEvent('command', { verb: 'MAIL', argument: 'FROM:<a@b> SIZE=1' })).toBe(
      'debug event=command verb=MAIL argument="FROM:<a@b> SIZE=1"',
    );
    expect(formatEvent('command', { argument: '' })).toBe('debug event=command argument=""');
  });

  it('are one line whatever a client sent, and a terminal obeys nothing in them', () => {
    expect(formatEvent('command', { verb: 'X\r\ndebug', argument: '\u001b[2J\u009b\u202e\u2028' })).toBe(
      'debug event=command verb="X\\r\\ndebug" argument="\\u001b[2J\\u009b\\u202e\\u2028"',
    );
  });
});
