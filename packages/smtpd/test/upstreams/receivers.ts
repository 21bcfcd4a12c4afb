/**
 * Receivers behind a proxy, real ones and one that is laxer than any: what they take for a message, however the octets came. Each says
 * which envelopes it has acknowledged.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SMTPServer as OtherServer } from 'smtp-server';

import { KeepingServer, until } from '../server/support.js';
import { EximInstance } from '../support/exim-instance.js';
import { LineLog } from '../support/line-log.js';
import { startPostfix } from '../support/postfix-instance.js';

/** Who it is from, and for whom. */
export interface AcceptedEnvelope {
  readonly from: string;
  readonly to: readonly string[];
}

/** A receiver that runs. */
export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** What it has acknowledged. @param count - at least so many are there */
  accepted(count: number): Promise<readonly AcceptedEnvelope[]>;
}

/** Postfix, which delivers to a server of ours. */
export async function startPostfixReceiver(): Promise<Receiver> {
  const sink = new KeepingServer();
  await sink.listen();
  const main = { relayhost: `[127.0.0.1]:${String(sink.port)}`, smtpd_hard_error_limit: '10000' };
  const postfix = await startPostfix({ main });
  return {
    port: postfix.port,
    async accepted(count) {
      // Nothing that it has taken is still on its way.
      await postfix.log.line(/ postfix\/qmgr\[\d+\]: \w+: removed$/, count);
      await until(() => sink.messages.length >= count);
      return sink.messages.map(({ mailFrom, rcptTos }) => ({ from: mailFrom, to: rcptTos }));
    },
    async [Symbol.asyncDispose]() {
      await postfix[Symbol.asyncDispose]();
      await sink.close();
    },
  };
}

/** Exim, which keeps everything in its queue. */
export async function startEximReceiver(program: string): Promise<Receiver> {
  const exim = await EximInstance.start(program);
  return {
    port: exim.port,
    accepted: () => Promise.resolve(exim.accepted()),
    [Symbol.asyncDispose]: () => exim[Symbol.asyncDispose](),
  };
}

/** aiosmtpd. */
export async function startAiosmtpdReceiver(python: string): Promise<Receiver> {
  const child = spawn(python, [fileURLToPath(new URL('aiosmtpd-receiver.py', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const said = new LineLog(child.stdout);
  const port = Number(await said.line(/^\d+$/));
  return {
    port,
    async accepted(count) {
      if (count > 0) await said.line(/^\{/, count);
      return said.lines.slice(1).map((line) => JSON.parse(line) as AcceptedEnvelope);
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

/** npm's smtp-server. */
export async function startSmtpServerReceiver(): Promise<Receiver> {
  const found: AcceptedEnvelope[] = [];
  const server = new OtherServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    onData(stream, { envelope }, answer) {
      stream.resume();
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
        found.push({ from, to: envelope.rcptTo.map(({ address }) => address) });
        answer();
      });
    },
  });
  // Connections that are cut in the middle of a message are what this is about.
  server.on('error', () => undefined);
  const listener = server.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    accepted: () => Promise.resolve(found),
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** One that takes CR, LF and CRLF for the end of a line, each wherever it stands. */
export async function startLaxestReceiver(): Promise<Receiver> {
  const found: AcceptedEnvelope[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    new LaxSession(socket, found);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    accepted: () => Promise.resolve(found),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

class LaxSession {
  readonly #socket: Socket;
  readonly #found: AcceptedEnvelope[];
  #unread = '';
  #isContent = false;
  #from = '';
  #to: string[] = [];

  constructor(socket: Socket, found: AcceptedEnvelope[]) {
    this.#socket = socket;
    this.#found = found;
    socket.write('220 lax.example\r\n');
    socket.setEncoding('latin1').on('data', (text: string) => {
      this.#unread += text;
      // A CR at the end may have its LF behind it.
      for (let end = LINE_END.exec(this.#unread); end !== null; end = LINE_END.exec(this.#unread)) {
        const line = this.#unread.slice(0, end.index);
        this.#unread = this.#unread.slice(end.index + end[0].length);
        this.#takeLine(line);
      }
    });
  }

  #takeLine(line: string): void {
    if (this.#isContent) {
      if (line !== '.') return;
      this.#isContent = false;
      this.#found.push({ from: this.#from, to: this.#to });
      this.#say('250 2.0.0 OK');
      return;
    }
    const address = /<(.*?)>/.exec(line)?.[1] ?? '';
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        this.#say('250-lax.example\r\n250-8BITMIME\r\n250 PIPELINING');
        return;
      case 'MAIL':
        this.#from = address;
        this.#to = [];
        break;
      case 'RCPT':
        this.#to.push(address);
        break;
      case 'DATA':
        this.#isContent = true;
        this.#say('354 Go on');
        return;
      default:
    }
    this.#say('250 2.0.0 OK');
  }

  #say(line: string): void {
    if (this.#socket.writable) this.#socket.write(`${line}\r\n`);
  }
}

const LINE_END = /\r\n|\n|\r(?=[^])/;
