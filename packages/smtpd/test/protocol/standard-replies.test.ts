import { describe, expect, it } from 'vitest';

import { COMMAND_RULES, syntaxOf, type StandardVerb } from '../../src/protocol/command-rules.js';
import { octets } from '../../src/protocol/octets.js';
import { encodeReply } from '../../src/protocol/reply-encoder.js';
import { Reply } from '../../src/protocol/reply.js';
import * as standardReplies from '../../src/protocol/standard-replies.js';
import { incidentReply, syntaxReply, unrecognizedReply } from '../../src/protocol/standard-replies.js';
import { readReplies } from '../support/pure-client.js';

const VERBS = Object.keys(COMMAND_RULES) as StandardVerb[];
const constants = Object.entries(standardReplies).filter(
  (entry): entry is [string, Reply] => entry[1] instanceof Reply,
);
const made: [string, Reply][] = [
  ...VERBS.flatMap((verb) => [false, true].map((isExtended) => syntaxReply(syntaxOf(verb, isExtended)))),
  unrecognizedReply('XPING'),
  unrecognizedReply('\x1b[2J'),
  incidentReply('1a2b3c4d'),
].map((reply) => [reply.lines.join(' '), reply]);

/** RFC 5321 §4.2.2 and §4.2.3, RFC 2034, RFC 6531 §3.5, RFC 3207 §4, RFC 4954 §6, RFC 1985 §5.2: the codes that a client knows. */
const CODES = [
  ...[220, 221, 235, 250, 252, 354, 421, 451, 452, 454, 458, 500, 501, 502, 503, 504],
  ...[530, 535, 550, 552, 553, 554, 555],
];

describe.each([...constants, ...made])('%s', (_name, reply) => {
  it('is one line of US-ASCII of at most 512 octets', () => {
    const text = latin1(encodeReply(reply, false));
    expect(text).toMatch(/^\d{3} [ -~]+\r\n$/);
    expect(text.length).toBeLessThanOrEqual(512);
    expect(readReplies(text)).toHaveLength(1);
    expect(latin1(encodeReply(reply, true))).toBe(text);
  });

  it('has a code that a client knows, and an enhanced code of its class unless it is 3yz', () => {
    expect(CODES).toContain(reply.code);
    if (reply.code === 354) expect(reply.enhanced).toBeUndefined();
    else expect(reply.enhanced?.charAt(0)).toBe(String(reply.code).charAt(0));
  });

  it('has a text, which does not repeat the codes', () => {
    expect(reply.lines.join('')).not.toMatch(/^\d|^$/);
  });
});

describe('the replies', () => {
  it('are constants apart from those made of a syntax, a verb or an incident', () => {
    const others = Object.entries(standardReplies).filter(([, value]) => !((value as unknown) instanceof Reply));
    expect(others.map(([name]) => name).sort()).toEqual(['incidentReply', 'syntaxReply', 'unrecognizedReply']);
    expect(constants.length).toBeGreaterThan(30);
  });

  it('tell apart: no two constants of one code have the same text and enhanced code', () => {
    const texts = constants.map(([, reply]) => reply.toString());
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('close with 421 and say so; so does the one that ends a session whose client ran ahead', () => {
    for (const [name, reply] of constants) {
      expect(/closing connection|connect again|connections|close/.test(reply.lines.join(' ')), name).toBe(
        reply.code === 421 || name === 'OUT_OF_STEP',
      );
    }
  });
});

describe('syntaxReply', () => {
  it('makes each once', () => {
    expect(syntaxReply('XPING')).toBe(syntaxReply('XPING'));
    expect(syntaxReply('XPING').toString()).toBe('501 5.5.4 Syntax: XPING');
    expect(syntaxReply('XPONG')).not.toBe(syntaxReply('XPING'));
  });
});

describe('unrecognizedReply', () => {
  it.each(['A', 'XPING', 'A1B2', 'A'.repeat(16)])('repeats %s', (verb) => {
    expect(unrecognizedReply(verb).toString()).toBe(`500 5.5.1 Error: command "${verb}" not recognized`);
  });

  it.each(['', 'A'.repeat(17), 'X-PING', 'x', 'A"B', 'A\r\n250 OK', '\x1b[2J', 'A\n', 'MA\xc4L', '<SCRIPT>'])(
    'does not repeat %j',
    (verb) => {
      expect(unrecognizedReply(verb).toString()).toBe('500 5.5.1 Error: command not recognized');
    },
  );
});

describe('incidentReply', () => {
  it('names the incident and nothing else', () => {
    expect(incidentReply('1a2b3c4d').toString()).toBe(
      '451 4.3.0 Error: internal error, incident 1a2b3c4d; try again later',
    );
  });
});

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
