/** The server name in what real clients send first, however it is split. */

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { Duplex } from 'node:stream';
import { connect, type ConnectionOptions } from 'node:tls';

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { CLIENT_HELLO_WAIT_BYTES_MAX, decodeClientHello } from '../../src/protocol/client-hello.js';
import { requireCommandFor } from '../support/component.js';

/** What a client of Node sends first. */
async function helloOf(options: ConnectionOptions): Promise<Buffer> {
  const written = new Promise<Buffer>((resolve) => {
    const duplex = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer) => {
        resolve(chunk);
      },
    });
    const socket = connect({ ...options, socket: duplex });
    socket.on('error', () => undefined);
    void written.then(() => {
      socket.destroy();
      duplex.destroy();
    });
  });
  return written;
}

const HELLO = await helloOf({ servername: 'mail.example.org', ALPNProtocols: ['smtp'] });
const FOUND = { kind: 'clientHello', serverName: 'mail.example.org' };
/** The message without its record. */
const MESSAGE = HELLO.subarray(5);

/** The message in records of these lengths; the last takes the rest. */
function inRecords(message: Uint8Array, lengths: readonly number[]): Buffer {
  const records: Buffer[] = [];
  let rest = Buffer.from(message);
  for (const length of [...lengths, message.length]) {
    const fragment = rest.subarray(0, length);
    if (fragment.length > 0)
      records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 0xff]), fragment);
    rest = rest.subarray(fragment.length);
  }
  return Buffer.concat(records);
}

/** A message with these extensions. */
function messageWith(extensions: string): Buffer {
  const block = Buffer.from(extensions, 'hex');
  const body = Buffer.concat([Buffer.alloc(34), Buffer.from('00000213010100', 'hex'), uint16(block.length), block]);
  return Buffer.concat([Buffer.from([1, 0]), uint16(body.length), body]);
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

describe('a client', () => {
  it('of Node asks for a name, or for none', async () => {
    expect(decodeClientHello(HELLO)).toEqual(FOUND);
    expect(decodeClientHello(await helloOf({ servername: 'a.example', maxVersion: 'TLSv1.2' }))).toEqual({
      kind: 'clientHello',
      serverName: 'a.example',
    });
    expect(decodeClientHello(await helloOf({}))).toEqual({ kind: 'clientHello', serverName: undefined });
  });

  it('of OpenSSL asks for a name', async (context) => {
    requireCommandFor(context, 'openssl');
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    const client = execFile('openssl', ['s_client', '-connect', address, '-servername', 'openssl.example']);
    const [socket] = (await once(server, 'connection')) as [Duplex];
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    await once(client, 'close');
    server.close();
    expect(decodeClientHello(bytes)).toEqual({ kind: 'clientHello', serverName: 'openssl.example' });
  });
});

describe('the name', () => {
  it.each([
    ['is found behind other extensions', '000a00020000000000080006000003612e62', 'a.b'],
    ['is none where there are no extensions', '', undefined],
    ['is none where it is empty', '000000050003000000', undefined],
    ['is none where it is of another kind', '000000080006010003612e62', undefined],
    ['is none where it has a control character', '00000008000600000361 0a62'.replace(' ', ''), undefined],
    ['is none where it is no ASCII', '00000008000600000361e962', undefined],
    ['is none where its extension is empty', '00000000', undefined],
    ['is cut where its extension ends', '000000070006000003612e', 'a.'],
  ])('%s', (_, extensions, serverName) => {
    expect(decodeClientHello(inRecords(messageWith(extensions), []))).toEqual({ kind: 'clientHello', serverName });
  });
});

describe('what is no ClientHello', () => {
  it.each([
    ['text', Buffer.from('E')],
    ['another record', Buffer.from([23])],
    ['another version of records', Buffer.from([22, 2])],
    ['an empty record', Buffer.from([22, 3, 1, 0, 0])],
    ['a record that is too long', Buffer.from([22, 3, 1, 0x40, 1])],
    ['another message', Buffer.from([22, 3, 1, 0, 9, 2])],
    ['a message that is too long', Buffer.from([22, 3, 1, 0, 9, 1, 0, 0x7f, 0xfd])],
    ['another record in the middle', Buffer.concat([inRecords(MESSAGE.subarray(0, 9), []), Buffer.from([21])])],
    ['a message in seventeen records', inRecords(MESSAGE, new Array<number>(16).fill(3))],
  ])('%s is told at once', (_, bytes) => {
    expect(decodeClientHello(bytes)).toEqual({ kind: 'other' });
    expect(decodeClientHello(bytes.subarray(0, -1)).kind).not.toBe('clientHello');
  });

  it('is not what stands behind one in the same record', () => {
    const record = inRecords(Buffer.concat([MESSAGE, Buffer.alloc(10)]), []);
    expect(decodeClientHello(record.subarray(0, -10))).toEqual(FOUND);
    expect(decodeClientHello(record)).toEqual(FOUND);
  });

  it('is told no earlier than that', () => {
    expect(decodeClientHello(new Uint8Array(0))).toEqual({ kind: 'needMore' });
    expect(decodeClientHello(Buffer.from([22, 3, 1, 0x40, 0]))).toEqual({ kind: 'needMore' });
    expect(decodeClientHello(Buffer.from([22, 3, 1, 0, 9, 1, 0, 0x7f, 0xfc]))).toEqual({ kind: 'needMore' });
    expect(decodeClientHello(inRecords(MESSAGE, new Array<number>(15).fill(3)))).toEqual(FOUND);
  });
});

describe('laws', () => {
  it('more is needed until the last octet, and what follows changes nothing', () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 15 });
    fc.assert(
      fc.property(lengths, fc.uint8Array({ maxLength: 20 }), (each, rest) => {
        const bytes = inRecords(MESSAGE, each);
        for (let length = 0; length < bytes.length; length += 1) {
          expect(decodeClientHello(bytes.subarray(0, length))).toEqual({ kind: 'needMore' });
        }
        expect(decodeClientHello(Buffer.concat([bytes, rest]))).toEqual(FOUND);
      }),
      { numRuns: 30 },
    );
  });

  it('no octets throw, and nobody is asked for more than the bound', () => {
    const damaged = fc.tuple(fc.nat(HELLO.length - 1), fc.nat(255)).map(([at, octet]) => {
      const bytes = Buffer.from(HELLO);
      bytes[at] = octet;
      return bytes;
    });
    const anything = fc.oneof(
      damaged,
      fc.uint8Array(),
      fc.uint8Array().map((bytes) => inRecords(bytes, [3])),
    );
    const rest = Buffer.alloc(CLIENT_HELLO_WAIT_BYTES_MAX);
    fc.assert(
      fc.property(anything, (bytes) => {
        decodeClientHello(bytes);
        expect(decodeClientHello(Buffer.concat([bytes, rest])).kind).not.toBe('needMore');
      }),
      { numRuns: 1000 },
    );
    const long = Buffer.concat([Buffer.from([1, 0, 0x7f, 0xfc]), Buffer.alloc(32_764)]);
    expect(decodeClientHello(inRecords(long, new Array<number>(15).fill(100)))).toEqual({ kind: 'other' });
    expect(decodeClientHello(inRecords(long, [...new Array<number>(13).fill(100), 16_384]))).toMatchObject({
      kind: 'clientHello',
    });
  });
});
