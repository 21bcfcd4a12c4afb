/**
 * The load generator of `load.c` for machines without a C compiler: the same options, the same conversations, the same line of
 * JSON. It costs several times as much, so a fast server may wait for it; the bench shows how busy it was.
 */
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { connect as connectTLS } from 'node:tls';

const [port, ...words] = process.argv.slice(2);
const MODES = ['lockstep', 'group', 'behind', 'bdat', 'handshakes', 'burst'];
/** So many connections at a time are being greeted, except in a burst. */
const GREETINGS_AT_A_TIME = 64;
const options = {
  sessions: 10,
  size: 1024,
  line: 70,
  stuffed: 0,
  recipients: 1,
  parameters: 0,
  mode: 'lockstep',
  perconnection: 0,
  seconds: 1,
  messages: 0,
  tls: 0,
  phased: 0,
  idle: 0,
};
for (let index = 0; index < words.length; index += 2) {
  const [name, value] = words.slice(index, index + 2);
  if (!Object.hasOwn(options, name) || value === undefined) fail(`there is no option ${name}`);
  options[name] = name === 'mode' ? value : Number(value);
}
if (!MODES.includes(options.mode)) fail(`there is no mode ${options.mode}`);
if (options.mode === 'handshakes') Object.assign(options, { tls: 1, perconnection: 1 });
if (options.phased === 1 && options.perconnection > 0) fail('phases are for sessions that last');

// The replies that a batch calls for: a class, or '.' for one of class 2 that acknowledges a message.
const MAIL_PARAMETERS = options.parameters === 1 ? ` SIZE=${options.size} BODY=8BITMIME` : '';
const MAIL = batch(`MAIL FROM:<sender@example.test>${MAIL_PARAMETERS}\r\n`, '2');
const RCPT = batch('RCPT TO:<recipient@example.test>\r\n', '2');
const DATA = batch('DATA\r\n', '3');
const GREETING = batch('', '2');
const EHLO = batch('EHLO load.example.test\r\n', '2');
const STARTTLS = batch('STARTTLS\r\n', '2');
const QUIT = batch('QUIT\r\n', '2');
const CONTENT = { octets: makeContent(), replies: '.' };
const CHUNK = { octets: CONTENT.octets.subarray(0, options.size), replies: '' };
const envelope = [MAIL, ...Array.from({ length: options.recipients }, () => RCPT), DATA];
const GROUP = joined(envelope);
const CONTENT_AND_GROUP = joined([CONTENT, ...envelope]);
const TRANSACTION = joined([...envelope.slice(0, -1), batch(`BDAT ${options.size} LAST\r\n`, '.'), CHUNK]);
const FIRST_OF_MODE = { lockstep: MAIL, bdat: TRANSACTION };

const counts = { begun: 0, acknowledged: 0, handshakes: 0, sentOctets: 0, connections: 0, ready: 0, open: 0 };
let startedAt;
let lastAcknowledgedAt;
const waiting = [];
const parked = [];
const wantedSessions = options.idle > 0 ? options.idle : options.sessions;
const isLasting = options.perconnection === 0 && options.mode !== 'burst';
const openedAt = performance.now();
if (!isLasting) startedAt = openedAt;
// Where the run has phases, a line of standard input ends each.
const lines = options.phased === 1 ? createInterface({ input: process.stdin }) : undefined;

class Session {
  #socket;
  #isSecure = false;
  #batch = GREETING;
  #answered = 0;
  #recipientsLeft = 0;
  #messages = 0;
  #column = 0;
  #head = '';

  constructor() {
    counts.open += 1;
    counts.connections += 1;
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(4096),
        callback: (length, octets) => this.#take(octets.subarray(0, length)),
      },
    });
    this.#attach();
  }

  #attach() {
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('end', () => {
      if (this.#batch !== QUIT || this.#answered === 0) fail('the server closed the connection');
      counts.open -= 1;
      if (options.perconnection > 0 && isTimeLeft()) new Session();
      else if (counts.open === 0) finish();
    });
  }

  /** RFC 3207 §4.2: under TLS the session begins anew, without a greeting. Nothing is resumed or verified. */
  #shakeHands() {
    const plain = this.#socket;
    plain.removeAllListeners('end');
    this.#socket = connectTLS({ socket: plain, rejectUnauthorized: false, ecdhCurve: 'X25519' }, () => {
      this.#isSecure = true;
      this.#send(EHLO);
    });
    this.#socket.on('data', (octets) => this.#take(octets));
    this.#attach();
  }

  quit() {
    this.#send(QUIT);
  }

  beginMessage() {
    if (!this.#mayBegin()) {
      endMessages(this);
      return;
    }
    this.#countBegun();
    this.#send(FIRST_OF_MODE[options.mode] ?? GROUP);
  }

  #mayBegin() {
    return (options.perconnection === 0 || this.#messages < options.perconnection) && isTimeLeft();
  }

  #countBegun() {
    counts.begun += 1;
    this.#messages += 1;
    this.#recipientsLeft = options.recipients;
  }

  #send(batch) {
    this.#batch = batch;
    this.#answered = 0;
    counts.sentOctets += batch.octets.length;
    if (batch.octets.length > 0) this.#socket.write(batch.octets);
  }

  #take(octets) {
    for (const octet of octets) {
      if (this.#column < 4) this.#head += String.fromCharCode(octet);
      this.#column += 1;
      if (octet !== 0x0a) continue;
      const head = this.#head;
      this.#column = 0;
      this.#head = '';
      if (head[3] !== '-') this.#takeReply(head);
    }
    return true;
  }

  #takeReply(head) {
    const wanted = this.#batch.replies[this.#answered];
    if (head[0] !== (wanted === '.' ? '2' : wanted)) fail(`unexpected reply ${head}`);
    if (wanted === '.') {
      counts.acknowledged += 1;
      lastAcknowledgedAt = performance.now();
    }
    this.#answered += 1;
    if (this.#answered === this.#batch.replies.length) this.#batchAnswered();
  }

  #batchAnswered() {
    switch (this.#batch) {
      case GREETING:
        if (options.mode === 'burst') isReady(this);
        else this.#send(EHLO);
        return;
      case EHLO:
        if (options.tls === 1 && !this.#isSecure) this.#send(STARTTLS);
        else isReady(this);
        return;
      case STARTTLS:
        this.#shakeHands();
        return;
      case MAIL:
      case RCPT:
        this.#recipientsLeft -= 1;
        this.#send(this.#recipientsLeft >= 0 ? RCPT : DATA);
        return;
      case CONTENT:
      case TRANSACTION:
        this.beginMessage();
        return;
      case QUIT:
        return;
      default:
        if (options.mode === 'behind' && this.#mayBegin()) {
          this.#countBegun();
          this.#send(CONTENT_AND_GROUP);
        } else {
          this.#send(CONTENT);
        }
    }
  }
}

/** Connections that last are all greeted before the clock starts. */
function isReady(session) {
  counts.ready += 1;
  openMore();
  if (options.idle > 0) return;
  if (options.mode === 'handshakes') {
    counts.begun += 1;
    counts.handshakes += 1;
    lastAcknowledgedAt = performance.now();
    session.quit();
    return;
  }
  waiting.push(session);
  if (options.mode === 'burst') {
    lastAcknowledgedAt = performance.now();
    if (waiting.length === options.sessions) quitAll(waiting);
    return;
  }
  if (startedAt === undefined && counts.ready < options.sessions) return;
  if (startedAt === undefined && options.phased === 1) {
    print({ ready: counts.ready });
    lines.once('line', beginAll);
    return;
  }
  beginAll();
}

function beginAll() {
  startedAt ??= performance.now();
  for (const each of waiting.splice(0)) each.beginMessage();
}

/** Where the run has phases, a session that has sent its last message waits for the others. */
function endMessages(session) {
  if (options.phased === 0) {
    session.quit();
    return;
  }
  parked.push(session);
  if (parked.length < options.sessions) return;
  print(result());
  lines.once('line', () => quitAll(parked));
}

function quitAll(sessions) {
  for (const session of sessions) session.quit();
}

function isTimeLeft() {
  return options.messages > 0
    ? counts.begun < options.messages
    : performance.now() - startedAt < options.seconds * 1000;
}

function batch(text, replies) {
  return { octets: Buffer.from(text, 'latin1'), replies };
}

function joined(batches) {
  return {
    octets: Buffer.concat(batches.map(({ octets }) => octets)),
    replies: batches.map(({ replies }) => replies).join(''),
  };
}

function makeContent() {
  const header = 'Subject: load\r\n\r\n';
  const { line } = options;
  const lines = [header];
  let left = options.size - header.length;
  while (left > 0) {
    const letters = left === line + 2 || left >= line + 4 ? line : left - 2;
    const text = 'x'.repeat(letters);
    lines.push(options.stuffed === 1 && letters > 0 ? `..${text.slice(1)}` : text, '\r\n');
    left -= letters + 2;
  }
  lines.push('.\r\n');
  return Buffer.from(lines.join(''), 'latin1');
}

function result() {
  const { user, system } = process.cpuUsage();
  const { acknowledged, handshakes, sentOctets, connections } = counts;
  return {
    messages: acknowledged,
    handshakes,
    seconds: (lastAcknowledgedAt - startedAt) / 1000,
    contentOctets: acknowledged * options.size,
    sentOctets,
    connections,
    cpuSeconds: (user + system) / 1e6,
  };
}

function finish() {
  if (options.phased === 0) print(result());
  process.exit();
}

function print(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

function fail(reason) {
  process.stderr.write(`load: ${reason}\n`);
  process.exit(1);
}

/** Sessions that last are opened gently: how a server meets a crowd is another question, which a burst asks. */
function openMore() {
  while (
    counts.connections < wantedSessions &&
    (!isLasting || counts.connections - counts.ready < GREETINGS_AT_A_TIME)
  ) {
    new Session();
  }
  if (options.idle > 0 && counts.ready === options.idle) {
    print({ sessions: counts.ready, seconds: (performance.now() - openedAt) / 1000 });
    process.stdin.resume().once('end', () => process.exit());
  }
}

openMore();
