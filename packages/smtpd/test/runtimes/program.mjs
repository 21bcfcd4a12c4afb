/**
 * The core's behaviour over real sockets, as one program that runs on Node, Bun and Deno: `runtimes.test.ts` starts it and reads one
 * JSON line for each scenario. It uses the built package, as an application does.
 *
 * With `--plain-reads` on Node the socket handles are made unable to use our read buffer, so that the transport reads by `data`
 * events as it does elsewhere.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

import { makeSelfSigned } from '../../dist/modules/net/self-signed.js';
import { CLIENT_MECHANISMS } from '../../dist/modules/protocol/sasl/mechanisms.js';
import { nodeSASLCrypto } from '../../dist/modules/net/sasl-crypto.js';
import {
  Reply,
  silentLogger,
  SMTPChannel,
  SMTPClient,
  SMTPClientPool,
  SMTPReplyError,
  SMTPServer,
} from '../../dist/index.js';
import { WireClient } from './wire-client.mjs';

/** @type {Record<string, () => Promise<void>>} */
const SCENARIOS = {
  async 'the greeting comes at once'() {
    await withServer({}, async ({ client }) => {
      const greeting = await client.reply();
      assert.equal(greeting.code, 220);
      assert.match(greeting.lines[0], /^mx\.example\.test ESMTP/);
    });
  },

  async 'reads use the transport of this runtime'() {
    // Only the first kind of transport replaces the socket that the listener made, which knows its listener.
    let conn;
    await withServer({}, async ({ client, server }) => {
      await client.reply();
      [{ conn }] = [...server.channels];
      assert.equal(conn.server === null || conn.server === undefined, READS_INTO_OUR_BUFFER);
    });
  },

  async 'a whole session delivers the octets that were sent'() {
    await withServer({}, async ({ client, server }) => {
      await client.reply();
      assert.equal(await client.command('EHLO client.example.test'), 250);
      assert.equal(await client.command('MAIL FROM:<a@example.test> BODY=8BITMIME'), 250);
      assert.equal(await client.command('RCPT TO:<b@example.test>'), 250);
      assert.equal(await client.command('DATA'), 354);
      const everyOctet = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');
      const content = `Subject: octets\r\n\r\n${everyOctet.replace(/[\r\n]/g, '')}\r\n`;
      assert.equal(await client.command(`${content}.`), 250);
      assert.equal(await client.command('QUIT'), 221);
      await client.ended();
      const [message] = server.messages;
      assert.equal(latin1(message.data), content);
      assert.equal(message.mailFrom, 'a@example.test');
      assert.deepEqual(message.rcptTos, ['b@example.test']);
      assert.deepEqual(message.mailOptions, ['BODY=8BITMIME']);
      assert.equal(message.peer.address, '127.0.0.1');
      assert.equal(message.peer.family, 'IPv4');
      assert.equal(message.peer.port, client.localPort);
    });
  },

  async 'a pipelined group is answered in order'() {
    await withServer({}, async ({ client, server }) => {
      client.send(`EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<1@b>\r\nRCPT TO:<\r\nRCPT TO:<2@b>\r\nDATA\r\n`);
      assert.deepEqual(await client.codes(7), [220, 250, 250, 250, 501, 250, 354]);
      client.send('one\r\n.\r\nMAIL FROM:<a@b>\r\nRCPT TO:<3@b>\r\nDATA\r\n');
      assert.deepEqual(await client.codes(4), [250, 250, 250, 354]);
      client.send('two\r\n.\r\nQUIT\r\n');
      assert.deepEqual(await client.codes(2), [250, 221]);
      await client.ended();
      assert.deepEqual(
        server.messages.map(({ rcptTos, data }) => [rcptTos, latin1(data)]),
        [
          [['1@b', '2@b'], 'one\r\n'],
          [['3@b'], 'two\r\n'],
        ],
      );
    });
  },

  async 'a message of 8 MiB arrives unchanged'() {
    await withServer({}, async ({ client, server }) => {
      const content = pseudoRandomLines(8 * MIB);
      await startMessage(client);
      await client.sendAll(Buffer.from(`${stuffed(content)}.\r\n`, 'latin1'));
      assert.deepEqual(await client.codes(1), [250]);
      assert.equal(server.messages[0].data.length, content.length);
      assert.equal(digest(server.messages[0].data), digest(Buffer.from(content, 'latin1')));
    });
  },

  async 'dots at the start of lines arrive as they were meant'() {
    await withServer({}, async ({ client, server }) => {
      await startMessage(client);
      const content = '.\r\n..\r\n...\r\n.a\r\na.\r\n\r\n.\r\n';
      client.send(`${stuffed(content)}.\r\n`);
      assert.deepEqual(await client.codes(1), [250]);
      assert.equal(latin1(server.messages[0].data), content);
    });
  },

  async 'how the octets are split changes nothing'() {
    await withServer({}, async ({ client: first, server, connect: connectClient }) => {
      const session = 'EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nx\r\n..y\r\n.\r\nNOOP\r\nQUIT\r\n';
      // An empty message first: the dot that follows DATA ends it, and the lines after it are commands.
      const expected = [220, 250, 250, 250, 354, 250, 500, 500, 500, 250, 221];
      const converse = async (client, pieces) => {
        let sentBytes = 0;
        const [channel] = [...server.channels].slice(-1);
        for (const piece of pieces) {
          client.send(piece);
          sentBytes += piece.length;
          // The next piece leaves when this one was read: so the server really sees two.
          await until(() => channel.conn.bytesRead >= sentBytes || client.isClosed, 'the server reads a piece');
        }
        assert.deepEqual(await client.codes(expected.length), expected);
        await client.ended();
        await until(() => server.channels.size === 0, 'the channel is gone');
      };
      await converse(first, [...session]);
      for (let split = 1; split < session.length; split += 1) {
        const client = await connectClient();
        await until(() => server.channels.size === 1, 'the channel is there');
        await converse(client, [session.slice(0, split), session.slice(split)]);
      }
      assert.equal(server.messages.length, session.length);
      assert.ok(server.messages.every(({ data }) => data.length === 0));
    });
  },

  async 'a Unix socket is listened on; one in use is left alone, a stale one replaced'() {
    const folder = mkdtempSync(join(tmpdir(), 'smtpd-'));
    const path = join(folder, 'smtpd.sock');
    try {
      const localAddress = path;
      await withServer({ localAddress }, async ({ client, server }) => {
        assert.deepEqual(server.addresses, [{ address: path, port: 0, family: 'unix' }]);
        await startMessage(client);
        client.send('by a path\r\n.\r\n');
        assert.deepEqual(await client.codes(1), [250]);
        assert.equal(server.messages[0].peer.family, 'unix');
        // Somebody listens: the path is not taken from him.
        await assert.rejects(newServer({ localAddress }).listen(), { code: 'SMTPD_LISTEN_FAILED' });
        assert.equal(await client.command('NOOP'), 250);
      });
      // A socket that was moved away from its name is not removed when it closes: what is left is what a dead process leaves.
      const dead = createServer();
      await new Promise((resolve) => dead.listen(join(folder, 'dead.sock'), resolve));
      renameSync(join(folder, 'dead.sock'), path);
      await new Promise((resolve) => dead.close(resolve));
      assert.ok(existsSync(path));
      await withServer({ localAddress }, async ({ client }) => assert.deepEqual(await client.codes(1), [220]));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },

  async 'localhost is both addresses with one port'() {
    await withServer({ localAddress: 'localhost:0' }, async ({ client, server, connect: connectClient }) => {
      assert.deepEqual(
        server.addresses.map(({ address, family }) => [address, family]),
        [
          ['127.0.0.1', 'IPv4'],
          ['::1', 'IPv6'],
        ],
      );
      const [{ port }, second] = server.addresses;
      assert.notEqual(port, 0);
      assert.equal(second.port, port);
      assert.deepEqual(await client.codes(1), [220]);
      const other = await connectClient({ host: '::1', port });
      assert.deepEqual(await other.codes(1), [220]);
    });
  },

  async 'an address in use is told, and the server can listen later'() {
    const squatter = createServer();
    await new Promise((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const server = newServer({ localAddress: `127.0.0.1:${squatter.address().port}` });
    try {
      await assert.rejects(server.listen(), (error) => /in use/.test(error.message));
      await new Promise((resolve) => squatter.close(resolve));
      await server.listen();
    } finally {
      await server.close();
    }
  },

  async 'close() tells idle clients 421 and ends'() {
    await withServer({}, async ({ client, server, connect: connectClient }) => {
      const silent = await connectClient();
      assert.deepEqual(await silent.codes(1), [220]);
      await client.reply();
      assert.equal(await client.command('EHLO c'), 250);
      const closed = server.close();
      assert.deepEqual(await client.codes(1), [421]);
      assert.deepEqual(await silent.codes(1), [421]);
      await Promise.all([client.ended(), silent.ended()]);
      await closed;
      assert.equal(server.channels.size, 0);
      await assert.rejects(WireClient.connect({ port: client.remotePort }), 'nobody listens any more');
    });
  },

  async 'close() lets a message under way finish, and cuts it when its grace is over'() {
    await withServer({}, async ({ client, server, connect: connectClient }) => {
      const stuck = await connectClient();
      await startMessage(stuck);
      await startMessage(client);
      const closing = server.close();
      client.send('finished\r\n.\r\n');
      assert.deepEqual(await client.codes(2), [250, 421]);
      await client.ended();
      assert.equal(server.messages.length, 1);
      await server.close({ graceMs: 0 });
      await closing;
      await stuck.ended();
    });
  },

  async 'streamMessage hands content over while it arrives, and the client waits for a slow reader'() {
    const gate = newGate();
    const hash = createHash('sha256');
    let bytesTaken = 0;
    class Slow extends SMTPServer {
      async streamMessage(message) {
        for await (const chunk of message.body) {
          bytesTaken += chunk.length;
          hash.update(chunk);
          await gate.opened;
        }
      }
    }
    await withServer({ dataSizeLimit: 0, serverClass: Slow }, async ({ client, server }) => {
      const content = Buffer.from(pseudoRandomLines(32 * MIB), 'latin1');
      await startMessage(client);
      const [{ conn }] = [...server.channels];
      const sent = client.sendAll(Buffer.concat([Buffer.from(stuffed(content.toString('latin1')), 'latin1'), DOT]));
      await until(() => bytesTaken > 0, 'the first chunk');
      await untilStill(() => conn.bytesRead);
      // One high-water mark and one or two reads (of 512 KiB each on Bun): nothing like the message.
      assert.ok(conn.bytesRead - bytesTaken < 1.5 * MIB, `${conn.bytesRead} octets were read ahead`);
      gate.open();
      await sent;
      assert.deepEqual(await client.codes(1), [250]);
      assert.equal(bytesTaken, content.length);
      assert.equal(hash.digest('hex'), digest(content));
    });
  },

  async 'a client that does not read its replies is not read from'() {
    await withServer({ limits: { idleCommandsMax: Infinity } }, async ({ client, server }) => {
      await client.reply();
      const [{ conn }] = [...server.channels];
      client.socket.pause();
      const line = 'VRFY <somebody-with-a-long-name@example.test>\r\n';
      const group = Buffer.from(line.repeat(20_000));
      let isSending = true;
      let groups = 0;
      const sending = (async () => {
        while (isSending) {
          await client.sendAll(group);
          groups += 1;
        }
      })();
      await untilStill(() => conn.bytesRead);
      const readWhileBlocked = conn.bytesRead;
      assert.ok(conn.writableLength < MIB, `${conn.writableLength} octets of replies are held`);
      isSending = false;
      client.socket.resume();
      await sending;
      await client.codes(groups * 20_000);
      assert.ok(readWhileBlocked < groups * group.length, 'reading stopped before everything was read');
    });
  },

  async 'hooks may answer later, in order'() {
    const asked = [];
    const later = (name, verdict) => async () => {
      await new Promise((resolve) => setTimeout(resolve, 2));
      asked.push(name);
      if (verdict instanceof Error) throw verdict;
      return verdict;
    };
    await withServer({ noTaker: true }, async ({ server, connect: connectClient, client: first }) => {
      // The hooks see the second client whole.
      await first.reply();
      server.use({
        name: 'slow',
        connect: later('connect'),
        helo: later('helo'),
        mail: later('mail'),
        rcpt: async ({ address }) => {
          await later('rcpt')();
          if (address === 'no@b') throw new SMTPReplyError(550, '5.1.1', 'No such user');
        },
        data: later('data'),
        message: later('message', new Reply(250, '2.0.0', 'Kept as 17')),
      });
      const client = await connectClient();
      client.send('EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<no@b>\r\nRCPT TO:<yes@b>\r\nDATA\r\n');
      assert.deepEqual(await client.codes(6), [220, 250, 250, 550, 250, 354]);
      client.send('x\r\n.\r\n');
      assert.deepEqual(await client.reply(), { code: 250, lines: ['2.0.0 Kept as 17'] });
      assert.deepEqual(asked, ['connect', 'helo', 'mail', 'rcpt', 'rcpt', 'data', 'message']);
    });
  },

  async 'a client that sends everything and half-closes hears every reply'() {
    await withServer({}, async ({ client, server }) => {
      client.socket.end(
        'EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf-closed\r\n.\r\nNOOP\r\nMAIL FROM:<unfinished',
      );
      assert.deepEqual(await client.codes(7), [220, 250, 250, 250, 354, 250, 250]);
      await client.ended();
      assert.equal(client.unread, '');
      assert.equal(latin1(server.messages[0].data), 'half-closed\r\n');
    });
  },

  async 'a client that half-closes hears what a slow hook says'() {
    await withServer({}, async ({ server, connect: connectClient, client: first }) => {
      await first.reply();
      const gate = newGate();
      server.use({ name: 'slow', mail: () => gate.opened });
      const client = await connectClient();
      client.socket.end('EHLO c\r\nMAIL FROM:<a@b>\r\nQUIT\r\n');
      assert.deepEqual(await client.codes(2), [220, 250]);
      gate.open();
      assert.deepEqual(await client.codes(2), [250, 221]);
      await client.ended();
    });
  },

  async 'a reset while a hook is pending aborts its signal'() {
    await withServer({}, async ({ server, client }) => {
      const events = [];
      server.on('disconnect', ({ reason }) => events.push(reason));
      const aborted = new Promise((resolve) => {
        server.use({
          name: 'slow',
          mail: ({ signal }) =>
            new Promise((answer) => {
              client.reset();
              signal.addEventListener('abort', () => {
                answer();
                resolve(signal.reason);
              });
            }),
        });
      });
      await client.reply();
      client.send('EHLO c\r\nMAIL FROM:<a@b>\r\n');
      assert.ok((await aborted) instanceof Error);
      await until(() => server.channels.size === 0, 'the channel is gone');
      assert.equal(events.length, 1);
    });
  },

  async 'a channel class adds a verb and changes one'() {
    class MyChannel extends SMTPChannel {
      async smtp_XPING(argument) {
        await this.push(`250 2.0.0 pong ${argument ?? ''}`);
      }

      async smtp_XASK() {
        const answer = await this.readLine('334 Who is there?');
        await this.push(`250 2.0.0 Hello ${answer}`);
      }

      smtp_MAIL(argument) {
        if (/spam/.test(argument)) return this.push('550 5.7.1 No');
        return super.smtp_MAIL(argument);
      }
    }
    class MyServer extends Inbox {
      static channelClass = MyChannel;
    }
    await withServer({ serverClass: MyServer }, async ({ client }) => {
      await client.reply();
      client.send('XPING 42\r\n');
      assert.deepEqual(await client.reply(), { code: 250, lines: ['2.0.0 pong 42'] });
      client.send('XASK\r\nme\r\n');
      assert.deepEqual(await client.codes(1), [334]);
      assert.deepEqual(await client.reply(), { code: 250, lines: ['2.0.0 Hello me'] });
      client.send('EHLO c\r\nMAIL FROM:<spam@b>\r\nMAIL FROM:<ham@b>\r\n');
      assert.deepEqual(await client.codes(3), [250, 550, 250]);
    });
  },

  async 'a limit is met when the given clock says so'() {
    const clock = new HandClock();
    await withServer({ clock }, async ({ client, server }) => {
      const limits = [];
      server.on('limit', ({ limit }) => limits.push(limit));
      await client.reply();
      assert.equal(await client.command('EHLO c'), 250);
      clock.advance(299_999);
      assert.equal(await client.command('NOOP'), 250);
      clock.advance(299_999);
      assert.equal(await client.command('NOOP'), 250);
      clock.advance(300_000);
      assert.deepEqual(await client.codes(1), [421]);
      await client.ended();
      assert.deepEqual(limits, ['commandWaitMs']);
    });
  },

  async 'events and diagnostics channels tell the same story'() {
    const story = [];
    const diagnosed = [];
    const onDiagnosed = (event) => diagnosed.push(event.verb);
    subscribe('smtpd.command', onDiagnosed);
    const server = newServer({});
    for (const name of ['listening', 'connect', 'disconnect', 'close']) server.on(name, () => story.push(name));
    server.on('command', ({ verb }) => story.push(verb));
    server.on('reply', ({ reply }) => story.push(reply.code));
    server.on('message', ({ sizeBytes, reply }) => story.push(`message ${sizeBytes} ${reply.code}`));
    try {
      await server.listen();
      const client = await WireClient.connect({ port: server.port });
      await startMessage(client);
      client.send('12345678\r\n.\r\nQUIT\r\n');
      assert.deepEqual(await client.codes(2), [250, 221]);
      await client.ended();
      await until(() => server.channels.size === 0, 'the channel is gone');
    } finally {
      await server.close();
      unsubscribe('smtpd.command', onDiagnosed);
    }
    const commands = ['EHLO', 'MAIL', 'RCPT', 'DATA'];
    assert.deepEqual(
      story.filter((each) => each !== 'message 10 250'),
      [
        ...['listening', 'connect', 220, 'EHLO', 250, 'MAIL', 250, 'RCPT', 250, 'DATA', 354, 250, 'QUIT', 221],
        ...['disconnect', 'close'],
      ],
    );
    assert.equal(story.filter((each) => each === 'message 10 250').length, 1);
    assert.deepEqual(diagnosed, [...commands, 'QUIT']);
  },

  async 'fifty clients at a time get their own messages through'() {
    await withServer({}, async ({ server, connect: connectClient }) => {
      await Promise.all(
        Array.from({ length: 50 }, async (_, index) => {
          const client = await connectClient();
          await startMessage(client);
          client.send(`${`client ${index}\r\n`.repeat(1_000)}.\r\nQUIT\r\n`);
          assert.deepEqual(await client.codes(2), [250, 221]);
          await client.ended();
        }),
      );
      assert.equal(server.messages.length, 50);
      assert.equal(new Set(server.messages.map(({ data }) => latin1(data))).size, 50);
      assert.ok(server.messages.every(({ data }) => /^(client \d+\r\n)\1{999}$/.test(latin1(data))));
    });
  },

  async 'STARTTLS puts a session on TLS, and what was sent in clear behind it is forgotten'() {
    await withServer({ tls: { mode: 'require', ...USUAL } }, async ({ client, server }) => {
      const names = [];
      server.use({ name: 'names', mail: ({ session }) => void names.push(session.clientName) });
      await client.reply();
      assert.equal(await client.command('EHLO clear.example.test'), 250);
      assert.equal(await client.command('MAIL FROM:<a@b>'), 530);
      client.send('STARTTLS\r\nNOOP\r\n');
      assert.deepEqual(await client.codes(1), [220]);
      await client.startTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
      // It is not even known any more who the client said it was.
      assert.equal(await client.command('MAIL FROM:<a@b>'), 503);
      client.send('EHLO tls.example.test\r\n');
      const { lines } = await client.reply();
      assert.ok(!lines.includes('STARTTLS'));
      const content = pseudoRandomLines(MIB);
      client.send('MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
      assert.deepEqual(await client.codes(3), [250, 250, 354]);
      await client.sendAll(Buffer.from(`${stuffed(content)}.\r\n`, 'latin1'));
      assert.equal(await client.command('QUIT'), 250);
      assert.deepEqual(await client.codes(1), [221]);
      await client.ended();
      const [{ data, session }] = server.messages;
      assert.equal(digest(data), digest(Buffer.from(content, 'latin1')));
      assert.deepEqual(names, ['tls.example.test']);
      assert.equal(session.tls.version, 'TLSv1.3');
    });
  },

  async 'a client that ends its side before its handshake is not waited for'() {
    await withServer(
      { tls: { mode: 'offer', ...USUAL } },
      async ({ client: first, connect: connectClient, server }) => {
        await first.reply();
        first.socket.end();
        await until(() => server.channels.size === 0, 'the first client has left');
        server.use({
          name: 'slow',
          async helo() {
            const [{ conn }] = server.channels;
            await new Promise((resolve) => conn.once('end', resolve));
          },
        });
        const client = await connectClient();
        const told = [];
        server.on('limit', ({ limit }) => told.push(limit));
        server.on('disconnect', ({ reason }) => told.push(reason));
        client.socket.end('EHLO c\r\nSTARTTLS\r\n');
        assert.deepEqual(await client.codes(3), [220, 250, 220]);
        await client.ended();
        await until(() => told.length > 0, 'the session is over');
        assert.deepEqual(told, ['handshakeFailed']);
      },
    );
  },

  async 'TLS begins with the first octet where it is implicit'() {
    await withTLSServer({ tls: { mode: 'implicit', ...USUAL } }, async ({ connectTLS, server }) => {
      const client = await connectTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
      await startMessage(client);
      client.send('secret\r\n.\r\nQUIT\r\n');
      assert.deepEqual(await client.codes(2), [250, 221]);
      await client.ended();
      const [{ data, session }] = server.messages;
      assert.equal(latin1(data), 'secret\r\n');
      assert.match(session.tls.version, /^TLSv1\.[23]$/);
      assert.equal(session.peer.address, '127.0.0.1');
      await until(() => server.channels.size === 0, 'the channel is gone');
    });
  },

  async 'a handshake that fails ends the connection, and no other'() {
    await withTLSServer(
      { tls: { mode: 'implicit', ...USUAL } },
      async ({ connectTLS, connect: connectClient, server }) => {
        const failures = [];
        server.on('handshakeFailed', ({ error }) => failures.push(error));
        const client = await connectClient();
        client.send('EHLO c\r\n');
        await client.ended();
        await until(() => server.channels.size === 0, 'the channel is gone');
        assert.equal(failures.length, 1);
        const other = await connectTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
        assert.deepEqual(await other.codes(1), [220]);
      },
    );
  },

  async 'the name that a client asks for chooses the certificate'() {
    const names = { 'other.example.test': OTHER };
    await withTLSServer({ tls: { mode: 'implicit', ...USUAL, names } }, async ({ connectTLS, server }) => {
      const secured = [];
      server.on('secured', ({ tls }) => secured.push(tls.serverName));
      for (const [name, { cert }] of [
        ['other.example.test', OTHER],
        ['mx.example.test', USUAL],
      ]) {
        const client = await connectTLS({ ca: cert, servername: name });
        assert.deepEqual(await client.codes(1), [220]);
        client.destroy();
      }
      assert.deepEqual(secured, ['other.example.test', 'mx.example.test']);
    });
  },

  async 'a client certificate that nobody vouches for is seen, and is not verified'() {
    const tls = { mode: 'implicit', ...USUAL, clientCertificates: 'request' };
    await withTLSServer({ tls }, async ({ connectTLS, server }) => {
      const secured = [];
      server.on('secured', (event) => secured.push(event.tls.peerCertificate));
      const { key, cert } = OTHER;
      const client = await connectTLS({ ca: USUAL.cert, servername: 'mx.example.test', key, cert });
      assert.deepEqual(await client.codes(1), [220]);
      assert.equal(secured[0].commonName, 'other.example.test');
      assert.equal(secured[0].isVerified, false);
    });
  },

  async 'PLAIN is offered on TLS only, and lets a client in'() {
    const options = { tls: { mode: 'offer', ...USUAL }, auth: { mode: 'require' } };
    await withServer(options, async ({ client, server }) => {
      server.use(ACCOUNTS);
      await client.reply();
      client.send('EHLO c\r\n');
      assert.ok(!(await client.reply()).lines.some((line) => line.startsWith('AUTH')));
      assert.equal(await client.command('STARTTLS'), 220);
      await client.startTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
      client.send('EHLO c\r\n');
      assert.ok((await client.reply()).lines.includes('AUTH PLAIN LOGIN'));
      assert.equal(await client.command('MAIL FROM:<a@b>'), 530);
      assert.equal(await authenticate(client, 'PLAIN', 'wrong'), 535);
      assert.equal(await authenticate(client, 'PLAIN', PASSWORD), 235);
      assert.equal(await client.command('MAIL FROM:<a@b>'), 250);
    });
  },

  async 'SCRAM-SHA-256 lets a client in, and both know each other'() {
    const auth = { mode: 'require', mechanisms: ['SCRAM-SHA-256'] };
    await withServer({ auth }, async ({ client, server }) => {
      server.use(ACCOUNTS);
      const accepted = [];
      server.on('auth', ({ user, isAccepted }) => accepted.push([user, isAccepted]));
      await client.reply();
      await client.command('EHLO c');
      assert.equal(await authenticate(client, 'SCRAM-SHA-256', 'wrong'), 535);
      assert.equal(await authenticate(client, 'SCRAM-SHA-256', PASSWORD), 235);
      assert.deepEqual(accepted, [
        ['alice', false],
        ['alice', true],
      ]);
    });
  },

  async 'SCRAM-SHA-256-PLUS binds the client to its TLS'() {
    const auth = { mode: 'require', mechanisms: ['SCRAM-SHA-256-PLUS'] };
    await withTLSServer({ tls: { mode: 'implicit', ...USUAL }, auth }, async ({ connectTLS, server }) => {
      server.use(ACCOUNTS);
      const client = await connectTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
      await client.reply();
      await client.command('EHLO c');
      const data = new Uint8Array(client.socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)));
      const other = { type: 'tls-exporter', data: data.map((octet) => octet ^ 1) };
      assert.equal(await authenticate(client, 'SCRAM-SHA-256-PLUS', PASSWORD, other), 535);
      assert.equal(await authenticate(client, 'SCRAM-SHA-256-PLUS', PASSWORD, { type: 'tls-exporter', data }), 235);
    });
  },

  async 'BDAT brings a message in chunks, every octet'() {
    await withServer({}, async ({ client, server }) => {
      const everyOctet = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join('');
      const chunks = [`${everyOctet}\r\n.\r\n`, '', everyOctet.repeat(4_096), '\n'];
      client.send('EHLO c\r\nMAIL FROM:<a@b> BODY=BINARYMIME\r\nRCPT TO:<c@d>\r\n');
      assert.deepEqual(await client.codes(4), [220, 250, 250, 250]);
      for (const [index, chunk] of chunks.entries()) {
        client.send(`BDAT ${chunk.length}${index === chunks.length - 1 ? ' LAST' : ''}\r\n${chunk}`);
      }
      client.send('QUIT\r\n');
      assert.deepEqual(await client.codes(5), [250, 250, 250, 250, 221]);
      assert.equal(latin1(server.messages[0].data), chunks.join(''));
    });
  },

  async 'LMTP answers for each recipient'() {
    await withServer({ protocol: 'lmtp' }, async ({ server, client }) => {
      const full = new Reply(552, '5.2.2', 'Mailbox is full');
      server.use({ name: 'full', message: async () => new Map([['2@b', full]]) });
      client.send('LHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<1@b>\r\nRCPT TO:<2@b>\r\nRCPT TO:<3@b>\r\nDATA\r\n');
      assert.deepEqual(await client.codes(7), [220, 250, 250, 250, 250, 250, 354]);
      client.send('x\r\n.\r\nQUIT\r\n');
      assert.deepEqual(await client.codes(4), [250, 552, 250, 221]);
    });
  },

  async 'a PROXY header says whose connection it is'() {
    await withServer({ proxyProtocol: 'loopback' }, async ({ server, client, connect: connectClient }) => {
      const peers = [];
      server.on('connect', ({ session }) => peers.push(session.peer));
      client.send('PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\nEHLO c\r\n');
      assert.deepEqual(await client.codes(2), [220, 250]);
      const second = await connectClient();
      const binary = [...PROXY_SIGNATURE, 0x21, 0x11, 0, 12, 192, 0, 2, 2, 198, 51, 100, 1, 0x12, 0x67, 0, 25];
      // It comes octet by octet.
      for (const octet of binary) {
        second.send(String.fromCharCode(octet));
        await new Promise((resolve) => setImmediate(resolve));
      }
      assert.deepEqual(await second.codes(1), [220]);
      assert.deepEqual(peers, [
        { address: '192.0.2.1', port: 56_324, family: 'IPv4' },
        { address: '192.0.2.2', port: 4_711, family: 'IPv4' },
      ]);
      const without = await connectClient();
      without.send('EHLO c\r\n');
      await without.ended();
      assert.equal(without.unread, '');
    });
  },

  async 'TLS from the first octet may stand behind a PROXY header'() {
    const options = { proxyProtocol: 'loopback', tls: { mode: 'implicit', ...USUAL } };
    await withServer(options, async ({ client, server }) => {
      // What the client sends first is read with the header or after it.
      client.send('PROXY TCP4 192.0.2.1 198.51.100.1 56324 465\r\n');
      await client.startTLS({ ca: USUAL.cert, servername: 'mx.example.test' });
      await startMessage(client);
      client.send('x\r\n.\r\n');
      assert.deepEqual(await client.codes(1), [250]);
      assert.equal(server.messages[0].peer.address, '192.0.2.1');
      assert.notEqual(server.messages[0].session.tls, undefined);
    });
  },

  async 'the client sends a message in clear, whole and through a pool'() {
    await withServer({ isWithoutClient: true }, async ({ server }) => {
      const remoteAddress = { host: '127.0.0.1', port: server.addresses[0].port };
      const client = new SMTPClient({ remoteAddress, hostname: 'client.example.test' });
      await client.connect();
      const { recipients } = await client.send(OUTGOING);
      assert.deepEqual(
        recipients.map(({ address, reply }) => [address, reply.code]),
        [['b@example.test', 250]],
      );
      await client.quit();
      const pool = new SMTPClientPool({ connectionsMax: 2 });
      await Promise.all([1, 2, 3, 4].map(() => pool.send({ client: { remoteAddress } }, OUTGOING)));
      await pool.close();
      assert.deepEqual(
        server.messages.map(({ data }) => latin1(data)),
        Array.from({ length: 5 }, () => OUTGOING.data),
      );
    });
  },

  async 'the client looks at the certificate, by STARTTLS and with TLS from the first octet'() {
    for (const [serverMode, mode] of [
      ['require', 'require'],
      ['implicit', 'implicit'],
    ]) {
      await withTLSServer({ tls: { mode: serverMode, ...USUAL } }, async ({ server }) => {
        const clientWith = (tls) =>
          new SMTPClient({ remoteAddress: { host: '127.0.0.1', port: server.port }, tls: { mode, ...tls } });
        const client = clientWith({ ca: USUAL.cert, serverName: 'mx.example.test' });
        await client.connect();
        assert.equal(client.tls.peerCertificate.isVerified, true);
        await client.send(OUTGOING);
        assert.equal(latin1(server.messages[0].data), OUTGOING.data);
        await client.quit();
        const failure = { code: 'SMTPD_TLS_FAILED' };
        await assert.rejects(clientWith({ serverName: 'mx.example.test' }).connect(), failure, 'nobody vouches for it');
        await assert.rejects(clientWith({ ca: USUAL.cert, serverName: 'other.test' }).connect(), failure, 'other name');
        assert.equal(server.messages.length, 1);
      });
    }
  },
};

class Inbox extends SMTPServer {
  messages = [];

  processMessage(message) {
    this.messages.push(message);
  }
}

/** Who may authenticate, by whatever mechanism. */
const ACCOUNTS = {
  name: 'accounts',
  auth: (request) => {
    if (request.user !== 'alice') return undefined;
    if (request.kind === 'secret') return { password: PASSWORD };
    return request.password === PASSWORD ? { verified: true } : undefined;
  },
};

/** Runs the client's side of a mechanism. @returns the code of the last reply */
async function authenticate(client, name, password, channelBinding) {
  const credentials = { kind: 'password', user: 'alice', password };
  const isPlusOffered = name.endsWith('-PLUS');
  let step = CLIENT_MECHANISMS.get(name).start({ crypto: nodeSASLCrypto, credentials, channelBinding, isPlusOffered });
  let line = `AUTH ${name} ${Buffer.from(step.data).toString('base64')}`;
  for (;;) {
    client.send(`${line}\r\n`);
    const { code, lines } = await client.reply();
    if (code !== 334) return code;
    step = step.respond(Buffer.from(lines[0], 'base64'));
    line = step.kind === 'failed' ? '*' : Buffer.from(step.data ?? []).toString('base64');
  }
}

/** A clock that is moved by hand. */
class HandClock {
  #now = 0;
  #timers = new Set();

  now() {
    return this.#now;
  }

  setTimer(callback, ms) {
    const timer = { dueAt: this.#now + ms, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms) {
    this.#now += ms;
    for (const timer of [...this.#timers]) {
      if (timer.dueAt > this.#now || !this.#timers.delete(timer)) continue;
      timer.callback();
    }
  }
}

/** Runs something with a server that speaks TLS from the first octet. */
async function withTLSServer(options, run) {
  const clients = [];
  await withServer({ ...options, isWithoutClient: true }, async ({ server, ...more }) => {
    const connectTLS = async (how) => {
      const client = await WireClient.connectTLS({ port: server.port }, how);
      clients.push(client);
      return client;
    };
    try {
      await run({ server, connectTLS, ...more });
    } finally {
      for (const client of clients) client.destroy();
    }
  });
}

function newServer({ serverClass, noTaker, ...options }) {
  const Server = serverClass ?? (noTaker ? SMTPServer : Inbox);
  return new Server({ localAddress: '127.0.0.1:0', hostname: 'mx.example.test', logger: silentLogger, ...options });
}

/** Runs something with a server and a client, and closes everything whatever happens. */
async function withServer({ isWithoutClient = false, ...options }, run) {
  const server = newServer(options);
  const clients = [];
  const connectClient = async (where) => {
    const [{ address, port, family }] = server.addresses;
    const client = await WireClient.connect(where ?? (family === 'unix' ? { path: address } : { port }));
    client.localPort = client.socket.localPort;
    client.remotePort = port;
    clients.push(client);
    return client;
  };
  try {
    await server.listen();
    const client = isWithoutClient ? undefined : await connectClient();
    await run({ server, client, connect: connectClient });
  } finally {
    for (const client of clients) client.destroy();
    await server.close({ graceMs: 0 });
  }
}

async function startMessage(client) {
  client.send('EHLO c\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
  assert.deepEqual(await client.codes(5), [220, 250, 250, 250, 354]);
}

function newGate() {
  const gate = {};
  gate.opened = new Promise((resolve) => {
    gate.open = resolve;
  });
  return gate;
}

/** Waits for a condition, turn by turn. */
async function until(isTrue, what) {
  const giveUpAt = performance.now() + 8_000;
  while (!isTrue()) {
    if (performance.now() > giveUpAt) throw new Error(`Waited in vain: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Waits until a number above 0 has not changed for a quarter of a second: nothing moves any more. */
async function untilStill(read) {
  let last = 0;
  let stillSince = performance.now();
  while (last === 0 || performance.now() - stillSince < 250) {
    const now = read();
    if (now !== last) stillSince = performance.now();
    last = now;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Lines of many lengths, some of which begin with dots; the same ones each time. */
function pseudoRandomLines(lengthBytes) {
  let seed = 20_231;
  const next = (below) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const lines = [];
  let length = 0;
  while (length < lengthBytes) {
    const line = `${'.'.repeat(next(4) === 0 ? next(3) : 0)}${String.fromCharCode(33 + next(200)).repeat(next(900))}\r\n`;
    lines.push(line);
    length += line.length;
  }
  return lines.join('');
}

function stuffed(content) {
  return content.replace(/^\./gm, '..');
}

function digest(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

function latin1(bytes) {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

/** Takes from this process's socket handles what our read buffer needs. */
async function disableReadBuffer() {
  const listener = createServer();
  await new Promise((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const socket = connect(listener.address().port, '127.0.0.1');
  await new Promise((resolve) => socket.once('connect', resolve));
  let prototype = Object.getPrototypeOf(socket._handle);
  while (!Object.hasOwn(prototype, 'useUserBuffer')) prototype = Object.getPrototypeOf(prototype);
  assert.ok(delete prototype.useUserBuffer);
  socket.destroy();
  await new Promise((resolve) => listener.close(resolve));
}

async function runScenario(name, run) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('The scenario took longer than 15 seconds')), 15_000);
  });
  try {
    await Promise.race([run(), late]);
    return { name, isPassed: true };
  } catch (error) {
    return { name, isPassed: false, error: String(error?.stack ?? error) };
  } finally {
    clearTimeout(timer);
  }
}

const MIB = 1_048_576;
const PASSWORD = 'p="a,ss wörd=3D';
const PROXY_SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];
/** What the client sends. */
const OUTGOING = { mailFrom: 'a@example.test', rcptTos: ['b@example.test'], data: 'Subject: x\r\n\r\n.\r\nhello\r\n' };
const USUAL = makeSelfSigned({ names: ['mx.example.test'], now: new Date() });
const OTHER = makeSelfSigned({ names: ['other.example.test'], now: new Date() });
const DOT = Buffer.from('.\r\n');
const isPlain = process.argv.includes('--plain-reads');
const READS_INTO_OUR_BUFFER = process.versions.bun === undefined && process.versions.deno === undefined && !isPlain;

const only = process.argv.find((each) => each.startsWith('--only='))?.slice('--only='.length);
process.on('uncaughtException', (error) => {
  console.log(
    JSON.stringify({
      name: 'nothing is thrown where nobody can catch it',
      isPassed: false,
      error: String(error?.stack ?? error),
    }),
  );
});
process.on('unhandledRejection', (error) => {
  console.log(
    JSON.stringify({
      name: 'nothing is thrown where nobody can catch it',
      isPassed: false,
      error: String(error?.stack ?? error),
    }),
  );
});
if (isPlain) await disableReadBuffer();
for (const [name, run] of Object.entries(SCENARIOS)) {
  if (only !== undefined && !name.includes(only)) continue;
  console.log(JSON.stringify(await runScenario(name, run)));
}
// Nothing may be left open: the process ends by itself.
