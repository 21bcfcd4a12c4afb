/**
 * The servers of a scene, and what is seen of them: what their hooks were asked, what they were handed and what their watchers were told, by
 * session and in order. The application does what the scene says, when it says it.
 */

import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';

import { PureProxy, SMTPChannel, SMTPServer } from '../packages/smtpd/dist/index.js';
import { makeSelfSigned } from '../packages/smtpd/dist/modules/net/self-signed.js';

/** What an application throws that is meant to. Every other fault is one of ours. */
export const PLANNED = 'planned failure';

/** A server, and what was seen of it. */
export class SceneServer {
  server;
  /** By session, in the order in which they came. */
  sessions = [];
  /** Faults that nobody planned. */
  faults = [];
  /** Whether it was behind with its reading when it closed, or since. */
  wasBehindAtClose = false;
  #isClosing = false;
  #setting;
  #counts = new Map();
  #sessionOf = new Map();
  /** Those who wait for the scene to go on. */
  #heldUp = [];
  /** Whether the one has come whom the scene is about. What others do in which order is not the same each time. */
  #hasBegun = false;
  #bystanderCount = 0;
  #act;
  #scene;

  /**
   * @param {object} setting what kind of server, as `scene.mjs` has it
   * @param {{ act?: object, upstreamPort?: number, scene: object }} more `scene`: the clock, the client, who is told that something happens
   */
  constructor(setting, { act, upstreamPort, scene }) {
    this.#setting = setting;
    this.#act = act;
    this.#scene = scene;
    const makeChannel = (channel, transport) => this.#sessionMade(channel, transport);
    const runXACT = (session) => this.#at('XACT', session);
    const noteAnswer = (session, answer) => this.#log(session, `answered ${answer}`);
    class Channel extends SMTPChannel {
      constructor(options) {
        super(options);
        makeChannel(this, options.transport);
      }
      async smtp_XACT() {
        const verdict = await runXACT(this.info);
        await this.push(verdict ?? '250 2.0.0 Done');
      }
      async smtp_XASK() {
        try {
          noteAnswer(this.info, await this.readLine('334 Go on'));
        } catch (error) {
          noteAnswer(this.info, error.code ?? error.message);
          throw error;
        }
        await this.push((await runXACT(this.info)) ?? '250 2.0.0 Thanks');
      }
    }
    const options = this.#options();
    const { role } = setting;
    const each = this;
    if (role === 'proxy') {
      class Proxy extends PureProxy {
        static channelClass = Channel;
      }
      this.server = new Proxy({ ...options, remoteAddress: `127.0.0.1:${upstreamPort}` });
    } else if (role === 'streaming') {
      class Streaming extends SMTPServer {
        static channelClass = Channel;
        streamMessage(message) {
          return each.#stream(message);
        }
      }
      this.server = new Streaming(options);
    } else {
      class Whole extends SMTPServer {
        static channelClass = Channel;
        processMessage(message) {
          const data = setting.isBehindProxy === true ? withoutTrace(message.data) : message.data;
          each.#log(message.session, `message of ${message.rcptTos.length}, ${digestOf([data])}`);
          return each.#at('process', message.session, message);
        }
      }
      this.server = new Whole(options);
    }
    this.#watch();
    if (setting.hooks !== 'none') this.server.use(this.#hook());
  }

  #options() {
    const { protocol = 'smtp', tls = 'off', proxied = 0, limits, dataSizeLimit, listens } = this.#setting;
    const { clock, unixPath } = this.#scene;
    const logger = { ...SILENT, error: (fields) => this.#noteFault(fields.error) };
    return {
      localAddress: { IPv4: '127.0.0.1:0', IPv6: '[::1]:0', unix: unixPath }[listens],
      hostname: 'mx.scene.example',
      protocol,
      clock,
      logger,
      limits,
      countLoopback: true,
      ...(dataSizeLimit && { dataSizeLimit }),
      // Nobody is asked about a password but hooks.
      ...(this.#setting.hooks !== 'none' && {
        auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN', 'LOGIN'] },
      }),
      ...(tls !== 'off' && { tls: { mode: tls, ...certificate() } }),
      ...(proxied > 0 && { proxyProtocol: 'loopback' }),
    };
  }

  #noteFault(error) {
    const isMeant = error instanceof Error && (error.message === PLANNED || error.name === 'MessageAbortedError');
    if (!isMeant) this.faults.push(error instanceof Error ? error.stack : String(error));
  }

  #sessionMade(channel, transport) {
    const session = { channel, log: [], connects: 0, disconnects: 0, closes: 0, isReading: true };
    const notes = (isReading, how) => () => {
      session.isReading = isReading;
      this.#noteBehind();
      how.call(transport);
    };
    transport.pause = notes(false, transport.pause);
    transport.resume = notes(true, transport.resume);
    this.#sessionOf.set(channel.info, session);
    this.sessions.push(session);
    return this.#at('made', channel.info);
  }

  #log(info, what) {
    this.#scene.stir();
    this.#sessionOf.get(info)?.log.push(what);
  }

  /** The application is asked something, and finds out for whom it works. */
  #logAsked(info, stage) {
    this.#log(info, stage === 'connect' ? `asked in ${context.getStore()}: ${stage}` : `asked: ${stage}`);
  }

  async listen() {
    await context.run('listening', () => this.server.listen());
  }

  #watch() {
    const { watched } = this.#setting;
    const told = {
      connect: ({ session }) => (this.#sessionOf.get(session).connects += 1),
      disconnect: ({ session, reason }) => {
        this.#sessionOf.get(session).disconnects += 1;
        this.#log(session, `disconnect: ${reason}`);
      },
      message: ({ session, reply, sizeBytes }) => this.#log(session, `told of ${sizeBytes} octets: ${reply.code}`),
      limit: ({ session, limit }) => this.#log(session, `limit: ${limit}`),
      violation: ({ session, violation }) => this.#log(session, `violation: ${JSON.stringify(violation)}`),
      secured: ({ session }) => this.#log(session, 'secured'),
      handshakeFailed: ({ session }) => this.#log(session, 'handshake failed'),
      fault: ({ session }) => this.#log(session, 'fault'),
    };
    const more = {
      command: ({ session, verb }) => this.#log(session, `command ${verb.slice(0, 20)}`),
      reply: ({ session, reply }) => this.#log(session, `reply ${reply.code}`),
    };
    for (const [name, tell] of Object.entries({ ...told, ...(watched === 'all' && more) })) {
      this.server.on(name, (event) => {
        tell(event);
        return this.#at(`on ${name}`, event.session);
      });
    }
    // Nobody has to look on at what a scene does not need.
    const stage = this.#act?.stage;
    if (stage in { 'on command': 1, 'on reply': 1 } && watched !== 'all')
      this.server.on(stage.slice(3), ({ session }) => this.#at(stage, session));
  }

  #hook() {
    const isLate = this.#setting.hooks === 'late';
    const ask = (stage) => async (request) => {
      this.#logAsked(request.session, stage);
      if (isLate) await this.#scene.turns(2);
      return this.#at(stage, request.session, request);
    };
    const askNow = (stage) => (request) => {
      this.#logAsked(request.session, stage);
      return this.#at(stage, request.session, request);
    };
    const asked = (stage) => (isLate ? ask(stage) : askNow(stage));
    const recipients =
      this.#setting.hooks === 'batch'
        ? {
            rcptBatch: async (requests) => {
              this.#logAsked(requests[0].session, 'rcpts');
              await this.#scene.turns(1);
              const verdict = await this.#at('rcpt', requests[0].session, requests[0]);
              return requests.map(() => verdict);
            },
          }
        : { rcpt: asked('rcpt') };
    return {
      name: 'scene',
      connect: asked('connect'),
      helo: asked('helo'),
      mail: asked('mail'),
      data: asked('data'),
      auth: (request) => {
        const verdict = asked('auth')(request);
        const answer = (value) => value ?? (request.password === 'secret' ? { verified: true } : undefined);
        return verdict instanceof Promise ? verdict.then(answer) : answer(verdict);
      },
      ...recipients,
      reset: askNow('reset'),
      close: (request) => {
        this.#sessionOf.get(request.session).closes += 1;
        return askNow('close')(request);
      },
    };
  }

  async #stream(message) {
    const { body: manner } = this.#setting;
    const { session, body } = message;
    this.#log(session, 'streaming');
    const verdict = await this.#at('stream', session, message);
    const read = async () => {
      const pieces = [];
      for await (const piece of body) {
        if (pieces.length === 0) await this.#at('body', session, message);
        pieces.push(piece);
        if (manner === 'slow') await this.#scene.turns(1);
        if (manner === 'leave') return 'left';
        if (manner === 'fail') throw new Error(PLANNED);
      }
      await this.#at('bodyEnd', session, message);
      return digestOf(pieces);
    };
    try {
      this.#log(session, `read: ${await this.#readIn(manner, { body, session, signal: message.signal, read })}`);
    } catch (error) {
      this.#log(session, `read: ${error.code ?? error.message}`);
      throw error;
    }
    return verdict;
  }

  async #readIn(manner, { body, session, signal, read }) {
    switch (manner) {
      case 'none':
        return 'nothing';
      case 'later':
        await this.#scene.turns(4);
        return read();
      case 'two': {
        const iterator = body[Symbol.asyncIterator]();
        const pieces = [];
        for (;;) {
          const two = await Promise.all([iterator.next(), iterator.next()]);
          pieces.push(...two.filter(({ done }) => !done).map(({ value }) => value));
          if (two.some(({ done }) => done)) return digestOf(pieces);
        }
      }
      case 'afterwards': {
        const later = async () => {
          await this.#scene.turns(3);
          return read();
        };
        later().then(
          (outcome) => this.#log(session, `read afterwards: ${outcome}`),
          (error) => this.#log(session, `read afterwards: ${error.code ?? error.message}`),
        );
        return 'nothing yet';
      }
      case 'hang':
        await new Promise((resolve) => {
          if (signal.aborted) resolve();
          else signal.addEventListener('abort', resolve);
        });
        return read();
      default:
        return read();
    }
  }

  /** The application is at this stage: it does now what it is to do there. */
  #at(stage, session, { signal } = {}) {
    const act = this.#act;
    if (stage !== act?.stage || !this.#hasBegun) return undefined;
    const known = this.#sessionOf.get(session);
    if (known !== undefined && this.sessions.indexOf(known) < this.#bystanderCount) return undefined;
    const count = (this.#counts.get(stage) ?? 0) + 1;
    this.#counts.set(stage, count);
    if (count !== act.nth) return undefined;
    this.#scene.stir();
    const { client } = this.#scene;
    const channel = known?.channel;
    switch (act.what) {
      case 'closeNow':
        this.close(0);
        return undefined;
      case 'closeSoon':
        this.close(5_000);
        return undefined;
      case 'closeAborted':
        this.#close({ signal: AbortSignal.abort() });
        return undefined;
      case 'touch':
        void channel?.conn;
        return undefined;
      case 'connDestroy':
        channel?.conn?.destroy();
        return undefined;
      case 'connFail':
        channel?.conn?.destroy(new Error(PLANNED));
        return undefined;
      case 'connEnd':
        channel?.conn?.end();
        return undefined;
      case 'connReset':
        resetOrDestroy(channel?.conn);
        return undefined;
      case 'channelClose':
        channel?.close();
        return undefined;
      case 'throw':
        throw new Error(PLANNED);
      case 'clientResets':
        client?.reset();
        return undefined;
      case 'clientEnds':
        client?.end();
        return undefined;
      case 'clientLeaves':
        client?.destroy();
        return undefined;
      case 'reject':
        return Promise.reject(new Error(PLANNED));
      case 'refuse':
        return '550 5.7.1 No';
      case 'sendAway':
        return '421 4.3.2 Go away';
      case 'late':
        return this.#scene.turns(5);
      case 'lateTouch':
        return this.#scene.turns(3).then(() => void channel?.conn);
      case 'never':
        return new Promise(() => undefined);
      case 'untilAborted':
        return new Promise((resolve) => {
          signal?.addEventListener('abort', () => resolve('550 5.7.1 Too late'));
        });
      case 'untilHeldUp':
        return new Promise((resolve) => {
          this.#heldUp.push(() => resolve(undefined));
        });
      default:
        throw new Error(`Nobody knows how to do ${act.what}`);
    }
  }

  /** From here on the application does what the scene says. */
  begin({ bystanderCount = 0 } = {}) {
    this.#hasBegun = true;
    this.#bystanderCount = bystanderCount;
  }

  /** Those who wait for the scene go on. */
  release() {
    for (const goOn of this.#heldUp.splice(0)) goOn();
  }

  /** Makes sockets of all connections. */
  touch() {
    for (const { conn } of this.server.channels) void conn;
  }

  close(graceMs) {
    this.#close({ graceMs });
  }

  #close(options) {
    this.#isClosing = true;
    this.#noteBehind();
    this.#scene.closing.push(this.server.close(options));
  }

  /** Whether it waits with reading what somebody sends, as long as it has so much of that already. */
  get isBehind() {
    return this.sessions.some(({ isReading, disconnects }) => !isReading && disconnects === 0);
  }

  #noteBehind() {
    this.wasBehindAtClose ||= this.#isClosing && this.isBehind;
  }

  /** Where a client connects. */
  get where() {
    const { listens } = this.#setting;
    if (listens === 'unix') return { path: this.#scene.unixPath };
    return { host: listens === 'IPv4' ? '127.0.0.1' : '::1', port: this.server.port };
  }

  /** What must be so when everybody has gone, and is not. */
  problems() {
    const problems = this.faults.map((fault) => `Logged as a fault: ${fault}`);
    if (this.server.channels.size > 0) problems.push(`${this.server.channels.size} channels are left`);
    const hasHook = this.#setting.hooks !== 'none';
    for (const [index, { connects, disconnects, closes, log }] of this.sessions.entries()) {
      // Nobody is told of a session whose channel could not be made.
      const isTold = connects === disconnects && connects <= 1 && (!hasHook || closes === connects);
      if (!isTold)
        problems.push(
          `Session ${index} has ${connects} connects, ${disconnects} disconnects, ${closes} closes: ${log}`,
        );
      const end = log.findIndex((what) => what.startsWith('disconnect'));
      const behind = end < 0 ? [] : log.slice(end + 1);
      const isAllowed = (what) => /^(asked: close|read|answered|fault)/.test(what);
      if (!behind.every(isAllowed)) problems.push(`Session ${index} goes on behind its end: ${JSON.stringify(log)}`);
    }
    return problems;
  }
}

/** Only TCP can be reset, not TLS, and not behind a FIN. */
function resetOrDestroy(socket) {
  if (socket?.remotePort === undefined || socket.encrypted || socket.writableEnded) socket?.destroy();
  else socket.resetAndDestroy();
}

/** A message without what says when it came, and from whom. */
function withoutTrace(data) {
  return Buffer.from(
    Buffer.from(data)
      .toString('latin1')
      .replace(/^Received: .*\r\n(?:[ \t].*\r\n)*/, '')
      .replace(/^X-Peer: .*\r\n/m, ''),
    'latin1',
  );
}

function digestOf(pieces) {
  const hash = createHash('sha1');
  let sizeBytes = 0;
  for (const piece of pieces) {
    hash.update(piece);
    sizeBytes += piece.length;
  }
  return `${sizeBytes} octets, ${hash.digest('hex').slice(0, 12)}`;
}

/** For whom whoever is asked works: it is the same in each way. */
const context = new AsyncLocalStorage();

/** One for the process: what it is of no use to make anew. */
let made;
export function certificate() {
  return (made ??= makeSelfSigned({ names: ['mx.scene.example'], now: new Date() }));
}

const ignore = () => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
