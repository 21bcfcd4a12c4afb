/**
 * The load generator of `load.c` for machines without a C compiler: the same options, the same conversations, the same line of
 * JSON. It costs several times as much, so a fast server may wait for it; the bench shows how busy it was.
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const [port, ...words] = process.argv.slice(2);
const options = {
  sessions: 10,
  size: 1024,
  line: 70,
  stuffed: 0,
  recipients: 1,
  mode: 'lockstep',
  perconnection: 0,
  seconds: 1,
  messages: 0,
  idle: 0,
};
for (let index = 0; index < words.length; index += 2) {
  const [name, value] = words.slice(index, index + 2);
  if (!Object.hasOwn(options, name) || value === undefined) fail(`there is no option ${name}`);
  options[name] = name === 'mode' ? value : Number(value);
}

// The replies that a batch calls for: a class, or '.' for one of class 2 that acknowledges a message.
const MAIL = batch('MAIL FROM:<sender@example.test>\r\n', '2');
const RCPT = batch('RCPT TO:<recipient@example.test>\r\n', '2');
const DATA = batch('DATA\r\n', '3');
const GREETING = batch('', '2');
const EHLO = batch('EHLO load.example.test\r\n', '2');
const QUIT = batch('QUIT\r\n', '2');
const CONTENT = { octets: makeContent(), replies: '.' };
const envelope = [MAIL, ...Array.from({ length: options.recipients }, () => RCPT), DATA];
const GROUP = joined(envelope);
const CONTENT_AND_GROUP = joined([CONTENT, ...envelope]);

const counts = { begun: 0, acknowledged: 0, sentOctets: 0, connections: 0, ready: 0, open: 0 };
let startedAt;
let lastAcknowledgedAt;
const waiting = [];

class Session {
  #socket;
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
    this.#socket.on('error', (error) => fail(error.message));
    this.#socket.on('end', () => {
      if (this.#batch !== QUIT || this.#answered === 0) fail('the server closed the connection');
      counts.open -= 1;
      if (options.perconnection > 0 && isTimeLeft()) new Session();
      else if (counts.open === 0) finish();
    });
  }

  beginMessage() {
    if (!this.#mayBegin()) {
      this.#send(QUIT);
      return;
    }
    this.#countBegun();
    this.#send(options.mode === 'lockstep' ? MAIL : GROUP);
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
        this.#send(EHLO);
        return;
      case EHLO:
        isReady(this);
        return;
      case MAIL:
      case RCPT:
        this.#recipientsLeft -= 1;
        this.#send(this.#recipientsLeft >= 0 ? RCPT : DATA);
        return;
      case CONTENT:
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
  if (options.idle > 0) return;
  waiting.push(session);
  if (startedAt === undefined && counts.ready < options.sessions) return;
  startedAt ??= performance.now();
  for (const each of waiting.splice(0)) each.beginMessage();
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

function finish() {
  const { user, system } = process.cpuUsage();
  const { acknowledged, sentOctets, connections } = counts;
  print({
    messages: acknowledged,
    seconds: (lastAcknowledgedAt - startedAt) / 1000,
    contentOctets: acknowledged * options.size,
    sentOctets,
    connections,
    cpuSeconds: (user + system) / 1e6,
  });
}

function print(facts) {
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

function fail(reason) {
  process.stderr.write(`load: ${reason}\n`);
  process.exit(1);
}

async function holdIdle() {
  const began = performance.now();
  let opened = 0;
  while (counts.ready < options.idle) {
    while (opened < options.idle && opened - counts.ready < 64) {
      new Session();
      opened += 1;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 1);
    });
  }
  print({ sessions: counts.ready, seconds: (performance.now() - began) / 1000 });
  await once(process.stdin.resume(), 'end');
  process.exit();
}

if (options.idle > 0) {
  await holdIdle();
} else {
  if (options.perconnection > 0) startedAt = performance.now();
  for (let count = 0; count < options.sessions; count += 1) new Session();
}
process.stdin.unref();
