import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { strToU8, zipSync, type Zippable } from 'fflate';
import { describe, expect, it } from 'vitest';

import { runWell } from '../../../smtpd/test/support/run-program.js';
import { requireCommand, requirePythonModule } from '../../../smtpd/test/support/component.js';
import { TemporaryFolder } from '../../../smtpd/test/support/temporary-folder.js';
import { emlName, readZip, writeZip, type ZippedMessage } from '../../src/exchange/zip.js';
import { collect, inPieces, itemsOf, messagesOf, rawArbitrary, sizesArbitrary } from './support.js';

const AT = new Date(2026, 10, 25, 20, 1, 10);

describe('a zip that is written', () => {
  it('is read back octet for octet', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rawArbitrary, { maxLength: 4 }), sizesArbitrary, async (raws, sizes) => {
        const messages = raws.map((raw, index) => ({
          id: String(index),
          raw: index % 2 === 0 ? raw : asStream(inPieces(raw, sizes)),
          receivedAt: new Date(AT.getTime() + index * 2_000),
        }));
        const read = await messagesOf(readZip(await collect(writeZip(messages))));
        expect(read.map(({ raw }) => Buffer.from(raw))).toEqual(raws.map((raw) => Buffer.from(raw)));
        expect(read.map(({ receivedAt }) => receivedAt)).toEqual(messages.map(({ receivedAt }) => receivedAt));
      }),
      { numRuns: 100 },
    );
  });

  it('has a piece of one message in memory, not the message', async () => {
    let given = 0;
    async function* raw(): AsyncGenerator<Uint8Array> {
      for (; given < 100; given += 1) yield Buffer.alloc(65_536, 'abc');
    }
    const zip = writeZip([{ id: '1', raw: raw(), receivedAt: AT }]);
    await zip.next();
    expect(given).toBeLessThan(3);
    await zip.return(undefined);
  });

  it('is what unzip and Python take for one', async () => {
    using folder = new TemporaryFolder();
    const messages: ZippedMessage[] = [
      { id: '1', raw: Buffer.from('Subject: a\r\n\r\na\r\n'), receivedAt: AT, subject: 'Grüße: ../../etc/passwd' },
      { id: '2', raw: Buffer.alloc(300_000, 'xyz'), receivedAt: AT, subject: '日本語' },
      { id: '3', raw: Buffer.alloc(0), receivedAt: new Date(0) },
    ];
    const path = folder.write('mail.zip', await collect(writeZip(messages)));
    expect(await runWell(UNZIP, ['-t', path])).toContain('No errors detected');
    mkdirSync(`${folder.path}/out`);
    await runWell(UNZIP, ['-q', path, '-d', `${folder.path}/out`]);
    expect(readdirSync(`${folder.path}/out`).sort()).toEqual(messages.map(emlName).sort());
    expect(readFileSync(join(folder.path, 'out', emlName(messages[1]!)))).toEqual(messages[1]!.raw);
    const script = `
import json, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
print(json.dumps([z.testzip(), [[i.filename, i.file_size, list(i.date_time)[:1]] for i in z.infolist()]]))`;
    expect(JSON.parse(await runWell(PYTHON, ['-c', script, path]))).toEqual([
      null,
      [
        [emlName(messages[0]!), 17, [2026]],
        [emlName(messages[1]!), 300_000, [2026]],
        [emlName(messages[2]!), 0, [1980]],
      ],
    ]);
  });

  const UNZIP = requireCommand('unzip');
  const PYTHON = requirePythonModule('zipfile');
});

describe('the name of a message', () => {
  const receivedAt = new Date('2026-11-25T20:01:10.500Z');

  it.each<[subject: string | undefined, id: string, name: string]>([
    ['Your order', '17', '2026-11-25T20-01-10Z-Your-order-17.eml'],
    [undefined, '17', '2026-11-25T20-01-10Z-17.eml'],
    ['../../etc/passwd', '17', '2026-11-25T20-01-10Z-etc-passwd-17.eml'],
    ['a\0b\r\nc:d\\e\u202ef', '../1', '2026-11-25T20-01-10Z-a-b-c-d-e-f-1.eml'],
    ['Grüße aus 東京', 'x', '2026-11-25T20-01-10Z-Grüße-aus-東京-x.eml'],
    ['!!!', '17', '2026-11-25T20-01-10Z-17.eml'],
  ])('of %j and %j is %j', (subject, id, name) => {
    expect(emlName({ id, receivedAt, ...(subject === undefined ? {} : { subject }) })).toBe(name);
  });

  it('is short and harmless, whatever is in it', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300, size: 'max' }),
        fc.string({ unit: 'binary' }),
        (subject, id) => {
          const name = emlName({ id, receivedAt, subject });
          expect(name).toMatch(/^2026-11-25T20-01-10Z(?:-[\p{L}\p{N}_-]*)?\.eml$/u);
          expect(name.length).toBeLessThanOrEqual(94);
        },
      ),
    );
  });

  it('is another for each message, also where upper and lower case are the same', async () => {
    const messages = ['a', 'A', 'a'].map((id) => ({ id, receivedAt, raw: Buffer.from(id) }));
    expect((await itemsOf(readZip(await collect(writeZip(messages))))).map(({ name }) => name)).toEqual([
      '2026-11-25T20-01-10Z-a.eml',
      '2026-11-25T20-01-10Z-A-2.eml',
      '2026-11-25T20-01-10Z-a-3.eml',
    ]);
  });
});

describe('a zip of somebody else', () => {
  const MAIL = strToU8('Subject: a\n\na\n');

  it('has messages, what was read, and other things', async () => {
    const archive = zipped({
      'a.eml': MAIL,
      'sub/B.EML': [MAIL, { level: 0 }],
      'mail/cur/1.M2P3.host:2,FS': MAIL,
      'mail/cur/2.M2P3.host;2,F': MAIL,
      'new/3': MAIL,
      'cur/.hidden': MAIL,
      'folder/': new Uint8Array(0),
      'readme.txt': MAIL,
    });
    expect(await itemsOf(readZip(archive))).toMatchObject([
      { kind: 'message', name: 'a.eml', raw: Buffer.from(MAIL) },
      { kind: 'message', name: 'sub/B.EML', raw: Buffer.from(MAIL) },
      { kind: 'message', name: 'mail/cur/1.M2P3.host:2,FS', isRead: true },
      { kind: 'message', name: 'mail/cur/2.M2P3.host;2,F', isRead: false },
      { kind: 'message', name: 'new/3', isRead: false },
      { kind: 'skipped', name: 'cur/.hidden' },
      { kind: 'skipped', name: 'readme.txt', reason: 'It is neither an .eml file nor in cur/ or new/ of a Maildir' },
    ]);
  });

  it('has names that would lead out of a folder: they are only names', async () => {
    const names = ['../../etc/a.eml', '/etc/b.eml', 'C:\\c.eml', 'd\u001b[2J\n.eml'];
    const items = await itemsOf(readZip(zipped(Object.fromEntries(names.map((name) => [name, MAIL])))));
    expect(items.map(({ name }) => name)).toEqual([
      '../../etc/a.eml',
      '/etc/b.eml',
      'C:\\c.eml',
      'd\ufffd[2J\ufffd.eml',
    ]);
    expect(items.every(({ kind }) => kind === 'message')).toBe(true);
  });

  it('grows: a message to more than it may, all together to more than they may', async () => {
    const archive = zipped({ 'a.eml': new Uint8Array(1_100_000), 'b.eml': new Uint8Array(3_000_000), 'c.eml': MAIL });
    expect(await itemsOf(readZip(archive, { messageBytesMax: 1_000_000 }))).toMatchObject([
      { kind: 'skipped', reason: 'It has more than 1,000,000 octets' },
      { kind: 'skipped', reason: 'It has more than 1,000,000 octets' },
      { kind: 'message' },
    ]);
    // What is small may grow as it likes; b.eml is some 3,000 octets in the archive.
    expect(await itemsOf(readZip(archive, { ratioMax: 900 }))).toMatchObject([
      { kind: 'skipped', reason: 'It grows to more than 900 times its size in the archive' },
      { kind: 'skipped', reason: 'It grows to more than 900 times its size in the archive' },
      { kind: 'message' },
    ]);
    expect(await itemsOf(readZip(archive, { ratioMax: 2_000 }))).toMatchObject(Array(3).fill({ kind: 'message' }));
    for (const totalBytesMax of [1_100_000, 4_099_999]) {
      const read = itemsOf(readZip(archive, { ratioMax: 2_000, totalBytesMax }));
      await expect(read).rejects.toMatchObject({
        code: 'EXCHANGE_TOO_LARGE',
        message: expect.stringContaining('together') as string,
      });
    }
  });

  it('says that it is small and is not: what counts is what comes out', async () => {
    const archive = zipped({ 'a.eml': new Uint8Array(2_000_000) });
    for (const signature of ['PK\x01\x02', 'PK\x03\x04']) {
      const at = archive.lastIndexOf(Buffer.from(signature, 'latin1'));
      archive.writeUInt32LE(10, at + (signature.endsWith('\x02') ? 24 : 22));
    }
    expect(await itemsOf(readZip(archive, { messageBytesMax: 1_000 }))).toMatchObject([{ kind: 'skipped' }]);
  });

  it('gives up messages that grow before their time: what was looked at counts', async () => {
    const files = Object.fromEntries(
      Array.from({ length: 20 }, (_, index) => [`${String(index)}.eml`, new Uint8Array(200_000)]),
    );
    const read = itemsOf(readZip(zipped(files), { messageBytesMax: 100_000, totalBytesMax: 1_000_000 }));
    await expect(read).rejects.toMatchObject({ code: 'EXCHANGE_TOO_LARGE' });
  });

  it('has more entries than it may', async () => {
    const files = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`${String(index)}.eml`, MAIL]));
    await expect(itemsOf(readZip(zipped(files), { entriesMax: 10 }))).rejects.toMatchObject({
      code: 'EXCHANGE_TOO_LARGE',
    });
    expect(await itemsOf(readZip(zipped(files), { entriesMax: 11 }))).toHaveLength(11);
  });

  it('is damaged at any octet, or cut off anywhere: that is a fault, never another message', async () => {
    const archive = zipped({ 'a.eml': [MAIL, { mtime: AT }], 'b.eml': [MAIL, { level: 0, mtime: AT }] });
    const isHarmless = async (octets: Buffer): Promise<void> => {
      try {
        for (const item of await itemsOf(readZip(octets, { totalBytesMax: 1_000 }))) {
          if (item.kind === 'message') expect(Buffer.from(item.raw)).toEqual(Buffer.from(MAIL));
        }
      } catch (error) {
        expect(error).toHaveProperty('code', expect.stringMatching(/^EXCHANGE_(?:BAD_ARCHIVE|TOO_LARGE)$/));
      }
    };
    for (let at = 0; at < archive.length; at += 1) {
      await isHarmless(archive.subarray(0, at));
      for (const octet of [0, 0xff, archive[at]! ^ 1]) {
        const changed = Buffer.from(archive);
        changed[at] = octet;
        await isHarmless(changed);
      }
    }
  });

  it.each(['', 'x', 'PK\x05\x06', 'PK\x03\x04'])('is none: %j', async (text) => {
    await expect(itemsOf(readZip(Buffer.from(text, 'latin1')))).rejects.toMatchObject({ code: 'EXCHANGE_BAD_ARCHIVE' });
  });

  it('is made by Python, streamed, and by the command zip', async () => {
    using folder = new TemporaryFolder();
    const path = `${folder.path}/python.zip`;
    // To a pipe sizes stand behind the content.
    const script = `
import sys, zipfile
with zipfile.ZipFile(sys.stdout.buffer, 'w', zipfile.ZIP_DEFLATED) as z:
    z.writestr('ä/a.eml', 'Subject: a\\n\\n' + 'a' * 1000)
    z.comment = b'PK not a directory'`;
    await runWell('/bin/sh', ['-c', `"$0" -c "$1" | cat > "$2"`, PYTHON, script, path]);
    const [item] = await messagesOf(readZip(readFileSync(path)));
    expect(item).toMatchObject({ name: 'ä/a.eml', raw: Buffer.from(`Subject: a\n\n${'a'.repeat(1_000)}`) });
  });

  const PYTHON = requirePythonModule('zipfile');
});

function zipped(files: Zippable): Buffer {
  return Buffer.from(zipSync(files));
}

async function* asStream(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* pieces;
}
