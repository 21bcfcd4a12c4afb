/** Our own client with other people's servers: what it sends arrives there, octet by octet. */

import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { SMTPServer as OtherServer, type SMTPServerOptions as OtherOptions } from 'smtp-server';
import { afterAll, describe, expect, it } from 'vitest';

import { SMTPClient } from '../../src/client/client.js';
import type { ClientAuthOptions } from '../../src/client/client-options.js';
import { rejection } from '../server/support.js';
import { Certificates } from '../support/certificates.js';
import { COMMAND_PATH } from '../support/command-path.js';
import { requireCommand } from '../support/component.js';
import { freePort } from '../support/free-port.js';
import { TemporaryFolder } from '../support/temporary-folder.js';
import { AWKWARD_MESSAGE, EIGHT_BIT_MESSAGE, expectOctets } from './support.js';

const certificates = new Certificates();
afterAll(() => {
  certificates[Symbol.dispose]();
});

describe('our client and smtp-server', () => {
  it.each([
    ['awkward lines', AWKWARD_MESSAGE],
    ['every octet', EIGHT_BIT_MESSAGE],
  ])('in clear: %s', async (_, data) => {
    await using server = await startOther({ disabledCommands: ['AUTH', 'STARTTLS'] });
    await using client = new SMTPClient({ remoteAddress: server.remoteAddress, hostname: 'client.example' });
    await client.connect();
    await client.send({ mailFrom: 'alice@a.example', rcptTos: ['bob@b.example', 'carol@c.example'], data });
    expect(server.messages).toHaveLength(1);
    expect(server.messages[0]!.rcptTos).toEqual(['bob@b.example', 'carol@c.example']);
    expectOctets(server.messages[0]!.data, data);
  });

  it.each(['PLAIN', 'LOGIN'] as const)('with STARTTLS and AUTH %s', async (mechanism) => {
    await using server = await startOther({
      authMethods: ['PLAIN', 'LOGIN'],
      key: certificates.server.key,
      cert: certificates.server.cert,
      onAuth: ({ username, password }, _, callback) => {
        if (username === 'alice' && password === 'wörd') callback(null, { user: 'alice' });
        else callback(new Error('No'));
      },
    });
    const clientWith = (auth: ClientAuthOptions): SMTPClient =>
      new SMTPClient({
        remoteAddress: server.remoteAddress,
        hostname: 'client.example',
        tls: { mode: 'require', ca: certificates.server.cert },
        auth,
      });
    await using client = clientWith({ user: 'alice', password: 'wörd', mechanisms: [mechanism] });
    await client.connect();
    expect([client.mechanism, client.tls?.peerCertificate?.isVerified]).toEqual([mechanism, true]);
    await client.send({ mailFrom: 'alice@a.example', rcptTos: ['bob@b.example'], data: AWKWARD_MESSAGE });
    expectOctets(server.messages[0]!.data, AWKWARD_MESSAGE);
    const wrong = clientWith({ user: 'alice', password: 'word', mechanisms: [mechanism] });
    expect(await rejection(wrong.connect())).toMatchObject({ command: 'AUTH', reply: { code: 535 } });
  });

  it('with LMTP', async () => {
    await using server = await startOther({ disabledCommands: ['AUTH', 'STARTTLS'], lmtp: true });
    await using client = new SMTPClient({ remoteAddress: server.remoteAddress, protocol: 'lmtp' });
    await client.connect();
    const rcptTos = ['bob@b.example', 'carol@c.example'];
    const { recipients } = await client.send({ mailFrom: '', rcptTos, data: AWKWARD_MESSAGE });
    expect(recipients.map(({ address, reply }) => [address, reply.code])).toEqual(rcptTos.map((each) => [each, 250]));
    expectOctets(server.messages[0]!.data, AWKWARD_MESSAGE);
  });
});

describe('our client and smtp-sink', () => {
  const sink = requireCommand('smtp-sink');

  it.each([
    ['with all that it offers', []],
    ['without ESMTP', ['-e']],
    ['without PIPELINING', ['-p']],
    ['over LMTP', ['-L']],
  ])('%s', async (name, flags) => {
    using folder = new TemporaryFolder();
    const port = await freePort();
    const child = spawn(
      sink,
      [...flags, '-u', process.env['USER'] ?? 'root', '-D', `${folder.path}/m.`, `127.0.0.1:${String(port)}`, '10'],
      {
        env: { PATH: COMMAND_PATH },
        stdio: 'ignore',
      },
    );
    try {
      await listening(port, () => child.exitCode === null);
      const client = new SMTPClient({
        remoteAddress: { host: '127.0.0.1', port },
        hostname: 'client.example',
        protocol: name === 'over LMTP' ? 'lmtp' : 'smtp',
      });
      await client.connect();
      await client.send({
        mailFrom: 'alice@a.example',
        rcptTos: ['bob@b.example', 'c@c.example'],
        data: AWKWARD_MESSAGE,
      });
      await client.quit();
      const [file] = readdirSync(folder.path);
      // Its own header comes first, and it keeps lines as Unix does.
      const kept = readFileSync(`${folder.path}/${file!}`, 'latin1');
      const sent = AWKWARD_MESSAGE.toString('latin1').replaceAll('\r\n', '\n');
      expect(kept).toContain('X-Rcpt-Args: <bob@b.example>');
      expect(kept.endsWith(`${sent}\n`) || kept.endsWith(sent)).toBe(true);
    } finally {
      child.kill('SIGKILL');
    }
  });
});

interface Taken {
  readonly rcptTos: readonly string[];
  readonly data: Buffer;
}

/** npm's `smtp-server` on a free port. */
async function startOther(options: OtherOptions) {
  const messages: Taken[] = [];
  const server = new OtherServer({
    ...options,
    disableReverseLookup: true,
    onData(stream, session, callback) {
      const pieces: Buffer[] = [];
      stream.on('data', (piece: Buffer) => pieces.push(piece));
      stream.on('end', () => {
        const rcptTos = session.envelope.rcptTo.map(({ address }) => address);
        messages.push({ rcptTos, data: Buffer.concat(pieces) });
        callback(null, options.lmtp === true ? rcptTos.map(() => 'taken') : 'taken');
      });
    },
  });
  // What a client does wrong is said to the client.
  server.on('error', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  const { port } = server.server.address() as AddressInfo;
  return {
    messages,
    remoteAddress: { host: '127.0.0.1', port },
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => {
        server.close(resolve);
      });
    },
  };
}

/** Waits until somebody listens. */
async function listening(port: number, isRunning: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 10_000;
  while (isRunning() && performance.now() < giveUpAt) {
    const socket = connect(port, '127.0.0.1');
    const isThere = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => {
        resolve(true);
      });
      socket.once('error', () => {
        resolve(false);
      });
    });
    socket.destroy();
    if (isThere) return;
  }
  throw new Error('It does not listen');
}
