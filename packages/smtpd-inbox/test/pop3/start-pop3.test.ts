/** POP3 over real sockets and a real store. */

import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTLS } from 'node:tls';

import { openSQLiteStore, type MailStore } from 'smtpd-store';
import { describe, expect, it } from 'vitest';

import { startPOP3, type POP3Options, type POP3Server } from '../../src/pop3/start-pop3.js';
import { keep } from './keep.js';

/** A client that says what it is told to, and reads until the server closes. */
async function converse(server: POP3Server, text: string, size = text.length): Promise<string> {
  const socket = connect(portOf(server), '127.0.0.1');
  socket.setNoDelay(true);
  await once(socket, 'connect');
  const received = readAll(socket);
  for (let at = 0; at < text.length; at += size) {
    socket.write(text.slice(at, at + size), 'latin1');
    // So that each piece is a packet, or nearly.
    if (size < text.length) await new Promise((resolve) => setImmediate(resolve));
  }
  return received;
}

async function readAll(socket: Socket): Promise<string> {
  socket.setEncoding('latin1');
  let text = '';
  socket.on('data', (piece: string) => (text += piece));
  // A reset is a close like any other.
  socket.on('error', () => undefined);
  await once(socket, 'close');
  return text;
}

/** Waits until what was received contains a text. */
function reader(socket: Socket): (text: string) => Promise<string> {
  let received = '';
  let wake: () => void = () => undefined;
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => {
    received += piece;
    wake();
  });
  return async (text) => {
    while (!received.includes(text)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const seen = received;
    received = '';
    return seen;
  };
}

function portOf({ addresses }: POP3Server): number {
  return addresses[0]?.port ?? 0;
}

function start(store: MailStore, options: Partial<POP3Options> = {}): Promise<POP3Server> {
  return startPOP3({ store, address: '127.0.0.1:0', tls: { mode: 'off' }, ...options });
}

const LOGIN = 'USER ann\r\nPASS secret\r\n';

describe('a session of POP3', () => {
  it('answers the same to a pipelined group, whole or octet by octet', async () => {
    await using store = await openSQLiteStore();
    await keep(store, 'Subject: 1\r\n\r\n.one\r\ntwo\r\n');
    await keep(store, 'Subject: 2\r\n\r\nno end\n.');
    await store.add({
      kind: 'session',
      raw: new Uint8Array(),
      envelope: { mailFrom: '', rcptTos: [], mailOptions: [], rcptOptions: [] },
      session: { peer: { address: '127.0.0.1', port: 1 } },
      receivedAt: new Date(),
      summary: {},
    });
    await using server = await start(store);
    const script = `${LOGIN}STAT\r\nLIST\r\nUIDL 2\r\nRETR 1\r\nTOP 1 1\r\nRETR 2\r\nDELE 1\r\nRSET\r\nBARE\nLF\r\nNOOP\r\nQUIT\r\n`;
    const whole = await converse(server, script);
    expect(whole).toBe(
      [
        '+OK smtpd-inbox',
        '+OK Now the password',
        '+OK 2 messages (47 octets)',
        '+OK 2 47',
        '+OK 2 messages (47 octets)',
        '1 25',
        '2 22',
        '.',
        '+OK 2 2',
        '+OK 25 octets',
        'Subject: 1\r\n\r\n..one\r\ntwo',
        '.',
        '+OK 25 octets',
        'Subject: 1\r\n\r\n..one',
        '.',
        '+OK 22 octets',
        'Subject: 2\r\n\r\nno end\n..',
        '.',
        '+OK Message 1 goes when you quit',
        '+OK 2 messages (47 octets)',
        '-ERR A line ends with CRLF, and has no other CR or LF',
        '+OK',
        '+OK Goodbye',
        '',
      ].join('\r\n'),
    );
    expect(await converse(server, script, 1)).toBe(whole);
    expect(await converse(server, script, 7)).toBe(whole);
    expect((await store.counts()).messages).toBe(2);
  });

  it('deletes at QUIT and only then, and what came in the meantime stays', async () => {
    await using store = await openSQLiteStore();
    const first = await keep(store, 'Subject: 1\r\n\r\n');
    const second = await keep(store, 'Subject: 2\r\n\r\n');
    await using server = await start(store);
    const socket = connect(portOf(server), '127.0.0.1');
    const read = reader(socket);
    socket.write(`${LOGIN}DELE 1\r\n`);
    await read('goes when you quit');
    const third = await keep(store, 'Subject: 3\r\n\r\n');
    socket.write('STAT\r\n');
    expect(await read('\r\n')).toBe('+OK 1 14\r\n');
    socket.destroy();
    await once(socket, 'close');
    // The lock goes with the connection, which the server hears of in its own time.
    let again = await converse(server, `${LOGIN}QUIT\r\n`);
    while (again.includes('[IN-USE]')) again = await converse(server, `${LOGIN}QUIT\r\n`);
    expect(await store.get(first.id)).toBeDefined();
    expect(await converse(server, `${LOGIN}DELE 2\r\nQUIT\r\n`)).toMatch(/\+OK Goodbye\r\n$/);
    const left = await store.list();
    expect(left.messages.map(({ id }) => id)).toEqual([third.id, first.id]);
    expect(await store.get(second.id)).toBeUndefined();
  });

  it('has an inbox open alone, and others beside it', async () => {
    await using store = await openSQLiteStore();
    await keep(store, 'Subject: k\r\n\r\n', 'k3f9');
    await using server = await start(store, {
      login: (user, password) => (password === 'secret' ? { inbox: user === 'ann' ? '' : user } : undefined),
    });
    const first = connect(portOf(server), '127.0.0.1');
    const read = reader(first);
    first.write('USER k3f9\r\nPASS secret\r\n');
    await read('1 messages');
    expect(await converse(server, 'USER k3f9\r\nPASS secret\r\nQUIT\r\n')).toContain('\r\n-ERR [IN-USE] ');
    expect(await converse(server, 'USER k3f9\r\nPASS wrong\r\nQUIT\r\n')).toContain('\r\n-ERR [AUTH] ');
    expect(await converse(server, `${LOGIN}QUIT\r\n`)).toContain('+OK 0 messages');
    first.write('QUIT\r\n');
    await read('Goodbye');
    expect(await converse(server, 'USER k3f9\r\nPASS secret\r\nQUIT\r\n')).toContain('+OK 1 messages');
    first.destroy();
  });

  it('knows who knows the secret, by APOP', async () => {
    await using store = await openSQLiteStore();
    await using server = await start(store, {
      apopSecret: (user) => (user === 'mrose' ? 'tanstaaf' : undefined),
      login: (user, password) => (user === 'mrose' && password === 'tanstaaf' ? { inbox: '' } : undefined),
    });
    const attempt = async (secret: string): Promise<string> => {
      const socket = connect(portOf(server), '127.0.0.1');
      const read = reader(socket);
      const stamp = /<.*>/.exec(await read('\r\n'))?.[0] ?? '';
      socket.write(
        `APOP mrose ${createHash('md5')
          .update(stamp + secret)
          .digest('hex')}\r\nQUIT\r\n`,
      );
      return read('Goodbye');
    };
    expect(await attempt('tanstaaf')).toContain('+OK 0 messages');
    expect(await attempt('wrong')).toContain('-ERR [AUTH]');
  });

  it('says so when a message is gone, and when the store fails', async () => {
    await using store = await openSQLiteStore();
    const { id } = await keep(store, 'Subject: 1\r\n\r\n');
    await using server = await start(store);
    const socket = connect(portOf(server), '127.0.0.1');
    const read = reader(socket);
    socket.write(LOGIN);
    await read('1 messages');
    await store.delete([id]);
    socket.write('RETR 1\r\nNOOP\r\n');
    expect(await read('+OK')).toContain('-ERR The message is not there any more\r\n+OK\r\n');
    socket.write('DELE 1\r\n');
    await read('+OK');
    await store.close();
    socket.write('QUIT\r\n');
    expect(await read('\r\n')).toBe('-ERR [SYS/TEMP] Some messages could not be deleted\r\n');
    expect(await converse(server, `${LOGIN}QUIT\r\n`)).toContain('-ERR [SYS/TEMP] The inbox cannot be opened now');
  });

  it('holds no more of a message than the client has room for', async () => {
    let pulled = 0;
    let onReleased: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      onReleased = resolve;
    });
    const piece = Buffer.from(`${'x'.repeat(62)}\r\n`.repeat(1024));
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) {
          pulled += 1;
          yield piece;
          await Promise.resolve();
        }
      } finally {
        onReleased();
      }
    }
    const message = { id: '1', sizeBytes: 1 };
    const store = {
      list: () => Promise.resolve({ messages: [message], newer: '' }),
      openRaw: endless,
    } as unknown as MailStore;
    await using server = await start(store);
    const socket = connect(portOf(server), '127.0.0.1');
    socket.write(`${LOGIN}RETR 1\r\n`);
    socket.pause();
    // It stops by itself: nothing but a client that reads makes it go on.
    let before = -1;
    while (pulled !== before || pulled < 2) {
      before = pulled;
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(pulled).toBeLessThan(300);
    socket.destroy();
    await released;
  });

  it('has the whole list, however many pages it is, and tries again when it could not be read', async () => {
    const pages = [
      { messages: [{ id: '3', sizeBytes: 3 }], older: 'second', newer: '' },
      { messages: [{ id: '2', sizeBytes: 2 }], older: 'third', newer: '' },
      { messages: [{ id: '1', sizeBytes: 1 }], newer: '' },
    ];
    let attempts = 0;
    const store = {
      list: ({ before }: { before?: string }) => {
        attempts += 1;
        if (attempts === 1) return Promise.reject(new Error('The disk is on fire'));
        return Promise.resolve(pages[['second', 'third'].indexOf(before ?? '') + 1]);
      },
    } as unknown as MailStore;
    const errors: unknown[] = [];
    await using server = await start(store, { onError: (error) => errors.push(error) });
    expect(await converse(server, `${LOGIN}QUIT\r\n`)).toContain('-ERR [SYS/TEMP] ');
    expect(errors).toHaveLength(1);
    expect(await converse(server, `${LOGIN}UIDL\r\nQUIT\r\n`)).toContain('\r\n1 1\r\n2 2\r\n3 3\r\n.\r\n');
  });

  it('reads no more ahead than a little while somebody is let in', async () => {
    await using store = await openSQLiteStore();
    let letIn: (login: undefined) => void = () => undefined;
    await using server = await start(store, { login: () => new Promise((resolve) => (letIn = resolve)) });
    const socket = connect(portOf(server), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(LOGIN);
    socket.write(Buffer.alloc(32 * 1024 * 1024, 'NOOP\r\n'));
    let before = -1;
    while (socket.writableLength !== before) {
      before = socket.writableLength;
      for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.resetAndDestroy();
    letIn(undefined);
  });

  it('lets others in when a client resets its connection', async () => {
    await using store = await openSQLiteStore();
    await using server = await start(store);
    const socket = connect(portOf(server), '127.0.0.1');
    const read = reader(socket);
    socket.write(LOGIN);
    await read('0 messages');
    socket.resetAndDestroy();
    let again = '[IN-USE]';
    while (again.includes('[IN-USE]')) again = await converse(server, `${LOGIN}QUIT\r\n`);
    expect(again).toContain('+OK 0 messages');
  });

  it('turns away who is one too many, and closes on who guesses', async () => {
    await using store = await openSQLiteStore();
    await using server = await start(store, { sessionsMax: 1, login: () => undefined, loginFailuresMax: 2 });
    const first = connect(portOf(server), '127.0.0.1');
    const read = reader(first);
    await read('+OK');
    expect(await converse(server, '')).toBe('-ERR [SYS/TEMP] Too many sessions\r\n');
    const closed = once(first, 'close');
    first.write(`${LOGIN}${LOGIN}${LOGIN}`);
    expect(await read('last attempt')).toMatch(/-ERR \[AUTH\].*\r\n\+OK.*\r\n-ERR \[AUTH\].*last attempt\r\n$/);
    first.end();
    await closed;
  });

  it('lets go of who says nothing, and of nobody who is waiting for us', async () => {
    await using store = await openSQLiteStore();
    const timers: { ms: number; callback: () => void }[] = [];
    const clock = {
      now: () => 0,
      setTimer: (callback: () => void, ms: number) => {
        const timer = { ms, callback };
        timers.push(timer);
        return () => {
          if (timers.includes(timer)) timers.splice(timers.indexOf(timer), 1);
        };
      },
    };
    let letIn: (login: { inbox: string }) => void = () => undefined;
    let onAsked: () => void = () => undefined;
    const asked = new Promise<void>((resolve) => {
      onAsked = resolve;
    });
    await using server = await start(store, {
      clock,
      login: () => {
        onAsked();
        return new Promise((resolve) => (letIn = resolve));
      },
    });
    const socket = connect(portOf(server), '127.0.0.1');
    const read = reader(socket);
    socket.write(LOGIN);
    await asked;
    expect(timers).toEqual([]);
    letIn({ inbox: '' });
    await read('0 messages');
    expect(timers.map(({ ms }) => ms)).toEqual([600_000]);
    const closed = once(socket, 'close');
    timers[0]?.callback();
    socket.end();
    await closed;
  });

  it('ends when the server closes, without deleting', async () => {
    await using store = await openSQLiteStore();
    await keep(store, 'Subject: 1\r\n\r\n');
    const server = await start(store);
    const socket = connect(portOf(server), '127.0.0.1');
    const read = reader(socket);
    socket.write(`${LOGIN}DELE 1\r\n`);
    await read('goes when you quit');
    const ended = once(socket, 'end');
    await server.close();
    await ended;
    socket.destroy();
    expect((await store.counts()).messages).toBe(1);
  });
});

describe('TLS', () => {
  it('begins with STLS, and what was sent ahead in clear is nobody’s', async () => {
    await using store = await openSQLiteStore();
    await keep(store, 'Subject: 1\r\n\r\n');
    await using server = await start(store, { tls: { mode: 'require' } });
    const plain = connect(portOf(server), '127.0.0.1');
    const read = reader(plain);
    plain.write('USER ann\r\nSTLS\r\nUSER mallory\r\n');
    expect(await read('Begin')).toContain('-ERR [SYS/PERM] Say STLS first\r\n+OK Begin\r\n');
    plain.removeAllListeners('data');
    const secure = connectTLS({ socket: plain, rejectUnauthorized: false });
    await once(secure, 'secureConnect');
    const received = readAll(secure);
    secure.write('PASS secret\r\nCAPA\r\nUSER ann\r\nPASS secret\r\nRETR 1\r\nQUIT\r\n');
    const text = await received;
    expect(text).toMatch(/^-ERR USER comes first\r\n/);
    expect(text).not.toMatch(/STLS/);
    expect(text).toContain('Subject: 1\r\n\r\n.\r\n+OK Goodbye\r\n');
  });

  it('is there from the first octet where it is implicit', async () => {
    await using store = await openSQLiteStore();
    await using server = await start(store, { tls: { mode: 'implicit' } });
    const secure = connectTLS({ port: portOf(server), host: '127.0.0.1', rejectUnauthorized: false });
    const received = readAll(secure);
    secure.write(`${LOGIN}STLS\r\nQUIT\r\n`);
    expect(await received).toMatch(
      /^\+OK smtpd-inbox\r\n\+OK Now the password\r\n\+OK 0 messages \(0 octets\)\r\n-ERR You are logged in already\r\n\+OK Goodbye\r\n$/,
    );
    // Who speaks in clear there has nothing to read, and is let go.
    const plain = connect(portOf(server), '127.0.0.1');
    plain.write('CAPA\r\n\r\n');
    await readAll(plain);
  });
});
