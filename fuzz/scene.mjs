/**
 * Scenes for real sockets: a server of some kind, what its application does and when, and clients that do not behave. One seed, one scene; it
 * is a value, and `scene-player.mjs` plays it. Text is Latin-1: one character, one octet.
 *
 * A `talk` is a conversation of `grammar.mjs` with a server of `configurations.mjs`, which the reference model knows the outcome of, however
 * it is cut, and whatever others say at the same time. In a `staged` scene somebody closes, cuts, fails or hangs at one point; there it is the
 * ways of taking connections that are compared with each other.
 */

import { configurationOf, CONFIGURATION_NAMES } from './configurations.mjs';
import { sessionOf } from './grammar.mjs';
import { Random } from './random.mjs';

/** The scene of a seed. @param {number} seed */
export function sceneOf(seed) {
  const random = new Random(seed);
  return random.chance(0.4) ? talkOf(random, seed) : stagedOf(random);
}

// ---- Talks ------------------------------------------------------------------------------------------------------------

function talkOf(random, seed) {
  const configuration = random.pick(CONFIGURATION_NAMES);
  const { needsLockstep } = configurationOf(configuration);
  const listens = random.pick(LISTENS);
  return {
    kind: 'talk',
    configuration,
    listens,
    // By a Unix socket nobody is a proxy.
    proxied: listens !== 'unix' && random.chance(0.3) ? random.integer(1, 2) : 0,
    isWatched: random.chance(0.3),
    touchedAt: random.chance(0.2) ? random.pick(['connect', 'helo', 'mail', 'rcpt', 'data']) : undefined,
    // There they could not be told from each other.
    clients: random.list(1, listens === 'unix' ? 1 : 5, (index) => {
      const session = sessionOf(seed * 8 + index, { names: [configuration] });
      const { packets, isEager } = session;
      return {
        session: {
          ...session,
          packets: random.chance(0.4) ? cutShort(random, packets) : packets,
          end: random.weighted([
            [6, 'halfClose'],
            [2, 'reset'],
            [1, 'destroy'],
          ]),
        },
        // Where it matters what came together it stays together.
        pieceBytesMax: needsLockstep ? Infinity : random.pick([Infinity, Infinity, 1, 7, 200, 5_000]),
        isDeaf: isEager && random.chance(0.3),
      };
    }),
  };
}

/** The packets up to an octet that may be anywhere. */
function cutShort(random, packets) {
  const total = packets.reduce((sum, { length }) => sum + length, 0);
  let left = random.integer(0, total);
  const kept = [];
  for (const packet of packets) {
    if (left <= 0) break;
    kept.push(packet.slice(0, left));
    left -= packet.length;
  }
  return kept;
}

// ---- Staged scenes ----------------------------------------------------------------------------------------------------

function stagedOf(random) {
  const server = stagedServer(random);
  return {
    kind: 'staged',
    server,
    act: random.chance(0.75) ? actOf(random, server) : undefined,
    bystanders: random.weighted([
      [6, 0],
      [2, 1],
      [1, 3],
    ]),
    steps: stepsOf(random, server),
    isCounted: random.chance(0.2),
    // One that keeps its side open makes the server wait a while, in real time.
    closesAtEnd: random.chance(0.97),
  };
}

function stagedServer(random) {
  const role = random.weighted([
    [7, 'whole'],
    [6, 'streaming'],
    [3, 'proxy'],
  ]);
  const listens = random.pick(LISTENS);
  return {
    role,
    listens,
    protocol: role !== 'proxy' && random.chance(0.2) ? 'lmtp' : 'smtp',
    tls: random.weighted([
      [6, 'off'],
      [2, 'offer'],
      [1, 'implicit'],
    ]),
    proxied: listens !== 'unix' && random.chance(0.2) ? random.integer(1, 2) : 0,
    hooks: random.weighted([
      [2, 'none'],
      [3, 'now'],
      [2, 'late'],
      [1, 'batch'],
    ]),
    watched: random.weighted([
      [2, 'few'],
      [1, 'all'],
    ]),
    body: random.pick(BODIES),
    limits: random.chance(0.3) ? SMALL_LIMITS : {},
    dataSizeLimit: random.chance(0.2) ? 10_000 : undefined,
    // Of the server behind a proxy.
    upstreamTLS: role === 'proxy' && random.chance(0.4) ? 'offer' : 'off',
  };
}

function actOf(random, { role, hooks }) {
  const atHooks = hooks === 'none' ? [] : HOOK_STAGES;
  const ofRole = role === 'whole' ? ['process'] : role === 'streaming' ? ['stream', 'body', 'bodyEnd'] : [];
  const stage = random.pick([...atHooks, ...ofRole, ...ofRole, ...EVENT_STAGES, 'XACT', 'XACT', 'made']);
  const mayDecide = HOOK_STAGES.includes(stage) || ofRole.includes(stage) || stage === 'XACT';
  return {
    stage,
    nth: random.weighted([
      [4, 1],
      [1, 2],
      [1, 3],
    ]),
    what: random.pick(mayDecide ? [...DEEDS, ...DECISIONS] : DEEDS),
    // Of two servers one behind the other.
    isUpstream: role === 'proxy' && random.chance(0.5),
  };
}

/** What the client does, one thing after the other. */
function stepsOf(random, server) {
  const style = random.weighted([
    [3, 'lockstep'],
    [3, 'groups'],
    [2, 'flood'],
  ]);
  const steps = [];
  if (random.chance(0.1)) steps.push({ do: 'deaf' });
  if (server.proxied > 0) steps.push(...proxySteps(random, server.proxied));
  if (server.tls === 'implicit') steps.push(...handshakeSteps(random));
  if (style === 'lockstep') steps.push(QUIET);
  const hello = `${server.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} client.example\r\n`;
  if (random.chance(0.95)) steps.push(send(hello));
  if (style !== 'flood') steps.push(QUIET);
  if (server.tls === 'offer' && random.chance(0.75)) {
    steps.push(send(`STARTTLS\r\n${random.chance(0.15) ? 'MAIL FROM:<evil@a.example>\r\nNOOP\r\n' : ''}`), QUIET);
    steps.push(...handshakeSteps(random), send(hello), QUIET);
  }
  for (const unit of random.list(1, 4, (index) => unitsOf(random, style, index)).flat()) {
    if (typeof unit !== 'string') steps.push(unit);
    else if (style === 'lockstep') steps.push(send(unit), QUIET);
    else steps.push(send(unit));
    if (style === 'groups' && random.chance(0.3)) steps.push(QUIET);
  }
  if (random.chance(0.5)) steps.push(send('QUIT\r\n'));
  if (random.chance(0.1)) steps.push(send('NOOP\r\nRSET\r\n'));
  return disturbed(random, inPieces(random, joined(random, steps)));
}

function unitsOf(random, style, index) {
  return random.weighted([
    [8, () => transaction(random, style, index)],
    [2, () => [`XACT ${index}\r\n`]],
    [1, () => ['XASK\r\n', ...(style === 'flood' ? [] : [QUIET]), 'An answer\r\n']],
    [1, () => [`AUTH PLAIN ${random.pick(['AGFsaWNlAHNlY3JldA==', 'AGFsaWNlAHdyb25n', '='])}\r\n`]],
    [0.7, () => ['AUTH LOGIN\r\n', QUIET, 'YWxpY2U=\r\n', QUIET, random.pick(['c2VjcmV0\r\n', '*\r\n'])]],
    [1, () => ['NOOP\r\nRSET\r\n']],
    [1, () => ['VRFY someone\r\n']],
    [1, () => ['BAD\r\n'.repeat(random.integer(1, 8))]],
    [0.7, () => ['HELP\r\n'.repeat(random.pick([300, 3_000, 40_000]))]],
    [0.5, () => [{ do: 'rawSend', hex: '16030100a5010000a1' }]],
    [0.4, () => [`NOOP ${'x'.repeat(random.pick([600, 70_000]))}\r\n`]],
  ])();
}

function transaction(random, style, index) {
  const recipients = random.list(1, 4, (each) => `RCPT TO:<r${each}@b.example>\r\n`);
  const content = contentOf(random);
  const envelope = [`MAIL FROM:<s${index}@a.example>\r\n`, ...recipients];
  if (random.chance(0.3)) {
    const middle = random.integer(0, content.length);
    const [first, last] = [content.slice(0, middle), content.slice(middle)];
    return [...envelope, `BDAT ${first.length}\r\n${first}`, `BDAT ${last.length} LAST\r\n${last}`];
  }
  const given = [`${content.replace(/^\./gm, '..')}.\r\n`];
  // In the middle of the content somebody may look at what became of it.
  if (random.chance(0.3))
    given.splice(0, 1, given[0].slice(0, content.length / 2), QUIET, given[0].slice(content.length / 2));
  return style === 'flood' ? [...envelope, 'DATA\r\n', ...given] : [...envelope, 'DATA\r\n', QUIET, ...given];
}

function contentOf(random) {
  const line = random.pick(['Hello\r\n', '.dots\r\n', '\r\n', `${'x'.repeat(900)}\r\n`, 'bare\n', '\xe9\r\n']);
  const bytes = random.pick([0, 10, 1_000, 20_000, 65_536, 300_000]);
  return `Subject: scene\r\n\r\n${line.repeat(Math.floor(bytes / line.length))}`;
}

/** A header of PROXY, mostly as it should be. */
function proxySteps(random, version) {
  const header = proxyHeader(version, { address: '192.0.2.7', port: 40_001 });
  const sent = random.weighted([
    [12, header],
    [1, header.slice(0, random.integer(0, header.length - 1))],
    [1, 'EHLO nobody.example\r\n'],
    [1, ''],
  ]);
  return [send(sent), ...(random.chance(0.5) ? [QUIET] : [])];
}

/** What a proxy says before the client's first octet. */
export function proxyHeader(version, { address, port }) {
  if (version === 1) return `PROXY TCP4 ${address} 127.0.0.1 ${port} 25\r\n`;
  const numbers = [...address.split('.').map(Number), 127, 0, 0, 1, port >> 8, port & 0xff, 0, 25];
  return `\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c${String.fromCharCode(...numbers)}`;
}

function handshakeSteps(random) {
  return random.weighted([
    [12, [{ do: 'secure' }, QUIET]],
    [1, [{ do: 'rawSend', hex: '160301' }, QUIET]],
    [1, [send('NOOP\r\nRSET\r\n'), QUIET]],
    [1, [{ do: 'rawSend', hex: '1603010005ffffffffff' }, QUIET]],
    // An alert of TLS, as of somebody who does not like our certificate.
    [1, [{ do: 'rawSend', hex: '15030300020230' }, QUIET]],
    // It ends without saying so in TLS, or breaks what is secured.
    [1, [{ do: 'secure' }, QUIET, { do: 'rawEnd' }, QUIET]],
    [1, [{ do: 'secure' }, { do: 'rawSend', hex: '1703030010000102030405060708090a0b0c0d0e0f' }, QUIET]],
  ]);
}

/** Neighbouring packets, at times in one. */
function joined(random, steps) {
  if (random.chance(0.5)) return steps;
  const result = [];
  for (const step of steps) {
    const last = result.at(-1);
    if (step.do === 'send' && last?.do === 'send' && random.chance(0.8)) last.text += step.text;
    else result.push({ ...step });
  }
  return result;
}

function inPieces(random, steps) {
  const pieceBytesMax = random.pick([Infinity, Infinity, 1, 10, 4_000]);
  return steps.map((step) => (step.do === 'send' && step.text.length < 3_000 ? { ...step, pieceBytesMax } : step));
}

/** Something happens that nobody has planned, anywhere: behind a step, or in the middle of what is sent. */
function disturbed(random, steps) {
  if (random.chance(0.2)) return steps;
  const at = random.integer(0, steps.length);
  const [before, after] = [steps.slice(0, at), steps.slice(at)];
  const last = before.at(-1);
  if (last?.do === 'send' && random.chance(0.5)) {
    before.pop();
    before.push({ ...last, text: last.text.slice(0, random.integer(0, last.text.length)) });
  }
  if (random.chance(0.6)) before.push(QUIET);
  const isEnd = random.chance(0.6);
  const disturbance = random.pick(isEnd ? ENDS : DISTURBANCES);
  return isEnd ? [...before, disturbance, QUIET] : [...before, disturbance, QUIET, ...after];
}

function send(text) {
  return { do: 'send', text };
}

const QUIET = Object.freeze({ do: 'quiet' });
const LISTENS = ['IPv4', 'IPv4', 'IPv6', 'unix'];
const SMALL_LIMITS = {
  errorsMax: 4,
  idleCommandsMax: 6,
  recipientsMax: 3,
  messagesMax: 2,
  discardedLineBytesMax: 3_000,
  unreadRepliesBytesMax: 4_000,
  sessionBytesMax: 200_000,
};
/** How an application reads `message.body`. */
const BODIES = ['loop', 'loop', 'slow', 'later', 'leave', 'fail', 'none', 'two', 'afterwards', 'hang'];
const HOOK_STAGES = ['connect', 'helo', 'auth', 'mail', 'rcpt', 'data', 'reset', 'close'];
const EVENT_STAGES = [
  'connect',
  'command',
  'reply',
  'message',
  'disconnect',
  'limit',
  'violation',
  'secured',
  'fault',
].map((name) => `on ${name}`);
/** What can be done anywhere. */
const DEEDS = [
  'closeNow',
  'closeSoon',
  'closeAborted',
  'touch',
  'touch',
  'connDestroy',
  'connFail',
  'connEnd',
  'connReset',
  'channelClose',
  'throw',
  'clientResets',
  'clientEnds',
  'clientLeaves',
];
/** What can be answered where somebody waits for an answer. */
const DECISIONS = ['reject', 'refuse', 'sendAway', 'late', 'lateTouch', 'never', 'untilAborted', 'untilHeldUp'];
const ENDS = [{ do: 'end' }, { do: 'end' }, { do: 'reset' }, { do: 'destroy' }, { do: 'idle' }];
const DISTURBANCES = [
  { do: 'serverClose', graceMs: 0 },
  { do: 'serverClose', graceMs: 5_000 },
  { do: 'deaf' },
  { do: 'clock', ms: 200_000 },
  { do: 'touch' },
  { do: 'release' },
];
