/** Mail that is read in threads: on the build, because Node starts no thread from TypeScript. */

import { readdirSync, readFileSync } from 'node:fs';
import { MailReader } from 'smtpd-inbox';
import { describe, expect, it } from 'vitest';

const MAIL = Buffer.from(
  'Subject: Welcome\r\nFrom: Ann <ann@a.example>\r\n\r\nYour code is 123456: https://a.example/\r\n',
);

describe('a mail reader', () => {
  it('says what a mail says', async () => {
    await using reader = new MailReader();
    expect(await reader.read(MAIL)).toMatchObject({
      text: 'Your code is 123456: https://a.example/\n',
      headers: [
        { name: 'Subject', value: 'Welcome', line: 1 },
        { name: 'From', line: 2 },
      ],
      parts: [{ number: '0', role: 'text', start: 0, end: MAIL.length }],
      links: [{ url: 'https://a.example/', line: 1 }],
      codes: [{ code: '123456' }],
      faults: [],
      summary: {
        subject: 'Welcome',
        from: ['Ann <ann@a.example>'],
        preview: 'Your code is 123456: https://a.example/',
      },
    });
  });

  it('leaves the octets to whoever has them', async () => {
    await using reader = new MailReader();
    // Octets that are not part of a pool of Node's can be handed over, and would be gone.
    const raw = new Uint8Array(MAIL);
    await reader.read(raw);
    expect(Buffer.from(raw).equals(MAIL)).toBe(true);
  });

  it('gives parts, and does the other jobs of its table', async () => {
    await using reader = new MailReader({ threads: 2 });
    const raw = readFileSync(new URL('../corpus/mails/python-alternative-related-mixed.eml', import.meta.url));
    const [picture, missing, frame] = await Promise.all([
      reader.part(raw, '1.2.2'),
      reader.part(raw, '9'),
      reader.run('frame', raw, { isRemoteAllowed: false }),
    ]);
    expect(picture).toMatchObject({
      part: { contentType: 'image/png', contentId: 'pic@python.example', role: 'related' },
    });
    expect(Buffer.from(picture!.content).subarray(1, 4).toString()).toBe('PNG');
    expect(missing).toBeUndefined();
    expect(frame).toMatchObject({ kind: 'done', answer: { remote: { pictures: 0, others: 0 }, missing: [] } });
    expect(JSON.stringify(frame)).toContain('data:image/png;base64,iVBOR');
  });

  it('reads of alternatives the last, and as text what a program shows that has no HTML', async () => {
    await using reader = new MailReader();
    const leaf = (type: string, text: string): string => `Content-Type: ${type}\r\n\r\n${text}`;
    const multipart = (kind: string, ...parts: readonly string[]): string => {
      const boundary = `b${String(parts.join('').length)}`;
      const body = parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('');
      return `Content-Type: multipart/${kind}; boundary=${boundary}\r\n\r\n${body}--${boundary}--\r\n`;
    };
    const [plain, html] = [(text: string) => leaf('text/plain', text), (text: string) => leaf('text/html', text)];
    const bodiesOf = async (message: string): Promise<readonly unknown[]> => {
      const { text, html: markup, summary } = await reader.read(Buffer.from(`Subject: x\r\n${message}`));
      return [text, markup, summary.searchText.split('\n').toSorted().join(' ')];
    };
    const inner = multipart('alternative', plain('one'), html('<p>two'));
    expect(await bodiesOf(multipart('alternative', inner, multipart('related', html('<p>three'))))).toEqual([
      'one',
      '<p>three',
      'one three two',
    ]);
    expect(await bodiesOf(multipart('alternative', plain('one'), plain('two'), html('<p>a'), html('<p>b')))).toEqual([
      'two',
      '<p>b',
      'a b one two',
    ]);
    // A text beside the HTML goes with it; where there is no other it is the text.
    const mixed = multipart('mixed', html('<p>two'), plain('footer'));
    expect(await bodiesOf(multipart('alternative', plain('one'), mixed))).toEqual(['one', '<p>two', 'footer one two']);
    expect(await bodiesOf(multipart('alternative', leaf('text/x-amp-html', '<p>x'), mixed))).toEqual([
      'footer',
      '<p>two',
      'footer two',
    ]);
    expect(await bodiesOf(multipart('mixed', inner, plain('footer')))).toEqual([
      'one\nfooter',
      '<p>two',
      'footer one two',
    ]);
  });

  it('ends what takes too long, says what the header says, and goes on', async () => {
    // A thread takes longer than that to begin.
    await using reader = new MailReader({ timeoutMs: 1 });
    for (let round = 0; round < 2; round += 1) {
      const mail = await reader.read(MAIL);
      expect(mail.summary).toMatchObject({ subject: 'Welcome', parseFault: 'Reading took more than 1 ms.' });
      expect(mail.faults).toEqual(['Reading took more than 1 ms.']);
    }
    expect(await reader.part(MAIL, '0')).toBeUndefined();
  });

  it('outlives a thread that has no memory left', async () => {
    await using reader = new MailReader({ memoryMiBMax: 12 });
    const large = Buffer.from(`Subject: large\r\nContent-Type: text/html\r\n\r\n${'<p>x '.repeat(800_000)}`);
    const mail = await reader.read(large);
    expect(mail.summary.subject).toBe('large');
    expect(mail.summary.parseFault).toBeDefined();
    expect((await reader.read(MAIL)).text).toContain('123456');
  });

  it('answers by the header alone what comes when enough waits', async () => {
    await using reader = new MailReader({ queuedBytesMax: MAIL.length });
    const mails = await Promise.all([reader.read(MAIL), reader.read(MAIL), reader.read(MAIL), reader.read(MAIL)]);
    // One is read, one waits.
    expect(mails.map(({ text }) => text !== undefined)).toEqual([true, true, false, false]);
    expect(mails[3].summary).toMatchObject({
      subject: 'Welcome',
      parseFault: 'Too much mail waits to be read: this one was not.',
    });
  });

  it('answers what waits when it is closed, and what comes later', async () => {
    const reader = new MailReader();
    const waiting = [reader.read(MAIL), reader.read(MAIL)];
    await reader.close();
    for (const mail of await Promise.all([...waiting, reader.read(MAIL)])) {
      expect(mail.summary).toMatchObject({ subject: 'Welcome', parseFault: expect.stringMatching(/closed/) as string });
    }
  });

  it('summarizes as it reads, also what it hands to its thread together', async () => {
    await using reader = new MailReader();
    const folder = new URL('../corpus/mails/', import.meta.url);
    const mails = readdirSync(folder).map((name) => readFileSync(new URL(name, folder)));
    expect(mails.length).toBeGreaterThan(200);
    const summaries = await Promise.all(mails.map((mail) => reader.summarize(mail)));
    for (const [index, mail] of mails.entries()) expect(summaries[index]).toEqual((await reader.read(mail)).summary);
  });

  it('reads one by one what came to no end together, and answers each', async () => {
    // The first goes alone, and the others together; a thread takes longer than that to begin.
    await using reader = new MailReader({ timeoutMs: 1 });
    const mails = Array.from({ length: 5 }, (_, index) => Buffer.from(`Subject: ${String(index)}\r\n\r\ntext\r\n`));
    const summaries = await Promise.all(mails.map((mail) => reader.summarize(mail)));
    expect(summaries).toMatchObject(
      mails.map((_, index) => ({ subject: String(index), parseFault: 'Reading took more than 1 ms.' })),
    );
  });

  it('answers what was handed over together when it is closed', async () => {
    const reader = new MailReader();
    await reader.summarize(MAIL);
    const waiting = [1, 2, 3].map(() => reader.summarize(MAIL));
    await reader.close();
    for (const summary of await Promise.all(waiting))
      expect(summary).toMatchObject({ subject: 'Welcome', parseFault: expect.stringMatching(/closed/) as string });
  });

  it('goes on after something that is no mail at all', async () => {
    await using reader = new MailReader();
    const odd = [1, 2].map(() => reader.summarize('no octets' as unknown as Uint8Array).catch(() => 'refused'));
    const summaries = await Promise.all([reader.summarize(MAIL), ...odd, reader.summarize(MAIL)]);
    expect(summaries.at(-1)).toMatchObject({ subject: 'Welcome' });
  });
});
