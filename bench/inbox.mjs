/**
 * `npm run bench:inbox`: what the inbox costs beside others of its kind, and how long a person waits at a large one. `--help` lists the
 * options; docs/performance.md says what is measured.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { fillInbox, RARE_WORDS } from './inbox-mail.mjs';
import { INBOX_NAMES, InboxProcess, inboxVersions, installInboxes, missingInbox } from './inbox-processes.mjs';
import { table } from './figures.mjs';
import { LoadGenerator } from './load-generator.mjs';
import { commandLine, machine, machineRows } from './machine.mjs';
import { measureWorkload } from './measure.mjs';
import { hasFailures, workloadTable } from './results.mjs';

const PARTS = ['capture', 'start', 'large'];
const HELP = `Usage: npm run bench:inbox -- [options]

  --only PARTS        ${PARTS.join(', ')}, separated by commas (all)
  --servers NAMES     ${INBOX_NAMES.join(', ')}, separated by commas (all that are there)
  --rounds N          rounds of each server (5)
  --seconds F         how long a round of capturing lasts (2)
  --messages N        how many messages the large inbox has (100000)
  --folder DIR        keep the large inbox there, and use it again when it is there
  --json FILE         write what was captured as JSON, for npm run bench -- --inbox-json FILE
  --install           install MailDev into a cache folder first
  --write-results     write bench/INBOX-RESULTS.md`;

const CAPTURE = [10, 50].flatMap((sessions) =>
  [1, 10].map((kib) => ({
    name: `capture-${sessions}-${kib}k`,
    title: `${kib} KiB, persistent, lock step, ${sessions} sessions`,
    unit: 'messages/s',
    base: 'maildev',
    load: { sessions, size: kib * 1024, mode: 'lockstep' },
  })),
);

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: PARTS.join(',') },
    servers: { type: 'string', default: INBOX_NAMES.join(',') },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    messages: { type: 'string', default: '100000' },
    folder: { type: 'string' },
    json: { type: 'string' },
    install: { type: 'boolean', default: false },
    'write-results': { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});
const rounds = Number(options.rounds);
const messageCount = Number(options.messages);
const lines = [];

if (options.help) process.stdout.write(`${HELP}\n`);
else await bench();

async function bench() {
  if (options.install) installInboxes();
  const names = options.servers.split(',').filter((name) => {
    const how = missingInbox(name);
    if (how !== undefined) say('', `${name} is not here (${how}): the tables are without it.`);
    return how === undefined;
  });
  const generator = new LoadGenerator({ isNodeWanted: false });
  const parts = options.only.split(',');
  const workloads = parts.includes('capture') ? await measureCapture(names, generator) : [];
  if (parts.includes('start')) await measureStart(names, generator);
  if (parts.includes('large')) await measureLarge();
  if (options.json !== undefined) {
    const facts = { machine: machine(), versions: inboxVersions(), generator: generator.description, workloads };
    writeFileSync(options.json, `${JSON.stringify(facts, undefined, 2)}\n`);
  }
  if (options['write-results']) writeFileSync(new URL('INBOX-RESULTS.md', import.meta.url), page(generator));
}

async function measureCapture(serverNames, generator) {
  const workloads = [];
  for (const workload of CAPTURE) {
    const servers = await measureWorkload(workload, {
      serverNames,
      rounds,
      amount: { seconds: Number(options.seconds) },
      generator,
      open: (name) => InboxProcess.open(name),
      onRound: (name, { error }) => {
        process.stderr.write(error === undefined ? '.' : `\n${name}: ${error}\n`);
      },
    });
    process.stderr.write('\n');
    say('', `## ${workload.name}: ${workload.title}`, '', ...workloadTable({ ...workload, servers }));
    workloads.push({ ...workload, servers });
  }
  if (hasFailures({ workloads, idle: [], growth: [] })) process.exitCode = 1;
  return workloads;
}

/** How long it is until they listen, and their memory: idle, and with mail. */
async function measureStart(serverNames, generator) {
  const starts = new Map(serverNames.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, times] of starts) {
      const inbox = await InboxProcess.open(name);
      times.push(inbox.startMs);
      await inbox.close();
    }
  }
  const rows = [];
  for (const [name, times] of starts) {
    const inbox = await InboxProcess.open(name);
    const memory = [await settledMiB(inbox)];
    for (const messages of [1_000, 9_000]) {
      await generator.run(inbox.port, { sessions: 10, size: 1024, mode: 'lockstep', messages });
      memory.push(await settledMiB(inbox));
    }
    const { messages } = await inbox.facts();
    await inbox.close();
    times.sort((a, b) => a - b);
    rows.push([name, ms(at(times, 0.5)), ms(times[0]), ms(at(times, 1)), ...memory.map(String), String(messages)]);
  }
  say(
    '',
    '## start: until SMTP listens and the API answers; resident memory',
    '',
    ...table(
      ['server', 'start ms: median', 'least', 'most', 'idle MiB', 'after 1,000 MiB', 'after 10,000 MiB', 'stored'],
      rows,
    ),
  );
}

async function settledMiB(inbox) {
  await new Promise((resolve) => {
    setTimeout(resolve, 1_000);
  });
  return Math.round(inbox.memory().residentKiB / 1024);
}

/** What a person or a test waits for, by HTTP, where there are many messages. */
async function measureLarge() {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'smtpd-bench-large-'));
  try {
    let inbox = await fill(folder);
    const starts = [];
    for (let round = 0; round < rounds; round += 1) {
      await inbox.close();
      inbox = await InboxProcess.open('inbox-durable', { folder });
      starts.push(inbox.startMs);
    }
    try {
      const idleMiB = await settledMiB(inbox);
      const rows = [['start, until the first answer', ...summary(starts)]];
      for await (const row of largeRows(inbox)) {
        process.stderr.write('.');
        rows.push(row);
      }
      process.stderr.write('\n');
      const { residentKiB, peakKiB } = inbox.memory();
      say(
        '',
        `## large: ${messageCount.toLocaleString('en-US')} messages, by HTTP, one request at a time`,
        '',
        ...table(['what', 'times', 'p50 ms', 'p95 ms', 'most ms'], rows),
        '',
        `Resident memory: ${idleMiB} MiB after the start, ${Math.round(residentKiB / 1024)} MiB after all of this, ${Math.round(peakKiB / 1024)} MiB at most.`,
      );
    } finally {
      await inbox.close();
    }
  } finally {
    if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(folder) {
  const isThere = existsSync(join(folder, 'data'));
  mkdirSync(folder, { recursive: true });
  const inbox = await InboxProcess.open('inbox-durable', { folder });
  if (isThere) return inbox;
  const began = performance.now();
  await fillInbox(inbox.port, messageCount);
  const seconds = (performance.now() - began) / 1_000;
  const { messages } = await inbox.facts();
  if (messages !== messageCount) throw new Error(`${messages} messages are stored, and not ${messageCount}`);
  process.stderr.write(`filled: ${Math.round(messageCount / seconds)} messages/s\n`);
  return inbox;
}

async function* largeRows(inbox) {
  const get = async (path) => {
    const { status, text } = await inbox.ask({ path: `/api/v1${path}` });
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text);
  };
  const search = (q) => `/messages?q=${encodeURIComponent(q)}`;
  const places = [];
  for (let before = ''; before !== undefined;) {
    const { entries, older } = await get(`/messages?limit=1000${before}`);
    if (older !== undefined) places.push({ before: older, id: entries.at(-1).id });
    before = older === undefined ? undefined : `&before=${encodeURIComponent(older)}`;
  }
  const any = () => places[Math.floor(Math.random() * places.length)];
  const pageFrom = ({ before }) => `/messages?before=${encodeURIComponent(before)}`;
  const reads = {
    'the first page': () => '/messages',
    'a page anywhere': () => pageFrom(any()),
    'the last page': () => pageFrom(places.at(-1)),
    'the first page, with sessions': () => '/messages?sessions=true',
    counts: () => '/counts',
    'a message, read': () => `/messages/${any().id}`,
    'search: two common words': () => search('w1 w2'),
    'search: a common and a rare word': () => search(`always ${rareWord()}`),
    'search: two rare words': () => search(`${rareWord()} ${rareWord()}`),
    'search: two common words that never meet': () => search('half0 half1'),
    'search: words that nobody wrote': () => search('nobody wrote'),
    'search: two words as a phrase': () => search('"w1 w2"'),
    'search: from: and subject:': () => search('from:s7@a.example subject:always'),
    'search: to: one of 100,000': () => search(`to:r${Math.floor(Math.random() * messageCount)}@b.example`),
    'search: is:unread has:attachment': () => search('is:unread has:attachment'),
    'search: larger:1M, of which there is none': () => search('larger:1M'),
    'search: before: long ago, nothing': () => search('before:2001-01-01'),
    'search: header: a field that all have, with a text that none has': () => search('header:"X-Number: nothing"'),
    'search: one common word OR another': () => search('w1 OR w2'),
    'search: without a common word': () => search('w1 -always'),
    'wait: for one that is there, by its recipient': () =>
      `/wait?timeout=1&to=r${Math.floor(Math.random() * messageCount)}@b.example`,
    'wait: for one that is there, by words': () => `/wait?timeout=1&subject=always&body=w1`,
  };
  for (const [name, path] of Object.entries(reads)) yield [name, ...summary(await repeated(() => get(path())))];
  const remove = async (ids) => {
    const { status, text } = await inbox.ask({ method: 'POST', path: '/api/v1/messages/delete', body: { ids } });
    if (status !== 200) throw new Error(`delete: ${status} ${text}`);
    return JSON.parse(text);
  };
  const restores = [];
  const ofPage = async (limit) =>
    (await get(`/messages?limit=${limit}&before=${encodeURIComponent(any().before)}`)).entries.map(({ id }) => id);
  const undo = async ({ id }) => {
    const began = performance.now();
    const { status } = await inbox.ask({ method: 'POST', path: `/api/v1/deletions/${id}/restore`, body: undefined });
    if (status !== 200) throw new Error(`restore: ${status}`);
    restores.push(performance.now() - began);
  };
  for (const [name, count] of [
    ['delete one', 1],
    ['delete 1,000', 1_000],
  ]) {
    const times = [];
    for (let round = 0; round < (count === 1 ? 50 : 10); round += 1) {
      const ids = await ofPage(count);
      const began = performance.now();
      const deletion = await remove(ids);
      times.push(performance.now() - began);
      // The inbox is to be used again as it was.
      await undo(deletion);
    }
    yield [name, ...summary(times)];
  }
  yield ['bring back 1,000', ...summary(restores.slice(-10))];
}

function rareWord() {
  return RARE_WORDS[Math.floor(Math.random() * RARE_WORDS.length)];
}

async function repeated(work) {
  const times = [];
  for (
    const start = performance.now();
    times.length < 5 || (times.length < 200 && performance.now() - start < 3_000);
  ) {
    const began = performance.now();
    await work();
    times.push(performance.now() - began);
  }
  return times;
}

function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return [String(sorted.length), ...[0.5, 0.95, 1].map((share) => ms(at(sorted, share)))];
}

function at(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

function ms(value) {
  return value.toFixed(1);
}

function page(generator) {
  return [
    '# Results of the bench of the inbox',
    '',
    'Written by `npm run bench:inbox -- --write-results`. What is measured: [docs/performance.md](../docs/performance.md).',
    '',
    ...table(
      ['', ''],
      [
        ...machineRows(machine()),
        [
          'versions',
          Object.entries({ node: process.version, ...inboxVersions() })
            .map((pair) => pair.join(' '))
            .join(', '),
        ],
        ['command', `\`${commandLine('bench:inbox')}\``],
        ['load', generator.description],
      ],
    ),
    ...lines,
    '',
  ].join('\n');
}

function say(...said) {
  lines.push(...said);
  process.stdout.write(`${said.join('\n')}\n`);
}
