import { createReadStream } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { runWell } from '../../../smtpd/test/support/run-program.js';
import { requirePythonModule } from '../../../smtpd/test/support/component.js';
import { TemporaryFolder } from '../../../smtpd/test/support/temporary-folder.js';
import { withWireLineEnds } from '../../src/exchange/import-item.js';
import { readMbox, writeMbox, type MboxMessage, type MboxOptions } from '../../src/exchange/mbox.js';
import { collect, inPieces, itemsOf, messagesOf, rawArbitrary, sizesArbitrary } from './support.js';

const AT = new Date('2026-11-05T20:01:09Z');

describe('an mbox that is written', () => {
  it.each([
    ['a\r\n', 'From x@a.example Thu Nov  5 20:01:09 2026\na\r\n\n'],
    ['a', 'From x@a.example Thu Nov  5 20:01:09 2026\na\n'],
    ['', 'From x@a.example Thu Nov  5 20:01:09 2026\n\n'],
    [
      'From a\n>From b\n>>From c\n> From d\nxFrom e\n\rFrom f\nFROM g\nFrom',
      'HEAD>From a\n>>From b\n>>>From c\n> From d\nxFrom e\n\rFrom f\nFROM g\nFrom\n',
    ],
  ])('of %j is %j', async (raw, file) => {
    const written = await collect(writeMbox([{ raw: Buffer.from(raw), mailFrom: 'x@a.example', receivedAt: AT }]));
    expect(written.toString()).toBe(file.replace('HEAD', 'From x@a.example Thu Nov  5 20:01:09 2026\n'));
  });

  it.each([
    ['', 'MAILER-DAEMON'],
    ['"a b"@a.example', '"a b"@a.example'],
    ['a\nFrom b@a.example', 'a_From b@a.example'],
  ])('names the sender %j as %j', async (mailFrom, word) => {
    const written = await collect(writeMbox([{ raw: Buffer.from('a\n'), mailFrom, receivedAt: AT }]));
    expect(written.toString()).toBe(`From ${word} Thu Nov  5 20:01:09 2026\na\n\n`);
    const [message] = await messagesOf(readMbox([written]));
    expect(message).toMatchObject({ receivedAt: AT, mailFrom: word === 'MAILER-DAEMON' ? '' : word });
  });

  it('is read back octet for octet, however both were cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rawArbitrary, { maxLength: 5 }),
        sizesArbitrary,
        sizesArbitrary,
        async (raws, cuts, reads) => {
          const messages: MboxMessage[] = raws.map((raw, index) => ({
            raw: asStream(inPieces(raw, cuts)),
            mailFrom: index % 2 === 0 ? '' : `ann+${String(index)}@a.example`,
            receivedAt: new Date(AT.getTime() + index * 1_000),
          }));
          const written = await collect(writeMbox(messages));
          const read = await messagesOf(readMbox(inPieces(written, reads)));
          expect(read.map(({ raw }) => Buffer.from(raw).toString('latin1'))).toEqual(
            raws.map((raw) => Buffer.from(raw).toString('latin1')),
          );
          expect(read.map(({ mailFrom, receivedAt }) => ({ mailFrom, receivedAt }))).toEqual(
            messages.map(({ mailFrom, receivedAt }) => ({ mailFrom, receivedAt })),
          );
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each([999, 1_000, 1_001, 3_000])('also behind %i quotes', async (count) => {
    const raw = Buffer.from(`${'>'.repeat(count)}From a\n${'>'.repeat(count)}Fr\n${'>'.repeat(count)}`);
    const written = await collect(writeMbox([{ raw: asStream(inPieces(raw, [7])), mailFrom: '', receivedAt: AT }]));
    expect(written.length).toBe(Buffer.byteLength(`From MAILER-DAEMON Thu Nov  5 20:01:09 2026\n>\n`) + raw.length);
    for (const sizes of [[1], [100], [10_000]]) {
      expect(await messagesOf(readMbox(inPieces(written, sizes)))).toMatchObject([{ raw }]);
    }
  });

  it('every message of a few letters, whole and in single octets', async () => {
    const alphabet = ['\n', '>', 'From ', '\r', 'F'];
    const all = [''];
    for (let from = 0, length = 0; length < 4; length += 1) {
      const to = all.length;
      for (; from < to; from += 1) all.push(...alphabet.map((letter) => `${all[from]!}${letter}`));
    }
    const messages = (cut: boolean): MboxMessage[] =>
      all.map((text) => ({
        raw: cut ? asStream(inPieces(Buffer.from(text), [1])) : Buffer.from(text),
        mailFrom: '',
        receivedAt: AT,
      }));
    const written = await collect(writeMbox(messages(false)));
    expect(await collect(writeMbox(messages(true)))).toEqual(written);
    for (const read of [await messagesOf(readMbox([written])), await messagesOf(readMbox(inPieces(written, [1])))]) {
      expect(read.map(({ raw }) => Buffer.from(raw).toString())).toEqual(all);
    }
  });
});

describe('an mbox of somebody else', () => {
  const HEAD = 'From ann@a.example Wed Nov 25 20:01:00 2026';

  it.each<[name: string, file: string, options: MboxOptions, raws: readonly string[]]>([
    ['nothing', '', {}, []],
    ['empty lines', '\n\r\n\n', {}, []],
    ['empty lines at the beginning', `\n\n${HEAD}\na\n\n`, {}, ['a\n']],
    ['no line end at its end', `${HEAD}\na\n>From b`, {}, ['a\nFrom b']],
    ['a head alone', HEAD, {}, ['']],
    ['lines that end in CRLF', `${HEAD}\r\na\r\n\r\n${HEAD}\r\nb\r\n\r\n`, {}, ['a\r\n', 'b\r\n']],
    ['a sentence that begins with From', `${HEAD}\na\n\nFrom here on\n\n`, {}, ['a\n\nFrom here on\n']],
    ['a first line without a date', `From ann\na\n\n${HEAD}\nb\n\n`, {}, ['a\n', 'b\n']],
    ['quoting of mboxrd', `${HEAD}\n>From a\n>>From b\n\n`, {}, ['From a\n>From b\n']],
    ['quoting of mboxo', `${HEAD}\n>From a\n>>From b\n\n`, { variant: 'mboxo' }, ['From a\n>>From b\n']],
    [
      'lengths, which are not believed',
      `${HEAD}\nContent-Length: 60\n\na\n\n${HEAD}\nb\n\n`,
      {},
      ['Content-Length: 60\n\na\n', 'b\n'],
    ],
    [
      'lengths, which are believed',
      `${HEAD}\nContent-Length: ${String(2 + HEAD.length + 9)}\n\na\n${HEAD}\n>From b\n\n${HEAD}\nc\n\n`,
      { variant: 'mboxcl2' },
      [`Content-Length: ${String(2 + HEAD.length + 9)}\n\na\n${HEAD}\n>From b\n`, 'c\n'],
    ],
    [
      'a length that is more than may be',
      `${HEAD}\nContent-Length: 4000000000\n\na\n\n${HEAD}\nb\n\n`,
      { variant: 'mboxcl2' },
      ['Content-Length: 4000000000\n\na\n', 'b\n'],
    ],
  ])('with %s', async (_name, file, options, raws) => {
    for (const sizes of [[file.length + 1], [1], [7, 2]]) {
      const read = await messagesOf(readMbox(inPieces(Buffer.from(file), sizes), options));
      expect(read.map(({ raw }) => Buffer.from(raw).toString())).toEqual(raws);
    }
  });

  it.each<[head: string, facts: object]>([
    ['From a@b Fri Jul  8 12:08:34 2011', { mailFrom: 'a@b', receivedAt: new Date('2011-07-08T12:08:34Z') }],
    ['From - Fri Jul 08 12:08:34 2011', { mailFrom: '-', receivedAt: new Date('2011-07-08T12:08:34Z') }],
    ['From a@b  Fri Jul  8 12:08 2011', { mailFrom: 'a@b', receivedAt: new Date('2011-07-08T12:08:00Z') }],
    ['From a@b Fri Jul  8 12:08:34 CEST 2011', { mailFrom: 'a@b' }],
    ['From a@b Fri Jul  8 12:08:34 2011 +0000', { mailFrom: 'a@b' }],
    ['From a@b Fri Jul  8 12:08:34 2011 remote from c', { mailFrom: 'a@b' }],
  ])('begins its messages with %j', async (head, facts) => {
    const [, message] = await messagesOf(readMbox([Buffer.from(`${HEAD}\na\n\n${head}\nb\n\n`)]));
    expect(message).toMatchObject(facts);
  });

  it('may be something else: that is said', async () => {
    for (const file of ['Subject: Hi\n\n', 'x', ' From a', '\n\nFro', '\0']) {
      await expect(itemsOf(readMbox([Buffer.from(file)]))).rejects.toMatchObject({ code: 'EXCHANGE_BAD_ARCHIVE' });
    }
  });

  it('has a message that is too large: it is passed over, and not kept while it is read', async () => {
    const line = Buffer.from(`${'x'.repeat(78)}\n`);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const bytesInUse = async (): Promise<number> => {
      // What is found to be of no use is given back in a turn of its own.
      collectGarbage();
      await setImmediate();
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    let usedBytes = 0;
    async function* file(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(`${HEAD}\n`);
      const before = await bytesInUse();
      for (let count = 0; count < 200; count += 1) yield Buffer.alloc(line.length * 1_000, line);
      usedBytes = (await bytesInUse()) - before;
      yield Buffer.from(`\n${HEAD}\nb\n\n`);
    }
    const items = await itemsOf(readMbox(file(), { messageBytesMax: 1_000_000 }));
    expect(items).toEqual([
      { kind: 'skipped', name: 'message 1', reason: 'It has more than 1,000,000 octets' },
      expect.objectContaining({ name: 'message 2', raw: Buffer.from('b\n') }),
    ]);
    // 16 MB went by.
    expect(usedBytes).toBeLessThan(3_000_000);
  });

  it('a message of exactly as much as may be is read', async () => {
    const written = await collect(writeMbox([{ raw: Buffer.from('12345\n'), mailFrom: '', receivedAt: AT }]));
    expect(await itemsOf(readMbox([written], { messageBytesMax: 6 }))).toMatchObject([{ kind: 'message' }]);
    expect(await itemsOf(readMbox([written], { messageBytesMax: 5 }))).toMatchObject([{ kind: 'skipped' }]);
  });
});

it.each([
  ['a\nb\n', 'a\r\nb\r\n'],
  ['a\r\nb\n', 'a\r\nb\n'],
  ['a\rb', 'a\rb'],
  ['\xff\n', '\xff\r\n'],
])('%j is %j over the wire', (raw, wire) => {
  expect(Buffer.from(withWireLineEnds(Buffer.from(raw, 'latin1'))).toString('latin1')).toBe(wire);
});

describe('Python’s mailbox', () => {
  const python = requirePythonModule('mailbox');

  it('reads what is written', async () => {
    using folder = new TemporaryFolder();
    const raws = [
      'Subject: a\n\nFrom me\n>From you\n',
      'Subject: b\n\nno end',
      'Subject: ü\n\n\n\n',
      'Subject: d\n\nd\n',
    ];
    const written = await collect(
      writeMbox(raws.map((raw) => ({ raw: Buffer.from(raw), mailFrom: 'ann@a.example', receivedAt: AT }))),
    );
    const script = `
import json, mailbox, sys
print(json.dumps([[m.get_from(), m.get_payload()] for m in mailbox.mbox(sys.argv[1], create=False)]))`;
    const read = JSON.parse(await runWell(python, ['-c', script, folder.write('mail.mbox', written)])) as unknown;
    // It leaves the quotes where they are.
    const from = 'ann@a.example Thu Nov  5 20:01:09 2026';
    expect(read).toEqual([
      [from, '>From me\n>>From you\n'],
      [from, 'no end\n'],
      [from, '\n\n'],
      [from, 'd\n'],
    ]);
  });

  it('writes what is read', async () => {
    using folder = new TemporaryFolder();
    const path = `${folder.path}/mail.mbox`;
    const script = `
import mailbox, sys
box = mailbox.mbox(sys.argv[1])
for text in ('Subject: a\\n\\nFrom me\\n', 'Subject: b\\n\\nlast\\n'):
    box.add(text)
box.close()`;
    await runWell(python, ['-c', script, path]);
    const read = await messagesOf(readMbox(createReadStream(path)));
    expect(read.map(({ raw }) => Buffer.from(raw).toString())).toEqual([
      'Subject: a\n\nFrom me\n',
      'Subject: b\n\nlast\n',
    ]);
    expect(read[0]).toMatchObject({ mailFrom: '' });
  });
});

async function* asStream(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
