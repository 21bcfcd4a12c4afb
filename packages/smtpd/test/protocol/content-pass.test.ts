import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { ContentPass, type ContentPassOptions } from '../../src/protocol/content-pass.js';
import { octets } from '../../src/protocol/octets.js';
import { cutAt, cuts, show, words } from './specification/words.js';

const FRONT = 'Received: by mx.example; Fri, 1 May 2026 08:00:00 +0000\r\n';
const HEADER_END = 'X-Peer: 192.0.2.1\r\n';

type Mode = ContentPassOptions['lineEndings'];
const MODES: readonly Mode[] = ['reject', 'preserve'];

/** What should come out, said of the whole content at once. */
interface Outcome {
  readonly sent: string;
  readonly fault: 'CR' | 'LF' | undefined;
  readonly receivedCount: number;
}

function specify(content: string, mode: Mode): Outcome {
  // Only octets before the first wrong line end were ever looked at.
  const bare = mode === 'reject' ? /\r(?!\n)|(?<!\r)\n/.exec(content) : null;
  const seen = bare === null ? content : content.slice(0, bare.index);
  const emptyLine = /(?:^|\r\n)(\r\n)/.exec(content);
  const bodyAt = emptyLine === null ? content.length : emptyLine.index + emptyLine[0].length - 2;
  const lines = seen.slice(0, bodyAt).split('\r\n');
  const receivedCount = lines.filter((line) => /^received[ \t]*:/i.test(line)).length;
  if (bare !== null) return { sent: '', fault: bare[0] === '\r' ? 'CR' : 'LF', receivedCount };

  const header = content.slice(0, bodyAt);
  const isLineOpen = emptyLine === null && header !== '' && !header.endsWith('\r\n');
  const sent = `${FRONT}${header}${isLineOpen ? '\r\n' : ''}${HEADER_END}${content.slice(bodyAt)}`;
  return { sent, fault: undefined, receivedCount };
}

/** What does come out of pieces. With a fault, `sent` is what had left before. */
function run(pieces: readonly Uint8Array[], mode: Mode): Outcome {
  const pass = new ContentPass({
    front: octets.encodeLatin1(FRONT),
    headerEnd: octets.encodeLatin1(HEADER_END),
    lineEndings: mode,
  });
  let sent = '';
  for (const passage of [...pieces.map((piece) => () => pass.pass(piece)), () => pass.end()]) {
    const result = passage();
    if (result.kind === 'bareLineEnd') return { sent, fault: result.octet, receivedCount: pass.receivedCount };
    sent += result.pieces.map(latin1).join('');
  }
  return { sent, fault: undefined, receivedCount: pass.receivedCount };
}

/** Why the outcome is wrong; `undefined` when it is right. */
function mismatch(content: string, pieces: readonly Uint8Array[], mode: Mode): string | undefined {
  const expected = specify(content, mode);
  const actual = run(pieces, mode);
  const where = `${mode} ${show(content)} in ${show(pieces.map(latin1).join('|'))}`;
  if (actual.fault !== expected.fault) return `${where}: fault ${String(actual.fault)}`;
  if (actual.receivedCount !== expected.receivedCount) return `${where}: count ${String(actual.receivedCount)}`;
  if (expected.fault === undefined) return actual.sent === expected.sent ? undefined : `${where}: ${show(actual.sent)}`;
  // What left before the fault was found is a beginning of what would have left, had the content ended well.
  const wrongAt = /\r(?!\n)|(?<!\r)\n/.exec(content)?.index ?? 0;
  const wellEnded = [content.slice(0, wrongAt), `${content.slice(0, wrongAt)}\r\n`, `${content.slice(0, wrongAt)}x`];
  const isHarmless = wellEnded.some((good) => specify(good, 'preserve').sent.startsWith(actual.sent));
  return isHarmless ? undefined : `${where}: ${show(actual.sent)} left`;
}

describe('content that passes', () => {
  it('comes out as specified for every string of CR, LF, a and a Received, up to six letters, at every split', () => {
    let found: string | undefined;
    for (const mode of MODES) {
      for (const word of words(['\r', '\n', 'a', 'R'], 6)) {
        const content = word.replaceAll('R', 'Received:');
        for (const pieces of cuts(content)) found ??= mismatch(content, pieces, mode);
      }
    }
    expect(found).toBeUndefined();
  });

  it('comes out as specified for longer content, however it is split', () => {
    const part = fc.constantFrom(
      ...['\r\n', '\r\n', '\r\n\r\n', '\r', '\n', 'Received: a', 'RECEIVED \t:', 'received', 'Receive:', 'Xreceived:'],
      ...[' Received: folded', '\xf2eceived:', '\x12eceived:', 'Subject: x', '.', '\0', 'x'.repeat(60)],
    );
    fc.assert(
      fc.property(
        fc.array(part, { maxLength: 30 }),
        fc.array(fc.nat(500), { maxLength: 6 }),
        fc.constantFrom(...MODES),
        (parts, places, mode) => {
          const content = parts.join('');
          expect(mismatch(content, cutAt(octets.encodeLatin1(content), places), mode)).toBeUndefined();
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('is not copied: pieces are views of what came, and the whole is itself where nothing is put in', () => {
    const pass = newPass({ front: '' });
    const first = octets.encodeLatin1(`Subject: x\r\n\r\n${'y'.repeat(100)}`);
    const pieces = piecesOf(pass, first);
    expect(pieces.map(latin1)).toEqual(['Subject: x\r\n', HEADER_END, `\r\n${'y'.repeat(100)}`]);
    expect(pieces[0]?.buffer).toBe(first.buffer);
    expect(pieces[2]?.buffer).toBe(first.buffer);

    const body = octets.encodeLatin1('more\r\nand more');
    const [whole, ...others] = piecesOf(pass, body);
    expect(whole).toBe(body);
    expect(others).toEqual([]);
  });

  it('keeps a CR at the end of a piece back, and lets it go with what follows', () => {
    const pass = newPass({ front: '', headerEnd: '' });
    expect(piecesOf(pass, octets.encodeLatin1('a\r')).map(latin1)).toEqual(['a']);
    expect(piecesOf(pass, octets.encodeLatin1('\nb\r\n')).map(latin1)).toEqual(['\r', '\nb\r\n']);
  });

  it('keeps no CR of binary content back, except where the header may end', () => {
    const pass = newPass({ front: '', lineEndings: 'preserve' });
    expect(piecesOf(pass, octets.encodeLatin1('a\r')).map(latin1)).toEqual(['a\r']);
    expect(piecesOf(pass, octets.encodeLatin1('\n\r')).map(latin1)).toEqual(['\n']);
    expect(piecesOf(pass, octets.encodeLatin1('\nb\r')).map(latin1)).toEqual([HEADER_END, '\r', '\nb\r']);
  });
});

describe('a wrong line end', () => {
  it.each([
    ['CR', 'good\r\n', 'bad\rbad'],
    ['LF', 'good\r\n', 'bad\nbad'],
    ['CR', 'good\r', 'bad'],
    ['LF', '', '\n'],
  ])('bare %s: of the octets that hold it none leaves, and nothing after them', (octet, good, bad) => {
    const pass = newPass({ front: '' });
    pass.pass(octets.encodeLatin1(good));
    const fault = { kind: 'bareLineEnd', octet };
    expect(pass.pass(octets.encodeLatin1(bad))).toEqual(fault);
    expect(pass.pass(octets.encodeLatin1('fine\r\n'))).toEqual(fault);
    expect(pass.pass(new Uint8Array())).toEqual(fault);
    expect(pass.end()).toEqual(fault);
  });

  it('is the CR that ends the content, too', () => {
    const pass = newPass({ front: '' });
    expect(piecesOf(pass, octets.encodeLatin1('a\r')).map(latin1)).toEqual(['a']);
    expect(pass.end()).toEqual({ kind: 'bareLineEnd', octet: 'CR' });
  });

  it('does not exist in binary content', () => {
    expect(run([octets.encodeLatin1('S: x\r\n\r\na\nb\rc\r')], 'preserve')).toEqual({
      sent: `${FRONT}S: x\r\n${HEADER_END}\r\na\nb\rc\r`,
      fault: undefined,
      receivedCount: 0,
    });
  });
});

describe('what is put in', () => {
  it.each([
    ['a header and a body', 'A: b\r\n\r\nhello\r\n', `${FRONT}A: b\r\n${HEADER_END}\r\nhello\r\n`],
    ['no header', '\r\nhello\r\n', `${FRONT}${HEADER_END}\r\nhello\r\n`],
    ['a header alone', 'A: b\r\n', `${FRONT}A: b\r\n${HEADER_END}`],
    ['a header and an empty line', 'A: b\r\n\r\n', `${FRONT}A: b\r\n${HEADER_END}\r\n`],
    ['a line that does not end', 'A: b', `${FRONT}A: b\r\n${HEADER_END}`],
    ['nothing', '', `${FRONT}${HEADER_END}`],
  ])('goes into content with %s', (_, content, sent) => {
    expect(run([octets.encodeLatin1(content)], 'reject').sent).toBe(sent);
  });

  it('is nothing where both are empty: content passes as it is, also without CRLF at its end', () => {
    const pass = newPass({ front: '', headerEnd: '' });
    const content = octets.encodeLatin1('A: b\r\n\r\nhello');
    expect(piecesOf(pass, content)).toEqual([content]);
    expect(pass.end()).toEqual({ kind: 'pieces', pieces: [] });
  });
});

describe('the Received fields', () => {
  it('are counted in the header alone, in any case, each once, and not in folded lines', () => {
    const header =
      'Received: a\r\n received: folded\r\nRECEIVED: b\r\nrEcEiVeD\t: c\r\nReceived-SPF: d\r\nReceived\r\n';
    const { receivedCount } = run([octets.encodeLatin1(`${header}\r\nReceived: in the body\r\n`)], 'reject');
    expect(receivedCount).toBe(3);
  });

  it('are known before the end, and final when the header has passed', () => {
    const pass = newPass({});
    pass.pass(octets.encodeLatin1('Received: a\r\nReceived:'));
    expect(pass.receivedCount).toBe(2);
    expect(pass.isHeaderPassed).toBe(false);
    pass.pass(octets.encodeLatin1(' b\r\n\r\n'));
    expect(pass.isHeaderPassed).toBe(true);
    expect(pass.receivedCount).toBe(2);
  });
});

function newPass({ front = FRONT, headerEnd = HEADER_END, lineEndings = 'reject' as Mode }): ContentPass {
  return new ContentPass({
    front: octets.encodeLatin1(front),
    headerEnd: octets.encodeLatin1(headerEnd),
    lineEndings,
  });
}

function piecesOf(pass: ContentPass, bytes: Uint8Array): readonly Uint8Array[] {
  const passage = pass.pass(bytes);
  return passage.kind === 'pieces' ? passage.pieces : [];
}

function latin1(bytes: Uint8Array): string {
  return octets.decodeLatin1(bytes, 0, bytes.length);
}
