/**
 * Mail that is made to be hard to read: 10,000 parts, 1,000 levels, headers without end, archives that grow. Each is answered and shown,
 * and meanwhile others are served. That is told by the order of answers, not by the time they take.
 */

import { startInbox, type InboxServer } from 'smtpd-inbox';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { ask } from '../support/http.js';
import { sendMail } from '../support/mails.js';
import { putMail } from './support.js';

let inbox: InboxServer;
beforeAll(async () => {
  inbox = await startInbox({ smtp: '127.0.0.1:0', http: '127.0.0.1:0', mailpit: '127.0.0.1:0', readTimeoutMs: 30_000 });
});
afterAll(() => inbox.close());

const head = 'From: eve@evil.example\r\nSubject: a burden\r\nMIME-Version: 1.0\r\n';

/** Each within what is read, or beyond it. */
const BURDENS: Readonly<Record<string, () => string>> = {
  '10,000 parts': () => parts(10_000),
  '60,000 parts': () => parts(60_000),
  '1,000 levels': () => levels(1_000),
  '5,000 levels': () => levels(5_000),
  '1,000 messages within one another': () => `${head}${'Content-Type: message/rfc822\r\n\r\n'.repeat(1_000)}\r\nx\r\n`,
  '20,000 fields': () => `${head}${'X-A: b\r\n'.repeat(20_000)}\r\nx\r\n`,
  'a field of 8 MB': () => `${head}X-A: ${'b'.repeat(8_000_000)}\r\n\r\nx\r\n`,
  'a field of 100,000 lines': () => `${head}X-A:${' b\r\n'.repeat(100_000)}\r\nx\r\n`,
  '50,000 addresses': () => `${head}To: ${'"a, b" <c@d.example>, '.repeat(50_000)}e@f.example\r\n\r\nx\r\n`,
  '100,000 encoded words': () => `${head}X-A: ${'=?utf-8?Q?=41?= '.repeat(100_000)}\r\n\r\nx\r\n`,
  '100,000 parameters': () => `${head}Content-Type: text/plain${'; a*0="b"'.repeat(100_000)}\r\n\r\nx\r\n`,
  'comments within one another': () => `${head}To: ${'('.repeat(100_000)}\r\nDate: ${'('.repeat(100_000)}\r\n\r\nx\r\n`,
  '100,000 boundaries that are none': () =>
    `${head}Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--aa\r\n'.repeat(100_000)}`,
  '100,000 elements within one another': () => html('<div>'.repeat(100_000)),
  '20,000 attributes': () =>
    html(`<p ${Array.from({ length: 20_000 }, (_, index) => `a${String(index)}=b`).join(' ')}>x`),
  'tags that never close': () => html('<a '.repeat(300_000)),
  'a style of a million blanks': () => html(`<p style="background:url(${' '.repeat(1_000_000)}">x`),
  'a reference of a million blanks': () =>
    html(
      `<img src="a${' '.repeat(1_000_000)}b"><img srcset="a${' '.repeat(1_000_000)}b"><a href="${'\t '.repeat(500_000)}x">y</a>`,
    ),
  '20,000 links': () => html('<a href="http://a.example/">b</a>'.repeat(20_000)),
  'a text of one long word': () => `${head}\r\n${'http://a.example/'.repeat(1)}${'a'.repeat(2_000_000)}\r\n`,
  'a text of digits': () => `${head}\r\n${'code 123456 '.repeat(200_000)}\r\n`,
};

function parts(count: number): string {
  return `${head}Content-Type: multipart/mixed; boundary=m\r\n\r\n${'--m\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n'.repeat(count)}--m--\r\n`;
}

function levels(count: number): string {
  const lines = [head.trimEnd()];
  for (let level = 0; level < count; level += 1)
    lines.push(`Content-Type: multipart/mixed; boundary=b${String(level)}`, '', `--b${String(level)}`);
  return `${lines.join('\r\n')}\r\n\r\nx\r\n`;
}

function html(content: string): string {
  return `${head}Content-Type: text/html\r\n\r\n${content}\r\n`;
}

describe('a mail that is hard to read', () => {
  it.each(Object.keys(BURDENS))(
    '%s: is taken, shown in every way, and its octets are as they were',
    { timeout: 60_000 },
    async (name) => {
      const content = BURDENS[name]?.() ?? '';
      await inbox.store.clear();
      // No SMTP server takes a line of a million octets; a file may have one.
      const hasLongLine = content.split('\r\n').some(({ length }) => length > 60_000);
      const sending = hasLongLine ? putMail(inbox, content) : sendMail(inbox.smtpPort, { content });
      // Somebody else meanwhile.
      expect((await ask(inbox.url ?? '', { path: '/api/v1/info' })).status).toBe(200);
      await sending;
      const { messages } = await inbox.store.list({});
      const id = messages[0]?.id ?? '';
      const path = `/api/v1/messages/${id}`;
      expect((await ask(inbox.url ?? '', { path: `${path}/raw` })).text.length).toBe(content.length);
      const { status, json } = await ask(inbox.url ?? '', { path });
      const { parts, headers, faults } = json as {
        parts: unknown[];
        headers: unknown[];
        faults: { message: string }[];
      };
      expect(status).toBe(200);
      expect(parts.length).toBeGreaterThan(0);
      expect(parts.length).toBeLessThanOrEqual(10_001);
      expect(headers.length).toBeLessThanOrEqual(10_000);
      // All of it was read within its time.
      expect(faults.filter(({ message }) => /took|could not be read/.test(message))).toEqual([]);
      for (const each of ['parts', 'headers', 'text', 'lint', 'compatibility', 'accessibility'])
        expect([each, (await ask(inbox.url ?? '', { path: `${path}/${each}` })).status]).toEqual([each, 200]);
      if (content.includes('text/html'))
        expect((await ask(inbox.url ?? '', { path: `${path}/html` })).status).toBe(200);
    },
  );

  it('is read beside everything else: whoever asks for less is answered first', async () => {
    await inbox.store.clear();
    const id = await putMail(inbox, parts(10_000));
    const answered: string[] = [];
    const note = async (name: string, asking: Promise<unknown>): Promise<void> => {
      await asking;
      answered.push(name);
    };
    const url = inbox.url ?? '';
    await Promise.all([
      note('hard', ask(url, { path: `/api/v1/messages/${id}/lint` })),
      note('hard', ask(url, { path: `/api/v1/messages/${id}` })),
      note('info', ask(url, { path: '/api/v1/info' })),
      note('list', ask(url, { path: '/api/v1/messages' })),
      note('page', ask(url, { path: '/' })),
    ]);
    expect(answered.slice(-2)).toEqual(['hard', 'hard']);
  });
});

describe('an archive that grows', () => {
  const importZip = (body: Uint8Array) =>
    ask(inbox.url ?? '', {
      method: 'POST',
      path: '/api/v1/import',
      headers: { 'content-type': 'application/zip' },
      body,
    });

  it('is given up where it grows too much, the rest is kept, and meanwhile others are served', async () => {
    await inbox.store.clear();
    const archive = zipSync({
      'good.eml': Buffer.from('Subject: good\r\n\r\nx\r\n'),
      'bomb.eml': new Uint8Array(64 * 1_048_576),
      '../../escape.eml': Buffer.from('Subject: escape\r\n\r\nx\r\n'),
    });
    const answered: string[] = [];
    const [imported] = await Promise.all([
      importZip(archive).then((answer) => {
        answered.push('import');
        return answer;
      }),
      ask(inbox.url ?? '', { path: '/api/v1/info' }).then(() => answered.push('info')),
    ]);
    expect(answered).toEqual(['info', 'import']);
    expect(imported.status).toBe(200);
    const { ids, skipped } = imported.json as { ids: string[]; skipped: { name: string; reason: string }[] };
    expect([ids.length, skipped.map(({ name }) => name)]).toEqual([2, ['bomb.eml']]);
  });

  it('whose entries all lead to the same octets has its octets counted each time', async () => {
    const one = Buffer.from(zipSync({ 'a.eml': new Uint8Array(200_000) }));
    // The directory names the one entry 60,000 times.
    const directoryAt = one.indexOf(Buffer.from('PK\x01\x02', 'latin1'));
    const endAt = one.indexOf(Buffer.from('PK\x05\x06', 'latin1'));
    const entry = one.subarray(directoryAt, endAt);
    const end = Buffer.from(one.subarray(endAt));
    const count = 60_000;
    end.writeUInt16LE(count, 8);
    end.writeUInt16LE(count, 10);
    end.writeUInt32LE(entry.length * count, 12);
    const archive = Buffer.concat([one.subarray(0, directoryAt), ...Array.from({ length: count }, () => entry), end]);
    const { status } = await importZip(archive);
    expect(status).toBe(413);
  });

  it('of archives, or of what is no mail, is passed over', async () => {
    const inner = zipSync({ 'a.eml': new Uint8Array(1_000) });
    const { json } = await importZip(zipSync({ 'inner.zip': inner, 'b.txt': new Uint8Array(10) }));
    expect((json as { ids: string[] }).ids).toEqual([]);
  });
});

describe('a search that is hard to answer', () => {
  it.each([
    ['parentheses', '('.repeat(4_000)],
    ['alternatives', Array.from({ length: 1_000 }, () => 'a').join(' OR ')],
    ['signs', `${'-'.repeat(4_000)}a`],
    ['quotes', '"'.repeat(4_000)],
    ['stars', 'a*'.repeat(1_000)],
  ])('%s: is answered', async (_what, q) => {
    for (const [url, path] of [
      [inbox.url ?? '', `/api/v1/messages?q=${encodeURIComponent(q)}`],
      [inbox.compatibilityURLs['mailpit'] ?? '', `/api/v1/search?query=${encodeURIComponent(q)}`],
    ] as const)
      expect([200, 400, 431]).toContain((await ask(url, { path })).status);
    expect((await ask(inbox.url ?? '', { path: '/api/v1/info' })).status).toBe(200);
  });
});
