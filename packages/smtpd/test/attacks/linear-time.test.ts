/**
 * Time: work is linear in what arrives, for every pattern of octets. Steps are counted, not seconds: V8 counts how often each block of our
 * code runs, and what the octet primitives look at or copy in one native call is counted beside it. Twice the input may take little more
 * than twice the steps.
 */

import { Session } from 'node:inspector/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { octets } from '../../src/protocol/octets.js';
import type { SMTPServerOptions } from '../../src/server/server-options.js';
import { RawClient } from '../support/raw-client.js';
import { KeepingServer } from '../server/support.js';
import { Attacker } from './support.js';

const inspector = new Session();
let octetsLookedAt = 0;
const originals = { ...octets };

beforeAll(async () => {
  inspector.connect();
  await inspector.post('Profiler.enable');
  await inspector.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  Object.assign(octets, {
    indexOf: (bytes: Uint8Array, octet: number, from: number) => {
      const found = originals.indexOf(bytes, octet, from);
      octetsLookedAt += (found === -1 ? bytes.length : found + 1) - from;
      return found;
    },
    copy: (source: Uint8Array, start: number, end: number, target: Uint8Array, targetStart: number) => {
      octetsLookedAt += end - start;
      originals.copy(source, start, end, target, targetStart);
    },
    decodeLatin1: (bytes: Uint8Array, start: number, end: number) => {
      octetsLookedAt += end - start;
      return originals.decodeLatin1(bytes, start, end);
    },
    concat: (pieces: readonly Uint8Array[]) => {
      octetsLookedAt += pieces.reduce((sum, { length }) => sum + length, 0);
      return originals.concat(pieces);
    },
  });
});

afterAll(async () => {
  Object.assign(octets, originals);
  await inspector.post('Profiler.stopPreciseCoverage');
  inspector.disconnect();
});

/** How many blocks of our code ran, and how many octets were looked at, while this went on. */
async function countSteps(work: () => Promise<void>): Promise<number> {
  await inspector.post('Profiler.takePreciseCoverage');
  octetsLookedAt = 0;
  await work();
  const { result } = await inspector.post('Profiler.takePreciseCoverage');
  const blocks = result
    .filter(({ url }) => url.includes('/packages/smtpd/src/'))
    .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges.map(({ count }) => count)));
  return blocks.reduce((sum, count) => sum + count, 0) + octetsLookedAt;
}

/** Plays this with input of one length and of twice that, and compares. */
async function expectLinear(play: (times: number) => Promise<void>, times: number): Promise<void> {
  // What runs once, such as making the replies that are kept, is no part of it.
  await play(10);
  const once = await countSteps(() => play(times));
  const twice = await countSteps(() => play(2 * times));
  expect(once).toBeGreaterThan(0);
  expect(twice / once).toBeLessThan(RATIO_MAX);
}

async function withClient(options: SMTPServerOptions, talk: (client: Attacker) => Promise<void>): Promise<void> {
  await using server = new KeepingServer({ limits: PATIENT, dataSizeLimit: null, ...options });
  await server.listen();
  await using client = await Attacker.connect(server);
  await client.command('EHLO client.example');
  await talk(client);
}

async function sendContent(client: Attacker, content: string): Promise<void> {
  expect(await client.commands('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA')).toEqual([250, 250, 354]);
  await client.send(`${content}\r\n.\r\n`);
  expect([250, 550]).toContain((await client.reply()).code);
}

describe.each(['reject', 'normalize', 'preserve'] as const)('content, with lineEndings: %s', (lineEndings) => {
  it.each([
    ['lines', `${'x'.repeat(76)}\r\n`],
    ['lines of a dot and more', '..\r\n'],
    ['dots', '.'],
    ['CR', '\r'],
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CRLF dot CR', '\r\n.\r'],
    ['LF dot LF', '\n.\n'],
    ['one line', 'x'],
    ['NUL', '\0'],
    ['a letter and LF', 'x\n'],
    ['header fields', 'X: y\r\n'],
  ])('%s', (_name, pattern) =>
    expectLinear(
      (times) => withClient({ lineEndings }, (client) => sendContent(client, pattern.repeat(times))),
      Math.ceil(200_000 / pattern.length),
    ),
  );
});

it(
  'a header block of a million lines, and of two million',
  () =>
    expectLinear(
      (times) =>
        withClient({ limits: PATIENT }, async (client) => {
          await client.commands('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA');
          const lines = Buffer.from('X: y\r\n'.repeat(Math.min(times, 100_000)));
          for (let sent = 0; sent < times; sent += 100_000) await client.send(lines);
          await client.send('.\r\n');
          expect((await client.reply()).code).toBe(250);
        }),
      1_000_000,
    ),
  60_000,
);

it('content in chunks of one octet', () =>
  expectLinear(
    (times) =>
      withClient({}, async (client) => {
        await client.commands('MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>');
        await client.send(`${'BDAT 1\r\nx'.repeat(times)}BDAT 0 LAST\r\n`);
        await client.codes(times + 1);
      }),
    1_000,
  ));

describe('commands', () => {
  it.each([
    ['RSET', 'RSET\r\n'],
    ['what nobody knows', 'XBOGUS\r\n'],
    ['empty lines', '\r\n'],
    ['lines that are too long', `NOOP ${'x'.repeat(1_000)}\r\n`],
    ['lines with bare CR', `${'\r'.repeat(400)}\r\n`],
    ['VRFY of blanks', `VRFY x${' '.repeat(490)}x\r\n`],
    ['AUTH of blanks', `AUTH ${' '.repeat(490)}\r\n`],
    ['ETRN', `ETRN ${'-'.repeat(490)}\r\n`],
  ])('%s', (_name, line) =>
    expectLinear(
      (times) =>
        withClient({}, async (client) => {
          for (let from = 0; from < times; from += 10) {
            await client.send(line.repeat(10));
            await client.codes(10);
          }
        }),
      300,
    ),
  );

  it('RCPT, pipelined', () =>
    expectLinear(
      (times) =>
        withClient({}, async (client) => {
          await client.command('MAIL FROM:<a@a.example>');
          await client.send('RCPT TO:<b@b.example>\r\n'.repeat(times));
          await client.codes(times);
        }),
      1_000,
    ));

  // With lines as long as they are: what one path costs must not grow faster than the path.
  it.each<[string, (length: number) => string]>([
    ['a quoted string', (length) => `MAIL FROM:<"${'a b'.repeat(length)}"@a.example>`],
    ['quoted pairs', (length) => `MAIL FROM:<"${'\\"'.repeat(length)}"@a.example>`],
    ['a quoted string without an end', (length) => `MAIL FROM:<"${'\\\\'.repeat(length)}`],
    ['a dot-string', (length) => `MAIL FROM:<${'a.'.repeat(length)}a@a.example>`],
    ['a domain', (length) => `MAIL FROM:<a@${'a-'.repeat(length)}a.example>`],
    ['a domain of hyphens', (length) => `MAIL FROM:<a@a${'-'.repeat(length)}>`],
    ['a source route', (length) => `MAIL FROM:<${'@a.example,'.repeat(length)}@a.example:a@a.example>`],
    ['an address literal', (length) => `MAIL FROM:<a@[IPv6:${'1:'.repeat(length)}]>`],
    ['brackets', (length) => `MAIL FROM:${'<'.repeat(length)}`],
    [
      'parameters',
      (length) => `MAIL FROM:<a@a.example>${Array.from({ length }, (_, n) => ` X${String(n)}=1`).join('')}`,
    ],
    ['one parameter many times', (length) => `MAIL FROM:<a@a.example>${' SIZE=1'.repeat(length)}`],
    ['blanks', (length) => `MAIL FROM:<a@a.example>${' '.repeat(length)}X`],
    ['blanks in VRFY', (length) => `VRFY ${'x '.repeat(length)}`],
    ['UTF-8', (length) => `MAIL FROM:<${'\xc3\xa9'.repeat(length)}@a.example> SMTPUTF8`],
  ])('a long line with %s', (_name, lineOf) =>
    expectLinear(
      (length) =>
        withClient({ limits: { ...PATIENT, commandLengthBytesMax: 1_000_000 } }, async (client) => {
          await client.command(lineOf(length));
        }),
      10_000,
    ),
  );
});

describe('packets of one octet', () => {
  it.each([
    ['commands', 'NOOP and more\r\n'.repeat(10)],
    ['one line', 'x'.repeat(140)],
    ['CR', '\r'.repeat(140)],
  ])('that are %s', (_name, text) =>
    // In memory: there nobody joins what was sent apart.
    expectLinear(async (times) => {
      await using server = new KeepingServer({ limits: { ...PATIENT, commandLengthBytesMax: 1_000_000 } });
      const client = RawClient.inMemory(server);
      await client.command('EHLO client.example');
      for (const octet of text.repeat(times)) client.send(octet);
      client.send('\r\nQUIT\r\n');
      await client.closed();
    }, 60),
  );

  it('that are content', () =>
    expectLinear(async (times) => {
      await using server = new KeepingServer({ limits: PATIENT, lineEndings: 'preserve' });
      const client = RawClient.inMemory(server);
      for (const line of ['EHLO c', 'MAIL FROM:<a@a.example>', 'RCPT TO:<b@b.example>', 'DATA'])
        await client.command(line);
      for (const octet of '..x\r\n.\r\r\n\n.\n'.repeat(times)) client.send(octet);
      client.send('\r\n.\r\nQUIT\r\n');
      await client.closed();
    }, 1_000));
});

/** No session ends before all that it is sent was looked at. */
const PATIENT = {
  errorsMax: Infinity,
  refusalsMax: Infinity,
  idleCommandsMax: Infinity,
  recipientsMax: Infinity,
  discardedLineBytesMax: 10_000_000,
  contentLineBytesMax: Infinity,
};
/** Twice, and what depends on how the octets came in reads. Quadratic work would come to four times. */
const RATIO_MAX = 2.6;
