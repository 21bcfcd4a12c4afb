/**
 * Mail as a zip of `.eml` files, and back. It is written piece by piece. It is read by its directory, the way all programs agree on, and
 * nothing in it is believed: sizes are checked while they grow, and names are only names.
 */

import { promisify } from 'node:util';
import { crc32, inflateRaw } from 'node:zlib';

import { Zip, ZipDeflate } from 'fflate';

import { ExchangeError } from './exchange-error.js';
import { DEFAULT_MESSAGE_BYTES_MAX, tooLarge, type ImportItem, type ImportLimits } from './import-item.js';
import { isSeen } from './maildir.js';

/** A message to be written. */
export interface ZippedMessage {
  readonly id: string;
  readonly raw: Uint8Array | AsyncIterable<Uint8Array>;
  readonly receivedAt: Date;
  readonly subject?: string;
}

/** How much is read. */
export interface ZipLimits extends ImportLimits {
  /** Entries of an archive. Default: 50,000. */
  readonly entriesMax?: number;
  /** Octets of all messages together. Default: 1 GiB. */
  readonly totalBytesMax?: number;
  /** How many times its size in the archive a message may have, beyond its first MiB. Default: 200. */
  readonly ratioMax?: number;
}

/**
 * Writes a zip, with no more than a piece of a message in memory, and some 200 octets for each name.
 *
 * @throws {@link ExchangeError} `EXCHANGE_TOO_LARGE` beyond 65,535 messages or 4 GiB, which the format cannot hold
 *
 * @example
 * ```ts
 * import { createWriteStream } from 'node:fs';
 * import { pipeline } from 'node:stream/promises';
 * import { writeZip } from 'smtpd-inbox';
 * const messages = [{ id: '17', raw: Buffer.from('Subject: Hi\r\n\r\n'), receivedAt: new Date(), subject: 'Hi' }];
 * await pipeline(writeZip(messages), createWriteStream('mail.zip'));
 * ```
 */
export async function* writeZip(
  messages: Iterable<ZippedMessage> | AsyncIterable<ZippedMessage>,
): AsyncGenerator<Uint8Array> {
  let pieces: Uint8Array[] = [];
  let writtenBytes = 0;
  let failure: Error | undefined;
  const zip = new Zip((error, piece) => {
    if (error !== null) failure ??= error;
    else pieces.push(piece);
  });
  const takePieces = (): readonly Uint8Array[] => {
    if (failure !== undefined) throw failure;
    const taken = pieces;
    pieces = [];
    for (const piece of taken) writtenBytes += piece.length;
    // fflate writes no ZIP64: what is larger would be an archive that nobody can read.
    if (writtenBytes > ARCHIVE_BYTES_MAX) throw tooMuch('4 GiB');
    return taken;
  };
  const names = new Set<string>();
  for await (const message of messages) {
    if (names.size >= ARCHIVE_ENTRIES_MAX) throw tooMuch(`${ARCHIVE_ENTRIES_MAX.toLocaleString('en')} messages`);
    const file = new ZipDeflate(uniqueName(emlName(message), names), { level: 6 });
    file.mtime = zipTime(message.receivedAt);
    file.os = UNIX;
    zip.add(file);
    const { raw } = message;
    if (raw instanceof Uint8Array) {
      for (let at = 0; at < raw.length; at += PIECE_BYTES) {
        file.push(raw.subarray(at, at + PIECE_BYTES));
        yield* takePieces();
      }
    } else {
      for await (const piece of raw) {
        file.push(piece);
        yield* takePieces();
      }
    }
    file.push(NOTHING, true);
    yield* takePieces();
  }
  zip.end();
  yield* takePieces();
}

/**
 * The name of a message's file: when it came, what its subject says, and its id. Letters, digits, `-`, `_` and `.` alone; never a path,
 * never a name that some system keeps for itself.
 *
 * @example
 * ```ts
 * emlName({ id: '17', receivedAt: new Date('2026-11-25T20:01:00Z'), subject: 'Ihre Bestellung: ../42' });
 * // '2026-11-25T20-01-00Z-Ihre-Bestellung-42-17.eml'
 * ```
 */
export function emlName({ id, receivedAt, subject }: Pick<ZippedMessage, 'id' | 'receivedAt' | 'subject'>): string {
  const time = `${receivedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z`;
  const words = slug(subject ?? '', SUBJECT_LENGTH_MAX);
  const name = [time, words, slug(id, ID_LENGTH_MAX)].filter((part) => part !== '').join('-');
  return `${name}.eml`;
}

/**
 * Reads the messages of a zip: `.eml` files, and what is in `cur/` and `new/` of a Maildir, flags included.
 *
 * @throws {@link ExchangeError} `EXCHANGE_BAD_ARCHIVE` for what is no zip, or a damaged one; `EXCHANGE_TOO_LARGE` beyond the limits of
 * the whole
 *
 * @example
 * ```ts
 * import { readFile } from 'node:fs/promises';
 * import { readZip } from 'smtpd-inbox';
 * for await (const item of readZip(await readFile('mail.zip'))) console.log(item.name);
 * ```
 */
export async function* readZip(archive: Uint8Array, limits: ZipLimits = {}): AsyncGenerator<ImportItem> {
  const { entriesMax = 50_000, totalBytesMax = 1_073_741_824, ratioMax = 200 } = limits;
  const { messageBytesMax = DEFAULT_MESSAGE_BYTES_MAX } = limits;
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  let leftBytes = totalBytesMax;
  for (const entry of directoryOf(bytes, entriesMax)) {
    const { name } = entry;
    const skipped = (reason: string): ImportItem => ({ kind: 'skipped', name, reason });
    if (name.endsWith('/')) continue;
    if (!isMessageName(entry.path)) {
      yield skipped('It is neither an .eml file nor in cur/ or new/ of a Maildir');
    } else if (entry.isEncrypted) {
      yield skipped('It is encrypted');
    } else if (entry.method !== STORED && entry.method !== DEFLATED) {
      yield skipped(`It is compressed by method ${entry.method}, which is not read here`);
    } else {
      const allowedBytes = Math.max(RATIO_FREE_BYTES, entry.compressedBytes * ratioMax);
      const ownMax = Math.min(messageBytesMax, allowedBytes);
      const bytesMax = Math.min(ownMax, leftBytes);
      const raw = await contentOf(bytes, entry, bytesMax);
      // What was looked at and given up counts, too: it took its time.
      leftBytes -= raw === undefined ? bytesMax : raw.length;
      if (raw !== undefined) {
        yield { kind: 'message', name, raw, receivedAt: entry.modifiedAt, ...readState(entry.path) };
      } else if (bytesMax < ownMax) {
        throw new ExchangeError(
          'EXCHANGE_TOO_LARGE',
          `The messages of the archive have more than ${totalBytesMax.toLocaleString('en')} octets together`,
        );
      } else {
        yield allowedBytes < messageBytesMax
          ? skipped(`It grows to more than ${ratioMax} times its size in the archive`)
          : tooLarge(name, messageBytesMax);
      }
    }
  }
}

/** An entry of the directory. */
interface ZipEntry {
  /** For people: without what would end a line or control a terminal. */
  readonly name: string;
  /** As it stands. It says what kind of file it is, and is never opened. */
  readonly path: string;
  readonly isEncrypted: boolean;
  readonly method: number;
  readonly modifiedAt: Date;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly headerAt: number;
}

/** The directory at the end of the archive (APPNOTE.TXT §4.3.12 and §4.3.16). */
function* directoryOf(bytes: Buffer, entriesMax: number): Generator<ZipEntry> {
  const endAt = bytes.subarray(-END_BYTES_MAX).lastIndexOf(END_SIGNATURE);
  if (endAt === -1) throw damaged('This is no zip: it has no directory at its end');
  const end = bytes.subarray(Math.max(0, bytes.length - END_BYTES_MAX) + endAt);
  if (end.length < END_BYTES) throw damaged('The directory of the archive is cut off');
  const entries = end.readUInt16LE(10);
  let at = end.readUInt32LE(16);
  if (entries === 0xffff || at === 0xffffffff) throw damaged('The archive is a ZIP64 one, which is not read here');
  if (entries > entriesMax) {
    throw new ExchangeError('EXCHANGE_TOO_LARGE', `The archive has more than ${entriesMax} entries`);
  }
  for (let count = 0; count < entries; count += 1) {
    const fixed = bytes.subarray(at, at + DIRECTORY_ENTRY_BYTES);
    if (fixed.length < DIRECTORY_ENTRY_BYTES || fixed.readUInt32LE(0) !== DIRECTORY_SIGNATURE) {
      throw damaged('The directory of the archive is damaged');
    }
    const [nameBytes, extraBytes, commentBytes] = [
      fixed.readUInt16LE(28),
      fixed.readUInt16LE(30),
      fixed.readUInt16LE(32),
    ];
    const nameAt = at + DIRECTORY_ENTRY_BYTES;
    const flags = fixed.readUInt16LE(8);
    // Without the flag names are of code page 437; what matters of it here is ASCII.
    const path = bytes.subarray(nameAt, nameAt + nameBytes).toString((flags & UTF8_FLAG) === 0 ? 'latin1' : 'utf8');
    yield {
      name: path.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd').slice(0, NAME_LENGTH_MAX),
      path,
      isEncrypted: (flags & ENCRYPTED_FLAG) !== 0,
      method: fixed.readUInt16LE(10),
      modifiedAt: dateOf(fixed.readUInt16LE(14), fixed.readUInt16LE(12)),
      crc: fixed.readUInt32LE(16),
      compressedBytes: fixed.readUInt32LE(20),
      headerAt: fixed.readUInt32LE(42),
    };
    at = nameAt + nameBytes + extraBytes + commentBytes;
  }
}

/** @returns `undefined` when it is larger than it may be */
async function contentOf(bytes: Buffer, entry: ZipEntry, bytesMax: number): Promise<Buffer | undefined> {
  const header = bytes.subarray(entry.headerAt, entry.headerAt + LOCAL_HEADER_BYTES);
  if (header.length < LOCAL_HEADER_BYTES || header.readUInt32LE(0) !== LOCAL_SIGNATURE) {
    throw damaged(`${entry.name} is not where the directory says it is`);
  }
  // The lengths are those of this header: its extra fields are others.
  const from = entry.headerAt + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = bytes.subarray(from, from + entry.compressedBytes);
  if (packed.length < entry.compressedBytes) throw damaged(`${entry.name} is cut off`);
  let raw: Buffer;
  if (entry.method === STORED) {
    if (packed.length > bytesMax) return undefined;
    // The archive need not be kept in memory for one message of it.
    raw = Buffer.from(packed);
  } else {
    try {
      raw = await inflate(packed, { maxOutputLength: Math.max(1, bytesMax) });
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
      throw damaged(`${entry.name} is damaged`, error);
    }
    if (raw.length > bytesMax) return undefined;
  }
  if (crc32(raw) !== entry.crc) throw damaged(`${entry.name} is damaged: its checksum is another`);
  return raw;
}

function isMessageName(path: string): boolean {
  return /\.eml$/i.test(path) || MAILDIR_FILE.test(path);
}

function readState(path: string): { readonly isRead?: boolean } {
  return MAILDIR_FILE.test(path) ? { isRead: isSeen(path) } : {};
}

/** Letters and digits of a text, whatever else is between them one `-`. */
function slug(text: string, lengthMax: number): string {
  return (
    text
      .normalize('NFC')
      .slice(0, lengthMax * 4)
      .replaceAll(/[^\p{L}\p{N}_]+/gu, '-')
      .slice(0, lengthMax)
      // A letter beyond the first plane has two halves.
      .replace(/[\ud800-\udbff]$/, '')
      .replaceAll(/^-+|-+$/g, '')
  );
}

/** Two names that differ in case alone are one file on many systems. */
function uniqueName(name: string, taken: Set<string>): string {
  for (let count = 1; ; count += 1) {
    const each = count === 1 ? name : name.replace(/\.eml$/, `-${count}.eml`);
    const key = each.toLowerCase().normalize('NFKC');
    if (taken.has(key)) continue;
    taken.add(key);
    return each;
  }
}

/** The time of an archive has no zone; it is read as that of the machine where it is unpacked. Years are 1980 to 2099. */
function zipTime(time: Date): Date {
  const year = time.getFullYear();
  return year >= 1980 && year <= 2099 ? time : new Date(1980, 0, 1);
}

function dateOf(date: number, time: number): Date {
  const [year, month, day] = [1980 + (date >> 9), (date >> 5) & 15, date & 31];
  return new Date(year, month - 1, day, time >> 11, (time >> 5) & 63, (time & 31) * 2);
}

function tooMuch(what: string): ExchangeError {
  return new ExchangeError('EXCHANGE_TOO_LARGE', `A zip holds at most ${what}: export as mbox, or fewer messages`);
}

function damaged(message: string, cause?: unknown): ExchangeError {
  return new ExchangeError('EXCHANGE_BAD_ARCHIVE', message, cause === undefined ? undefined : { cause });
}

const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw);
const NOTHING = new Uint8Array(0);
const PIECE_BYTES = 65_536;
const ARCHIVE_ENTRIES_MAX = 65_535;
const ARCHIVE_BYTES_MAX = 0xffffffff;
/** 20 of the time, 4 of the ending and 3 dashes leave this for words and id of a name of 100, with room for a number. */
const SUBJECT_LENGTH_MAX = 40;
const ID_LENGTH_MAX = 28;
const NAME_LENGTH_MAX = 200;
/** What is small may be as dense as it likes: a mail of a thousand equal lines is. */
const RATIO_FREE_BYTES = 1_048_576;
const MAILDIR_FILE = /(?:^|\/)(?:cur|new)\/[^/.][^/]*$/;
const UNIX = 3;
const STORED = 0;
const DEFLATED = 8;
const ENCRYPTED_FLAG = 1;
const UTF8_FLAG = 0x800;
const LOCAL_SIGNATURE = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;
const DIRECTORY_SIGNATURE = 0x02014b50;
const DIRECTORY_ENTRY_BYTES = 46;
const END_SIGNATURE = Buffer.from('PK\x05\x06', 'latin1');
const END_BYTES = 22;
/** A comment of 65,535 octets may stand behind it. */
const END_BYTES_MAX = 65_557;
