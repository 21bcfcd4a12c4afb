/** What every engine has to do. An engine's test file says how to open it; the tests know nothing but the interface. */

import fc from 'fast-check';
import {
  type MailStore,
  type MessageQuery,
  type NewSummary,
  type NewTranscript,
  type StoreChange,
  type StoreClock,
  type StoreLimits,
  type StoredMessage,
} from 'smtpd-store';
import { describe, expect, it } from 'vitest';

import { ManualClock } from './support/manual-clock.js';
import { collect, idsIn, newMessage } from './support/messages.js';
import { ModelStore } from './support/model-store.js';

/** What the suite asks of an engine: a store that is empty. */
export interface SuiteOptions {
  readonly limits?: Partial<StoreLimits>;
  readonly undoMs?: number;
  readonly clock?: StoreClock;
}

export function describeMailStore(name: string, open: (options?: SuiteOptions) => Promise<MailStore>): void {
  const words = (field: Extract<MessageQuery, { kind: 'words' }>['field'], text: string, isPrefix = false) =>
    ({ kind: 'words', field, words: text, isPrefix }) as const;

  describe(name, () => {
    it('gives back what it was given, octet by octet', async () => {
      await using store = await open();
      const raw = Uint8Array.from({ length: 4_096 }, (_, index) => index & 0xff);
      const message = {
        ...newMessage({ raw }),
        envelope: {
          mailFrom: '',
          rcptTos: ['ü@b.example', 'ü@b.example'],
          mailOptions: ['SIZE=4096', 'BODY=8BITMIME'],
          rcptOptions: [['NOTIFY=NEVER'], []],
        },
        session: {
          id: 's1',
          peer: { address: '::1', port: 1 },
          local: { address: '::1', port: 25 },
          clientName: 'client.example',
          protocol: 'ESMTPSA',
          tls: {
            version: 'TLSv1.3',
            cipher: 'TLS_AES_256_GCM_SHA384',
            serverName: 'mx.example',
            alpn: 'smtp',
            clientCertificate: {
              isVerified: false,
              verifyError: 'CERT_HAS_EXPIRED',
              subjectAltNames: [],
              fingerprint256: 'AB:CD',
            },
          },
          identity: { user: 'alice', mechanism: 'PLAIN' },
          end: 'quit',
        },
        transcript: [
          { from: 'server', atMs: 0, text: '220 ready' },
          { from: 'client', atMs: 1.5, text: 'EHLO client.example\0' },
          { from: 'event', atMs: 2, text: 'TLS handshake' },
        ] as const,
        inbox: 'team-1',
        summary: {
          subject: 'nul \0 and "quotes"',
          preview: 'How are',
          from: ['A <a@a.example>'],
          attachmentNames: ['x.pdf'],
          headers: [['Subject', 'nul \0']] as const,
          searchText: 'not given back',
        },
      };
      const { searchText: _, ...summary } = message.summary;
      const stored = await store.add(message);
      expect(stored).toEqual({
        id: expect.any(String) as string,
        kind: 'message',
        inbox: 'team-1',
        receivedAt: message.receivedAt,
        sizeBytes: 4_096,
        isRead: false,
        tags: [],
        envelope: message.envelope,
        session: message.session,
        summary,
      });
      expect(await store.get(stored.id)).toEqual(stored);
      expect((await store.list()).messages).toEqual([stored]);
      expect(await store.transcript(stored.id)).toEqual(message.transcript);
      expect(await collect(store.openRaw(stored.id))).toEqual(Buffer.from(raw));
    });

    it.each([0, 1, 131_071, 131_072, 131_073, 1_000_000])(
      'keeps %i octets exactly, whole or in pieces',
      async (size) => {
        await using store = await open();
        const raw = Buffer.alloc(size, 'abcdefg\r\n');
        const whole = await store.add(newMessage({ raw }));
        const shared = Buffer.alloc(10_000);
        const pieces = (async function* () {
          for (let from = 0; from < size; from += shared.length) {
            // The memory of a piece is used again for the next.
            yield shared.subarray(0, raw.copy(shared, 0, from, from + shared.length));
          }
        })();
        const streamed = await store.add(newMessage({ raw: pieces }));
        for (const { id, sizeBytes } of [whole, streamed]) {
          expect(sizeBytes).toBe(size);
          expect((await collect(store.openRaw(id))).equals(raw)).toBe(true);
        }
      },
    );

    it('keeps a session that ended without a message, and counts it as none', async () => {
      await using store = await open();
      const message = await store.add(newMessage({ inbox: 'a' }));
      const session = await store.add(
        newMessage({
          kind: 'session',
          raw: Buffer.alloc(0),
          inbox: 'a',
          envelope: { mailFrom: 'sender@a.example', rcptTos: [], mailOptions: [], rcptOptions: [] },
          transcript: [{ from: 'client', atMs: 1, text: 'QUIT' }],
        }),
      );
      const alone = await store.add(newMessage({ kind: 'session', raw: Buffer.alloc(0), inbox: 'b' }));
      expect([message.kind, session.kind]).toEqual(['message', 'session']);
      expect(await store.get(session.id)).toEqual(session);
      expect((await collect(store.openRaw(session.id))).length).toBe(0);
      expect(await store.transcript(session.id)).toHaveLength(1);
      const isSession: MessageQuery = { kind: 'isSession' };
      expect(idsIn(await store.list())).toEqual([alone.id, session.id, message.id]);
      expect(idsIn(await store.list({ query: isSession }))).toEqual([alone.id, session.id]);
      expect(idsIn(await store.list({ query: { kind: 'not', query: isSession } }))).toEqual([message.id]);
      expect(idsIn(await store.list({ inbox: 'a', query: { kind: 'not', query: isSession } }))).toEqual([message.id]);
      const counts = { messages: 1, unread: 1, bytes: 26 };
      expect(await store.counts()).toEqual({ ...counts, inboxes: { a: counts } });
      expect(await store.setRead([session.id], true)).toBe(1);
      expect((await store.get(session.id))?.isRead).toBe(true);
      expect((await store.counts()).unread).toBe(1);
      const deletion = await store.clear();
      expect(deletion.messageIds).toHaveLength(3);
      expect(await store.counts()).toEqual({ messages: 0, unread: 0, bytes: 0, inboxes: {} });
      await store.restore(deletion.id);
      expect(await store.counts()).toEqual({ ...counts, inboxes: { a: counts } });
    });

    it.each([0, 26, 131_073])(
      'keeps a message of %i octets in several inboxes, in each as if it were alone',
      async (size) => {
        await using store = await open({ limits: { messagesMax: 3 } });
        const changes = store.changes({ kinds: ['added'] })[Symbol.asyncIterator]();
        const raw = Buffer.alloc(size, 'octets ');
        const pieces = (async function* () {
          yield raw.subarray(0, 13);
          yield raw.subarray(13);
        })();
        for (const given of [raw, pieces]) {
          const message = newMessage({
            raw: given,
            inbox: 'of nobody',
            summary: { subject: 'everywhere' },
            transcript: [{ from: 'client', atMs: 1, text: 'DATA' }],
          });
          const kept = await store.addToInboxes(message, ['one', '', 'two']);
          expect(kept.map(({ inbox }) => inbox)).toEqual(['one', '', 'two']);
          const ids = kept.map(({ id }) => id);
          expect(ids.map(Number)).toEqual([...new Set(ids)].map(Number).sort((a, b) => a - b));
          expect(idsIn(await store.list({ query: words('subject', 'everywhere') }))).toEqual([...ids].reverse());
          for (const each of kept) {
            expect((await changes.next()).value).toEqual({ kind: 'added', message: each });
            expect(await store.get(each.id)).toEqual(each);
            expect(idsIn(await store.list({ inbox: each.inbox }))).toEqual([each.id]);
            expect((await collect(store.openRaw(each.id))).equals(raw)).toBe(true);
            expect(await store.transcript(each.id)).toHaveLength(1);
          }
          const counts = { messages: 1, unread: 1, bytes: size };
          expect((await store.counts()).inboxes).toEqual({ one: counts, '': counts, two: counts });
          // Each goes by itself, for good, and takes nothing of the others along.
          for (const index of kept.keys()) {
            const later = await store.add(newMessage({ inbox: 'later' }));
            expect((await changes.next()).value).toEqual({ kind: 'added', message: later });
            for (const { id } of kept.slice(index + 1))
              expect((await collect(store.openRaw(id))).equals(raw)).toBe(true);
          }
          expect(Object.keys((await store.counts()).inboxes)).toEqual(['later']);
        }
      },
    );

    it('keeps a message in no inbox where one of them cannot be, or there is none', async () => {
      await using store = await open({ limits: { bytesMax: 150_000 } });
      for (const inboxes of [['one', 'two\0'], ['\ud800', 'one'], []]) {
        for (const size of [10, 140_000]) {
          const message = newMessage({ raw: Buffer.alloc(size) });
          await expect(store.addToInboxes(message, inboxes)).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
        }
      }
      const tooLarge = newMessage({ raw: Buffer.alloc(150_001) });
      await expect(store.addToInboxes(tooLarge, ['one', 'two'])).rejects.toMatchObject({ code: 'STORE_TOO_LARGE' });
      expect(await store.counts()).toEqual({ messages: 0, unread: 0, bytes: 0, inboxes: {} });
    });

    it('makes room for a message in the last of its inboxes where there is room for one alone', async () => {
      await using store = await open({ limits: { bytesMax: 250_000 } });
      const kept = await store.addToInboxes(newMessage({ raw: Buffer.alloc(200_000, 'r') }), ['one', 'two']);
      expect(idsIn(await store.list())).toEqual([kept[1]?.id]);
      expect((await collect(store.openRaw(kept[1]!.id))).length).toBe(200_000);
    });

    it('keeps nothing of a message whose stream or summary fails', async () => {
      await using store = await open();
      const broken = (async function* () {
        yield Buffer.alloc(200_000);
        throw new Error('the client left');
      })();
      await expect(store.add(newMessage({ raw: broken }))).rejects.toThrow('the client left');
      const unread = {
        ...newMessage({ raw: Buffer.alloc(200_000) }),
        summary: () => {
          throw new Error('cannot parse');
        },
      };
      await expect(store.add(unread)).rejects.toThrow('cannot parse');
      expect(await store.counts()).toEqual({ messages: 0, unread: 0, bytes: 0, inboxes: {} });
    });

    it('keeps the neighbours of a message that the database refuses', async () => {
      await using store = await open();
      // Of a caller without types.
      const atNoTime = newMessage({ receivedAt: { getTime: () => ({}) as unknown as number } as Date });
      // What is added in one turn shares a transaction.
      const outcomes = await Promise.allSettled(
        Array.from({ length: 40 }, (_, index) => store.add(index % 4 === 3 ? atNoTime : newMessage())),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(
        outcomes.map((_, index) => (index % 4 === 3 ? 'rejected' : 'fulfilled')),
      );
      const kept = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.id] : []));
      expect(idsIn(await store.list())).toEqual(kept.reverse());
      expect((await store.counts()).messages).toBe(30);
    });

    it('asks for the summary when all octets were taken', async () => {
      await using store = await open();
      let octets = 0;
      const raw = (async function* () {
        for (let piece = 0; piece < 3; piece += 1) {
          octets += 10;
          yield Buffer.alloc(10);
        }
      })();
      const stored = await store.add({
        ...newMessage({ raw }),
        summary: async () => ({ subject: `${octets} octets` }),
      });
      expect(stored.summary.subject).toBe('30 octets');
    });

    it('takes what is said after a message was kept', async () => {
      await using store = await open();
      const { id } = await store.add(newMessage({ transcript: [{ from: 'client', atMs: 1, text: 'DATA' }] }));
      const other = await store.add(newMessage({ transcript: [{ from: 'client', atMs: 2, text: 'BDAT' }] }));
      const lines = [
        { from: 'client', atMs: 1, text: 'DATA' },
        { from: 'server', atMs: 3, text: '250 \ud800\0' },
      ] as const;
      expect(await store.setTranscript(id, lines)).toBe(true);
      expect(await store.transcript(id)).toEqual(lines);
      expect(await store.transcript(other.id)).toEqual([{ from: 'client', atMs: 2, text: 'BDAT' }]);
      const deletion = await store.delete([id]);
      expect(await store.setTranscript(id, [])).toBe(false);
      await store.restore(deletion.id);
      expect(await store.transcript(id)).toEqual(lines);
    });

    it('takes what is said of several messages at once, and says how many of them there are', async () => {
      await using store = await open();
      const ids: string[] = [];
      for (let count = 0; count < 4; count += 1) ids.push((await store.add(newMessage({}))).id);
      const [one = '', two = '', gone = '', other = ''] = ids;
      await store.delete([gone]);
      const line = (text: string) => ({ from: 'server', atMs: 1, text }) as const;
      const transcripts = new Map<string, NewTranscript>([
        [one, [line('250 one')]],
        [gone, [line('250 gone')]],
        ['x', [line('250 x')]],
        [two, JSON.stringify([line('250 two')])],
      ]);
      const before = await store.transcript(other);
      expect(await store.setTranscripts(transcripts)).toBe(2);
      expect(await store.transcript(one)).toEqual([line('250 one')]);
      expect(await store.transcript(two)).toEqual([line('250 two')]);
      expect(await store.transcript(other)).toEqual(before);
      expect(await store.setTranscripts(new Map())).toBe(0);
    });

    it('adds lines behind those that messages have, and says how many of these there are', async () => {
      await using store = await open();
      const line = (text: string) => ({ from: 'server', atMs: 1.5, text }) as const;
      const add = async (...texts: string[]): Promise<string> =>
        (await store.add(newMessage({ transcript: texts.map(line) }))).id;
      const [one, none, gone, other] = [await add('one'), await add(), await add('gone'), await add('other')];
      const deletion = await store.delete([gone]);
      const added = new Map<string, NewTranscript>([
        [one, [line('two \ud800\0'), line('three')]],
        [none, JSON.stringify([line('first')])],
        [gone, [line('more')]],
        ['x', [line('x')]],
      ]);
      expect(await store.addToTranscripts(added)).toBe(2);
      expect(await store.transcript(one)).toEqual([line('one'), line('two \ud800\0'), line('three')]);
      expect(await store.transcript(none)).toEqual([line('first')]);
      expect(await store.transcript(other)).toEqual([line('other')]);
      expect(await store.addToTranscripts(new Map([[one, [line('four')]]]))).toBe(1);
      expect(await store.addToTranscripts(new Map([[one, []]]))).toBe(1);
      expect((await store.transcript(one))?.map(({ text }) => text)).toEqual(['one', 'two \ud800\0', 'three', 'four']);
      await store.restore(deletion.id);
      expect(await store.transcript(gone)).toEqual([line('gone')]);
      // What is written anew is all there is.
      expect(await store.setTranscript(one, [line('anew')])).toBe(true);
      expect(await store.transcript(one)).toEqual([line('anew')]);
      expect(await store.addToTranscripts(new Map())).toBe(0);
    });

    it('takes a conversation that was formatted before', async () => {
      await using store = await open();
      const lines = [{ from: 'server', atMs: 1.25, text: 'a "quoted" \ud800\0\u2028 line' }] as const;
      const { id } = await store.add(newMessage({ transcript: JSON.stringify(lines) }));
      expect(await store.transcript(id)).toEqual(lines);
      expect(await store.setTranscript(id, JSON.stringify([...lines, ...lines]))).toBe(true);
      expect(await store.transcript(id)).toEqual([...lines, ...lines]);
    });

    it('keeps the newest of many that come at once', async () => {
      await using store = await open({ limits: { messagesMax: 10 } });
      const added = await Promise.all(
        Array.from({ length: 30 }, (_, index) =>
          store.add(newMessage({ inbox: index % 2 === 0 ? '' : 'odd', summary: { subject: `many number${index}` } })),
        ),
      );
      const newest = added.map(({ id }) => Number(id)).sort((a, b) => b - a);
      const kept = newest.slice(0, 10).map(String);
      expect(idsIn(await store.list())).toEqual(kept);
      // Their words are there with them, and those of the others are gone.
      expect(idsIn(await store.list({ query: { kind: 'words', field: 'subject', words: 'many' } }))).toEqual(kept);
      expect(await store.counts()).toMatchObject({ messages: 10, unread: 10 });
    });

    it('says plainly when there is no such message', async () => {
      await using store = await open();
      for (const id of ['1', '0', '-1', 'x', '', '1e3', '99999999999999999999']) {
        expect(await store.get(id)).toBeUndefined();
        expect(await store.transcript(id)).toBeUndefined();
        expect(await store.setTranscript(id, [])).toBe(false);
        await expect(collect(store.openRaw(id))).rejects.toMatchObject({ code: 'STORE_NOT_FOUND' });
        expect(await store.setRead([id], true)).toBe(0);
        expect(await store.addTags([id], ['tag'])).toBe(0);
        expect((await store.delete([id])).messageIds).toEqual([]);
        expect(await store.restore(id)).toEqual([]);
      }
    });

    it('finds words in any script as unicode61 cuts them', async () => {
      await using store = await open();
      const add = async (summary: NewSummary): Promise<string> => (await store.add(newMessage({ summary }))).id;
      const cafe = await add({ subject: 'Réunion au Café', searchText: 'Straße, naïve, Ångström' });
      const chinese = await add({ subject: '会议纪要，请查收' });
      const greek = await add({ searchText: 'ΚΑΛΗΜΈΡΑ κόσμε' });
      const found = async (query: MessageQuery): Promise<string[]> => idsIn(await store.list({ query }));
      expect(await found(words('text', 'reunion AU cafe'))).toEqual([cafe]);
      expect(await found(words('text', 'cafe reunion'))).toEqual([]);
      expect(await found(words('body', 'NAIVE angstrom'))).toEqual([cafe]);
      expect(await found(words('subject', 'naive'))).toEqual([]);
      expect(await found(words('body', 'stra', true))).toEqual([cafe]);
      expect(await found(words('body', 'stra'))).toEqual([]);
      expect(await found(words('subject', '会议纪要'))).toEqual([chinese]);
      expect(await found(words('subject', '会议', true))).toEqual([chinese]);
      expect(await found(words('subject', '会议'))).toEqual([]);
      expect(await found(words('text', 'καλημέρα'))).toEqual([greek]);
    });

    it('finds addresses of the envelope and of the header', async () => {
      await using store = await open();
      const { id } = await store.add(
        newMessage({
          envelope: { mailFrom: 'bounce@a.example', rcptTos: ['hidden@b.example'], mailOptions: [], rcptOptions: [[]] },
          summary: { from: ['Alice <alice@a.example>'], to: ['bob@b.example'], cc: ['carol@c.example'] },
        }),
      );
      for (const query of [
        words('from', 'alice@a.example'),
        words('from', 'bounce'),
        words('to', 'bob@b.example'),
        words('to', 'hidden'),
        words('cc', 'carol'),
      ]) {
        expect(idsIn(await store.list({ query }))).toEqual([id]);
      }
      expect(idsIn(await store.list({ query: words('to', 'carol') }))).toEqual([]);
    });

    it.each([
      '"',
      '""',
      "'",
      "'; DROP TABLE messages; --",
      'a" OR "b',
      'NEAR(a b)',
      'a*',
      '* *',
      'subject : a',
      '-a',
      '^a',
      '{a b} : c',
      'a AND NOT b',
      '(',
      ')',
      'a + b',
      '\0',
      'a\0b',
      '%',
      '_',
      '\\',
      '\ud800',
      '🎉',
      '',
    ])('takes %j for data, wherever it stands', async (text) => {
      await using store = await open();
      // Names are refused where they could not be kept as they are; there is a test for that.
      const name = `n${text.replace(/\0|\p{Cs}/gu, '')}`;
      await store.add(newMessage({ summary: { subject: 'unrelated' } }));
      const { id } = await store.add(
        newMessage({ inbox: name, summary: { subject: `zz ${text} yy`, messageId: text, headers: [['X-Odd', text]] } }),
      );
      await store.addTags([id], [name]);
      const exact: MessageQuery[] = [
        { kind: 'inbox', inbox: name },
        { kind: 'messageId', messageId: text },
        { kind: 'header', name: 'x-odd', contains: text },
        { kind: 'tag', tag: name },
        words('subject', `zz ${text} yy`),
        words('text', `zz ${text} y`, true),
        { kind: 'or', queries: [words('subject', `zz ${text} yy`)] },
      ];
      for (const query of exact) expect(idsIn(await store.list({ query }))).toEqual([id]);
      const named = await store.add(newMessage({ summary: { headers: [[`X-N${text}`, 'plain']] } }));
      const byName: MessageQuery = { kind: 'header', name: `x-n${text}`, contains: 'plain' };
      expect(idsIn(await store.list({ query: byName }))).toEqual([named.id]);
      // Nothing but what has its words: no operator made it match the other one.
      const found = idsIn(await store.list({ query: words('subject', text) }));
      expect(found).toEqual(/[a-z]/i.test(text) ? [id] : []);
      for (const field of ['header', 'x-odd" OR 1']) {
        expect(idsIn(await store.list({ query: { kind: 'header', name: field, contains: text } }))).toEqual([]);
      }
    });

    it('refuses what it cannot answer', async () => {
      await using store = await open();
      const deep = Array.from({ length: 10_000 }).reduce<MessageQuery>((query) => ({ kind: 'not', query }), {
        kind: 'isRead',
      });
      const wide: MessageQuery = { kind: 'or', queries: Array.from({ length: 300 }, () => ({ kind: 'isRead' })) };
      for (const options of [
        { query: deep },
        { query: wide },
        { limit: 0 },
        { limit: 1.5 },
        { limit: 1_001 },
        { before: 'nonsense' },
        { before: '' },
        { before: (await store.list()).newer, after: (await store.list()).newer },
      ]) {
        await expect(store.list(options)).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
      }
      const { id } = await store.add(newMessage());
      for (const name of ['a\0', '\0', '\ud800']) {
        for (const asked of [
          () => store.add(newMessage({ inbox: name })),
          () => store.list({ inbox: name }),
          () => store.list({ query: { kind: 'not', query: { kind: 'inbox', inbox: name } } }),
          () => store.list({ query: { kind: 'tag', tag: name } }),
          () => store.clear(name),
          () => store.addTags([id], [name]),
          () => store.removeTags([id], [name]),
          () => store.add(newMessage({ receivedAt: new Date(NaN) })),
        ]) {
          await expect(asked()).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
        }
      }
      expect((await store.counts()).messages).toBe(1);
    });

    it('answers a query of the size that is allowed', async () => {
      await using store = await open();
      const { id } = await store.add(newMessage({ summary: { subject: 'w7' } }));
      const leaves = Array.from({ length: 254 }, (_, index) => words('text', `w${index}`));
      expect(idsIn(await store.list({ query: { kind: 'or', queries: leaves } }))).toEqual([id]);
      expect(idsIn(await store.list({ query: { kind: 'and', queries: leaves } }))).toEqual([]);
      const deep = Array.from({ length: 30 }).reduce<MessageQuery>(
        (query) => ({ kind: 'not', query }),
        words('text', 'w7'),
      );
      expect(idsIn(await store.list({ query: deep }))).toEqual([id]);
    });

    it('keeps its places while messages come and go', async () => {
      await using store = await open();
      const ids: string[] = [];
      for (let count = 0; count < 20; count += 1) ids.unshift((await store.add(newMessage())).id);
      const seen: string[] = [];
      let page = await store.list({ limit: 3 });
      const { newer } = page;
      for (;;) {
        seen.push(...idsIn(page));
        if (page.older === undefined) break;
        // Something new comes, the last that was seen goes: the next part begins where it would have.
        await store.add(newMessage());
        await store.delete(seen.slice(-1));
        page = await store.list({ limit: 3, before: page.older });
      }
      expect(seen).toEqual(ids);
      const later: string[] = [];
      for (let place = newer; ;) {
        const next = await store.list({ limit: 2, after: place });
        if (next.messages.length === 0) {
          expect(next.newer).toBe(place);
          break;
        }
        later.unshift(...idsIn(next));
        place = next.newer;
      }
      expect(later).toEqual(idsIn(await store.list({ limit: 6 })));
      expect(later).toHaveLength(6);
    });

    it('gives every message that has the words, page by page, in both directions', async () => {
      await using store = await open();
      const added = await Promise.all(
        Array.from({ length: 700 }, (_, index) =>
          store.add(newMessage({ summary: { subject: index % 100 === 0 ? 'seldom often' : 'often' } })),
        ),
      );
      const ids = added.map(({ id }) => Number(id)).sort((a, b) => b - a);
      const seldom = added.filter(({ summary }) => summary.subject !== 'often').map(({ id }) => Number(id));
      for (const [text, limit, expected] of [
        ['often', 150, ids],
        ['seldom', 3, seldom.sort((a, b) => b - a)],
      ] as const) {
        const query = words('subject', text);
        const older: string[] = [];
        for (let place: string | undefined, isFirst = true; isFirst || place !== undefined; isFirst = false) {
          const page = await store.list({ query, limit, ...(place === undefined ? {} : { before: place }) });
          older.push(...idsIn(page));
          place = page.older;
        }
        expect(older).toEqual(expected.map(String));
        const newer: string[] = [];
        const empty = await store.list({ query: words('subject', 'nowhere') });
        for (let place = empty.newer; ;) {
          const page = await store.list({ query, limit, after: place });
          if (page.messages.length === 0) break;
          newer.unshift(...idsIn(page));
          place = page.newer;
        }
        expect(newer).toEqual(expected.map(String));
      }
    });

    it('says how much it keeps', async () => {
      await using store = await open({ limits: { messagesMax: 2 } });
      expect(store.limits).toMatchObject({ messagesMax: 2, bytesMax: 1_073_741_824 });
    });

    it('tells readers what happens, in order', async () => {
      await using store = await open({ limits: { messagesMax: 2 } });
      const reader = store.changes()[Symbol.asyncIterator]();
      const first = await store.add(newMessage());
      await store.setRead([first.id], true);
      await store.setRead([first.id], true);
      await store.addTags([first.id], ['b', 'a']);
      const deletion = await store.delete([first.id]);
      await store.restore(deletion.id);
      expect((await store.get(first.id))?.tags).toEqual(['a', 'b']);
      await store.add(newMessage());
      await store.add(newMessage());
      await store.close();
      const changes: StoreChange[] = [];
      for (let next = await reader.next(); next.done !== true; next = await reader.next()) changes.push(next.value);
      const messageIds = [first.id];
      expect(changes[0]).toEqual({ kind: 'added', message: first });
      expect(changes.map((change) => (change.kind === 'added' ? change.kind : change))).toEqual([
        'added',
        { kind: 'changed', messageIds },
        { kind: 'changed', messageIds },
        { kind: 'deleted', messageIds },
        { kind: 'restored', messageIds },
        'added',
        'added',
        { kind: 'deleted', messageIds },
      ]);
    });

    it('tells a reader of the kinds of changes that it wants, and of no others', async () => {
      await using store = await open();
      const reader = store.changes({ kinds: ['setting', 'deleted'] })[Symbol.asyncIterator]();
      const { id } = await store.add(newMessage());
      await store.setRead([id], true);
      await store.setSetting('key', 1);
      await store.delete([id]);
      await store.add(newMessage());
      await store.close();
      expect((await reader.next()).value).toEqual({ kind: 'setting', key: 'key' });
      expect((await reader.next()).value).toEqual({ kind: 'deleted', messageIds: [id] });
      expect(await reader.next()).toEqual({ done: true, value: undefined });
    });

    it('lets a deletion come back in time, and not after', async () => {
      const clock = new ManualClock();
      await using store = await open({ clock, undoMs: 1_000 });
      const { id } = await store.add(newMessage({ raw: Buffer.alloc(200_000, 'x') }));
      const first = await store.delete([id]);
      expect(first.restorableUntil.getTime()).toBe(clock.now() + 1_000);
      expect(await store.get(id)).toBeUndefined();
      clock.advance(999);
      expect(await store.restore(first.id)).toEqual([id]);
      expect(await store.restore(first.id)).toEqual([]);
      expect((await collect(store.openRaw(id))).length).toBe(200_000);
      const second = await store.clear();
      clock.advance(1_000);
      expect(await store.restore(second.id)).toEqual([]);
      expect(await store.get(id)).toBeUndefined();
    });

    it('deletes thousands at once, and brings them back', async () => {
      await using store = await open();
      const added = await Promise.all(
        Array.from({ length: 3_000 }, (_, index) => store.add(newMessage({ inbox: index % 5 === 0 ? 'other' : '' }))),
      );
      const ids = added.filter(({ inbox }) => inbox === '').map(({ id }) => id);
      const deletion = await store.clear('');
      expect([...deletion.messageIds].sort()).toEqual(ids.sort());
      expect(await store.counts()).toMatchObject({ messages: 600, inboxes: { other: { messages: 600 } } });
      expect([...(await store.restore(deletion.id))].sort()).toEqual(ids);
      expect(await store.counts()).toMatchObject({ messages: 3_000, unread: 3_000 });
      expect(await store.restore(deletion.id)).toEqual([]);
    });

    it('turns away a message that is larger than all it may keep, and keeps the others', async () => {
      await using store = await open({ limits: { bytesMax: 300_000 } });
      const { id } = await store.add(newMessage({ raw: Buffer.alloc(100) }));
      const pieces = (async function* () {
        for (;;) yield Buffer.alloc(100_000);
      })();
      for (const raw of [Buffer.alloc(300_001), pieces]) {
        await expect(store.add(newMessage({ raw }))).rejects.toMatchObject({ code: 'STORE_TOO_LARGE' });
      }
      expect(idsIn(await store.list())).toEqual([id]);
      const exact = await store.add(newMessage({ raw: Buffer.alloc(300_000) }));
      expect(idsIn(await store.list())).toEqual([exact.id]);
    });

    it('finishes what was begun when it is closed, and begins nothing after', async () => {
      const store = await open();
      const adds = Array.from({ length: 200 }, (_, index) =>
        store.add(newMessage({ raw: Buffer.alloc(index * 1_000, 'x') })),
      );
      const closing = store.close();
      await expect(store.add(newMessage())).rejects.toMatchObject({ code: 'STORE_CLOSED' });
      const stored: StoredMessage[] = await Promise.all(adds);
      expect(new Set(stored.map(({ id }) => id)).size).toBe(200);
      await closing;
      await store.close();
      await expect(store.list()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
      expect(await store.changes()[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
    });

    it('keeps settings by their keys, and tells readers which is another now', async () => {
      await using store = await open();
      const reader = store.changes()[Symbol.asyncIterator]();
      const values: [string, unknown][] = [
        ['inbox/%', null],
        ['inbox/a', { name: 'a', since: 1.5, odd: '\0\ud800' }],
        ['inbox/ä', [true, '']],
        ['inboxes', 0],
        ['', 'the shortest key'],
        ['x'.repeat(512), 'x'.repeat(65_534)],
      ];
      for (const [key, value] of values) await store.setSetting(key, value);
      for (const [key, value] of values) expect(await store.setting(key)).toEqual(value);
      expect([...(await store.settings('inbox/'))]).toEqual(values.slice(0, 3));
      expect([...(await store.settings('inbox/%'))]).toEqual(values.slice(0, 1));
      expect([...(await store.settings('_'))]).toEqual([]);
      expect((await store.settings('')).size).toBe(6);
      await store.setSetting('inbox/a', 'other');
      await store.setSetting('inbox/%', undefined);
      expect([...(await store.settings('inbox/')).keys()]).toEqual(['inbox/a', 'inbox/ä']);
      expect(await store.setting('inbox/a')).toBe('other');
      expect(await store.setting('inbox/%')).toBeUndefined();
      for (const key of [...values.map(([each]) => each), 'inbox/a', 'inbox/%']) {
        expect((await reader.next()).value).toEqual({ kind: 'setting', key });
      }
    });

    it.each<[key: string, value: unknown]>([
      ['a\0', 1],
      ['\ud800', 1],
      ['x'.repeat(513), 1],
      ['long', 'x'.repeat(65_535)],
      ['wide', '€'.repeat(30_000)],
      ['function', () => 1],
      ['number', 1n],
    ])('refuses to keep what no engine could: %j', async (key, value) => {
      await using store = await open();
      await expect(store.setSetting(key, value)).rejects.toMatchObject({ code: 'STORE_BAD_OPTION' });
      expect((await store.settings('')).size).toBe(0);
    });

    it('does what a list that is searched by hand would do, in whatever order it is asked', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 50, size: 'max' }), async (steps) => {
          const clock = new ManualClock();
          const limits = { messagesMax: 12, bytesMax: 2_000, ageMsMax: 5_000 };
          await using store = await open({ clock, limits, undoMs: 1_000 });
          const model = new ModelStore(limits, 1_000);
          const all: string[] = [];
          const deletions: string[] = [];
          const pick = (list: readonly string[], index: number): string => list[index % list.length] ?? '0';
          for (const each of steps) {
            const now = clock.now();
            switch (each.do) {
              case 'add': {
                const headers: [string, string][] = [['X-Kind', each.text]];
                const stored = await store.add(
                  newMessage({
                    kind: each.kind,
                    raw: Buffer.alloc(each.sizeBytes, 'x'),
                    receivedAt: new Date(now),
                    inbox: each.inbox,
                    summary: {
                      subject: each.text,
                      searchText: each.body,
                      attachmentNames: each.names,
                      headers,
                      ...(each.messageId === undefined ? {} : { messageId: each.messageId }),
                    },
                  }),
                );
                all.push(stored.id);
                model.add(
                  {
                    id: stored.id,
                    kind: each.kind,
                    inbox: each.inbox,
                    receivedAtMs: now,
                    sizeBytes: each.sizeBytes,
                    hasAttachment: each.names.length > 0,
                    texts: {
                      subject: each.text,
                      body: each.body,
                      from: 'sender@a.example',
                      to: 'one@b.example',
                      cc: '',
                      filename: each.names.join('\n'),
                      headers: `X-Kind: ${each.text}`,
                    },
                    headers,
                    messageId: each.messageId,
                    isRead: false,
                    tags: new Set(),
                    deletion: undefined,
                  },
                  now,
                );
                break;
              }
              case 'search': {
                expect(idsIn(await store.list({ query: each.query }))).toEqual(model.list(each.query));
                break;
              }
              case 'setRead': {
                const message = model.there(pick(all, each.index));
                const differs = message !== undefined && message.isRead !== each.isRead;
                expect(await store.setRead([pick(all, each.index)], each.isRead)).toBe(differs ? 1 : 0);
                if (message !== undefined) message.isRead = each.isRead;
                break;
              }
              case 'tag': {
                const message = model.there(pick(all, each.index));
                const changed = await (each.isThere
                  ? store.addTags([pick(all, each.index)], [each.tag])
                  : store.removeTags([pick(all, each.index)], [each.tag]));
                expect(changed).toBe(message !== undefined && message.tags.has(each.tag) !== each.isThere ? 1 : 0);
                if (each.isThere) message?.tags.add(each.tag);
                else message?.tags.delete(each.tag);
                break;
              }
              case 'delete': {
                const ids = each.indexes.map((index) => pick(all, index));
                const { id } = await store.delete(ids);
                model.delete(id, ids, now);
                deletions.push(id);
                break;
              }
              case 'clear': {
                const { id, messageIds } = await store.clear(each.inbox);
                const ids = model.list(NO_CONDITION, each.inbox);
                expect([...messageIds].sort()).toEqual([...ids].sort());
                model.delete(id, ids, now);
                deletions.push(id);
                break;
              }
              case 'restore': {
                const id = pick(deletions, each.index);
                expect([...(await store.restore(id))].sort()).toEqual(model.restore(id, now).sort());
                break;
              }
              case 'wait': {
                clock.advance(each.ms);
                // What is over is purged one deletion at a time; when a timer in the future is all that is left, it is done.
                while (clock.dueAt !== undefined && clock.dueAt <= clock.now()) {
                  clock.advance(0);
                  await store.counts();
                }
                model.purge(clock.now());
                break;
              }
            }
            expect(idsIn(await store.list())).toEqual(model.list(NO_CONDITION));
            expect(await store.counts()).toEqual(model.counts());
          }
        }),
        { numRuns: Number(process.env['STORE_TEST_RUNS'] ?? 30) },
      );
    }, 120_000);
  });
}

const NO_CONDITION: MessageQuery = { kind: 'and', queries: [] };

const word = fc.constantFrom('alpha', 'Älpha', 'beta', 'betamax', 'x1', '会议');
const text = fc.array(word, { maxLength: 4 }).map((each) => each.join(' '));
const inbox = fc.constantFrom('', 'a', 'b');
const field = fc.constantFrom<Extract<MessageQuery, { kind: 'words' }>['field']>(
  'text',
  'from',
  'to',
  'cc',
  'subject',
  'body',
  'filename',
);

const query = fc.letrec<{ query: MessageQuery }>((tie) => ({
  query: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.record({ kind: fc.constant('words' as const), field, words: text, isPrefix: fc.boolean() }),
    fc.record({ kind: fc.constant('header' as const), name: fc.constantFrom('x-kind', 'y'), contains: word }),
    fc.constantFrom<MessageQuery>(
      { kind: 'hasAttachment' },
      { kind: 'isSession' },
      { kind: 'isRead' },
      { kind: 'before', time: new Date(Date.UTC(2026, 0, 1) + 700) },
      { kind: 'after', time: new Date(Date.UTC(2026, 0, 1) + 700) },
      { kind: 'larger', bytes: 300 },
      { kind: 'smaller', bytes: 300 },
      { kind: 'inbox', inbox: 'a' },
      { kind: 'messageId', messageId: '<1@x>' },
      { kind: 'tag', tag: 't1' },
    ),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      queries: fc.array(tie('query'), { maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('not' as const), query: tie('query') }),
  ),
})).query;

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      kind: fc.constantFrom('message' as const, 'message' as const, 'session' as const),
      sizeBytes: fc.constantFrom(0, 10, 300, 301, 1_000),
      inbox,
      text,
      body: text,
      names: fc.array(fc.constantFrom('report.pdf', ''), { maxLength: 2 }),
      messageId: fc.constantFrom(undefined, '<1@x>', '<2@x>'),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('search' as const), query }) },
  fc.record({ do: fc.constant('setRead' as const), index: fc.nat(), isRead: fc.boolean() }),
  fc.record({
    do: fc.constant('tag' as const),
    index: fc.nat(),
    tag: fc.constantFrom('t1', 't2'),
    isThere: fc.boolean(),
  }),
  fc.record({ do: fc.constant('delete' as const), indexes: fc.array(fc.nat(), { maxLength: 3 }) }),
  fc.record({ do: fc.constant('clear' as const), inbox: fc.option(inbox, { nil: undefined }) }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('restore' as const), index: fc.nat() }) },
  fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(1, 500, 999, 1_000, 3_000) }),
);
