/**
 * `npm run bench:store`: fills a store and measures what a person waits for: a page of the list, a search, a deletion, opening, and how
 * long a message waits to be kept while somebody searches. `--messages N` (100,000) and `--postgres URL` (an empty database) say what of.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { openPostgresStore, openSQLiteStore } from 'smtpd-store';

const { values: options } = parseArgs({
  options: { messages: { type: 'string', default: '100000' }, postgres: { type: 'string' } },
});
const messageCount = Number(options.messages);
const random = randomFrom(1);
const folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-store-'));
const limits = { messagesMax: messageCount * 2, bytesMax: Infinity, ageMsMax: Infinity };
const open = () =>
  options.postgres === undefined
    ? openSQLiteStore({ folder, limits })
    : openPostgresStore({ url: options.postgres, limits });

try {
  let store = await open();
  const filled = await milliseconds(() => fill(store));
  print(`${messageCount} rows (a tenth of them sessions) kept, ${Math.round((messageCount / filled) * 1_000)}/s`);
  await store.close();
  print('');
  print('| what | times | p50 ms | p95 ms | most ms |');
  print('| --- | ---: | ---: | ---: | ---: |');
  const opened = [];
  for (let round = 0; round < 5; round += 1) {
    if (round > 0) await store.close();
    opened.push(
      await milliseconds(async () => {
        store = await open();
        await store.list();
      }),
    );
  }
  row('open, and the first page', opened);
  await measureReading(store);
  await measureAddingBesideSearch(store);
  await measureChanging(store);
  await store.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** 20,000 words as they are in a language: few are common, most are rare; `half1` and `half2` are in every other message, by turns. */
async function fill(store) {
  let next = 0;
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      while (next < messageCount) await store.add(messageOf((next += 1)));
    }),
  );
}

function messageOf(number) {
  const isSession = number % 10 === 0;
  const text = Array.from({ length: 120 }, () => `w${Math.floor(20_000 ** random())}`).join(' ');
  return {
    kind: isSession ? 'session' : 'message',
    raw: Buffer.from(isSession ? '' : `Subject: Number ${number}\r\n\r\n${text}\r\n`),
    envelope: {
      mailFrom: `s${number % 100}@a.example`,
      rcptTos: [`r${number}@b.example`],
      mailOptions: [],
      rcptOptions: [[]],
    },
    session: { peer: { address: '127.0.0.1', port: 40_000 }, clientName: 'client.a.example', protocol: 'ESMTP' },
    receivedAt: new Date(),
    inbox: number % 1_000 === 1 ? 'small' : '',
    transcript: Array.from({ length: 12 }, (_, line) => ({
      from: 'client',
      atMs: line,
      text: 'RCPT TO:<r@b.example>',
    })),
    summary: isSession
      ? {}
      : {
          subject: `Number ${number} ${number % 1_000 === 2 ? 'seldom' : 'always'} half${number % 2}`,
          from: [`Sender <s${number % 100}@a.example>`],
          to: [`r${number}@b.example`],
          messageId: `<${number}@a.example>`,
          preview: text.slice(0, 200),
          attachmentNames: number % 5_000 === 3 ? ['report.pdf'] : [],
          headers: Array.from({ length: 12 }, (_, field) => [`X-Field-${field}`, `value ${number} of it`]),
          searchText: text,
        },
  };
}

async function measureReading(store) {
  const words = (text, field = 'text') => ({ kind: 'words', field, words: text });
  const and = (...queries) => ({ kind: 'and', queries });
  const messages = { kind: 'not', query: { kind: 'isSession' } };
  const places = [undefined];
  for (let place; places.length < 200; places.push(place))
    place = (await store.list({ before: place, limit: 450 })).older;
  const anyPlace = () => places[Math.floor(random() * places.length)];
  const lists = {
    'a page of everything': () => ({ before: anyPlace() }),
    'a page of messages alone': () => ({ query: messages, before: anyPlace() }),
    'a page of sessions': () => ({ query: { kind: 'isSession' }, before: anyPlace() }),
    'a page of a small inbox': () => ({ inbox: 'small', query: messages }),
    'what is unread': () => ({ query: and({ kind: 'not', query: { kind: 'isRead' } }, messages) }),
    'what is read: nothing': () => ({ query: and({ kind: 'isRead' }, messages) }),
    'has an attachment: 20': () => ({ query: and({ kind: 'hasAttachment' }, messages) }),
    'after a time: everything': () => ({ query: and({ kind: 'after', time: new Date(0) }, messages) }),
    'before a time: nothing': () => ({ query: and({ kind: 'before', time: new Date(0) }, messages) }),
    'larger: nothing': () => ({ query: and({ kind: 'larger', bytes: 1e9 }, messages) }),
    'a Message-ID': () => ({
      query: { kind: 'messageId', messageId: `<${Math.floor(random() * messageCount)}@a.example>` },
    }),
    'a tag that no message has': () => ({ query: and({ kind: 'tag', tag: 'none' }, messages) }),
    'two common words': () => ({ query: and(words('w1'), words('w2'), messages) }),
    'a common and a rare word': () => ({
      query: and(words('always'), words(`w${15_000 + Math.floor(random() * 5_000)}`), messages),
    }),
    'two rare words': () => ({
      query: and(words(`r${Math.floor(random() * messageCount)}`, 'to'), words('b example'), messages),
    }),
    'two common words that never meet': () => ({ query: and(words('half0'), words('half1'), messages) }),
    'one word or the other, both common': () => ({
      query: and({ kind: 'or', queries: [words('w1'), words('w2')] }, messages),
    }),
    'not a common word': () => ({ query: and({ kind: 'not', query: words('always') }, messages) }),
    'a word by its beginning': () => ({ query: and({ ...words('w1'), isPrefix: true }, messages) }),
    'a field of the header: nothing': () => ({ query: { kind: 'header', name: 'x-field-11', contains: 'nothing' } }),
  };
  for (const [name, options] of Object.entries(lists)) row(name, await measure(() => store.list(options())));
  row('counts', await measure(() => store.counts()));
}

/** Adds go on while a search that looks through everything is always under way. */
async function measureAddingBesideSearch(store) {
  row('add, one at a time', await measure(() => store.add(messageOf(1))));
  let isOver = false;
  const query = { kind: 'header', name: 'x-field-11', contains: 'nothing' };
  const searching = (async () => {
    while (!isOver) await store.list({ query });
  })();
  row('add, while somebody searches', await measure(() => store.add(messageOf(1)), 3_000));
  isOver = true;
  await searching;
}

async function measureChanging(store) {
  const ids = (await store.list({ limit: 1_000 })).messages.map(({ id }) => id);
  row('delete one', await measure(() => store.delete(ids.splice(0, 1))));
  let deletion;
  row('delete all', [await milliseconds(async () => void (deletion = await store.clear()))]);
  row('bring all back', [await milliseconds(() => store.restore(deletion.id))]);
}

async function measure(work, ms = 1_000) {
  const taken = [];
  for (const start = performance.now(); taken.length < 3 || (taken.length < 200 && performance.now() - start < ms);) {
    taken.push(await milliseconds(work));
  }
  return taken;
}

async function milliseconds(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function row(name, taken) {
  const sorted = [...taken].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))].toFixed(1);
  print(`| ${name} | ${sorted.length} | ${at(0.5)} | ${at(0.95)} | ${at(1)} |`);
}

function print(line) {
  process.stdout.write(`${line}\n`);
}

/** The same numbers each time (a linear congruential generator). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
