/** A DNS server on a free UDP port of 127.0.0.1 that says what a test tells it: enough of RFC 1035 for one question a packet. */

import { createSocket } from 'node:dgram';
import { once } from 'node:events';

/** What is known of a name. `silent`: no answer comes; a number: this RCODE comes instead of records (2 is SERVFAIL). */
export type DNSEntry =
  | 'silent'
  | number
  | {
      readonly MX?: readonly (readonly [preference: number, exchange: string])[] | 'silent' | number;
      readonly A?: readonly string[] | 'silent' | number;
      readonly AAAA?: readonly string[] | 'silent' | number;
      /** The name stands for another; its records follow in the answer, as from a resolver that follows aliases. */
      readonly CNAME?: string;
    };

/** A running server. */
export interface DNSServer extends AsyncDisposable {
  /** For `Resolver.setServers`. */
  readonly address: string;
  /** What was asked so far, such as `example.org MX`. */
  readonly questions: readonly string[];
  /** Resolves when a question came that nobody answers. */
  readonly silence: Promise<void>;
}

/** Starts a server for these names, written in lower case without a dot at their end. A name that is not there does not exist. */
export async function startDNSServer(zone: Readonly<Record<string, DNSEntry>>): Promise<DNSServer> {
  const questions: string[] = [];
  const { promise: silence, resolve: onSilence } = promiseWithResolver();
  const socket = createSocket('udp4');
  socket.on('message', (query, { address, port }) => {
    const { name, type, end } = readQuestion(query);
    questions.push(`${name} ${type}`);
    const answer = answerTo(zone, name, type);
    if (answer === 'silent') {
      onSilence();
      return;
    }
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    // A response to a recursive query, with recursion available; one question, some answers.
    header.writeUInt16BE(0x8180 | answer.code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(answer.records.length, 6);
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answer.records]), port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${String(socket.address().port)}`,
    questions,
    silence,
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

type RecordType = 'A' | 'AAAA' | 'MX' | 'CNAME';
type Answer = 'silent' | { readonly code: number; readonly records: readonly Buffer[] };

function answerTo(zone: Readonly<Record<string, DNSEntry>>, name: string, type: RecordType): Answer {
  const entry = zone[name];
  if (entry === undefined) return { code: NXDOMAIN, records: [] };
  if (entry === 'silent') return entry;
  if (typeof entry === 'number') return { code: entry, records: [] };
  if (entry.CNAME !== undefined) {
    const target = answerTo(zone, entry.CNAME, type);
    if (target === 'silent') return target;
    return { ...target, records: [record(name, 'CNAME', encodeName(entry.CNAME)), ...target.records] };
  }
  const values = type === 'CNAME' ? undefined : entry[type];
  if (values === 'silent') return values;
  if (typeof values === 'number') return { code: values, records: [] };
  return { code: 0, records: (values ?? []).map((value) => record(name, type, encodeValue(value, type))) };
}

function encodeValue(value: string | readonly [preference: number, exchange: string], type: RecordType): Buffer {
  if (typeof value !== 'string') {
    const preference = Buffer.alloc(2);
    preference.writeUInt16BE(value[0]);
    return Buffer.concat([preference, encodeName(value[1])]);
  }
  if (type === 'A') return Buffer.from(value.split('.').map(Number));
  // Tests write their IPv6 addresses with all eight groups.
  return Buffer.from(
    value
      .split(':')
      .map((group) => group.padStart(4, '0'))
      .join(''),
    'hex',
  );
}

function record(name: string, type: RecordType, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10);
  fixed.writeUInt16BE(TYPES[type], 0);
  fixed.writeUInt16BE(IN, 2);
  fixed.writeUInt32BE(60, 4);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encodeName(name), fixed, data]);
}

/** RFC 1035 §3.1: labels with their lengths, then the root; `''` is the root. */
function encodeName(name: string): Buffer {
  const labels = name === '' ? [] : name.split('.');
  return Buffer.concat([
    ...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, 'latin1')),
    Buffer.alloc(1),
  ]);
}

function readQuestion(query: Buffer): { readonly name: string; readonly type: RecordType; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const number = query.readUInt16BE(at + 1);
  const type = (Object.keys(TYPES) as RecordType[]).find((each) => TYPES[each] === number);
  if (type === undefined) throw new Error(`No test asks for records of type ${String(number)}`);
  return { name: labels.join('.').toLowerCase(), type, end: at + 5 };
}

function promiseWithResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const TYPES: Readonly<Record<RecordType, number>> = { A: 1, CNAME: 5, MX: 15, AAAA: 28 };
const IN = 1;
const NXDOMAIN = 3;
