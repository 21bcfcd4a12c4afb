/**
 * `npm run bench:decoder`: what content costs between the socket and the message, with the scan of WebAssembly and with the table alone. The
 * decoder is fed 64 KiB at a time, the message is taken at the end and dropped; CPU time of this process, garbage collection included.
 * docs/performance.md has the table.
 */
import { ChunkDecoder } from '../packages/smtpd/dist/modules/protocol/chunk-decoder.js';
import { ContentBuffer } from '../packages/smtpd/dist/modules/protocol/content-buffer.js';
import { contentScanner, plainScanner } from '../packages/smtpd/dist/modules/protocol/content-scanner.js';
import { DataDecoder } from '../packages/smtpd/dist/modules/protocol/data-decoder.js';
import { Input } from '../packages/smtpd/dist/modules/protocol/input.js';
import { number, spread, table } from './figures.mjs';

const KIB = 1_024;
const MIB = 1_024 * KIB;
const READ_BYTES = 64 * KIB;
const OPTIONS = { lineEndings: 'reject', sizeLimitBytes: Infinity };
const USUAL_LINE = `${'x'.repeat(70)}\r\n`;
const CONTENTS = [
  { name: '1 KiB', sizeBytes: KIB, line: USUAL_LINE },
  { name: '10 KiB', sizeBytes: 10 * KIB, line: USUAL_LINE },
  { name: '100 KiB', sizeBytes: 100 * KIB, line: USUAL_LINE },
  { name: '1 MiB', sizeBytes: MIB, line: USUAL_LINE },
  { name: '1 MiB, each line with a dot', sizeBytes: MIB, line: `.${USUAL_LINE}` },
  { name: '1 MiB in lines of two letters', sizeBytes: MIB, line: 'ab\r\n' },
  { name: '1 MiB by BDAT', sizeBytes: MIB, line: USUAL_LINE, isChunk: true },
  { name: '64 MiB', sizeBytes: 64 * MIB, line: USUAL_LINE },
];
const ROUNDS = 7;
/** So much goes through in one round, but one message at least. */
const ROUND_BYTES = 64 * MIB;
/** A buffer that is read into lies where the scan finds it, as it does in a server. */
const READ_BUFFER = contentScanner.readBuffer ?? new Uint8Array(READ_BYTES);

const rows = CONTENTS.map(({ name, sizeBytes, line, isChunk = false }) => {
  const octets = Buffer.from(line.repeat(Math.ceil(sizeBytes / line.length)) + (isChunk ? '' : '.\r\n'));
  const rounds = { plain: [], scan: [] };
  const messages = Math.max(1, Math.min(20_000, Math.floor(ROUND_BYTES / sizeBytes)));
  for (let round = 0; round < ROUNDS; round += 1) {
    rounds.plain.push(microseconds(() => decode(octets, plainScanner, isChunk), messages));
    rounds.scan.push(microseconds(() => decode(octets, contentScanner, isChunk), messages));
  }
  const [plain, scan] = [spread(rounds.plain).median, spread(rounds.scan).median];
  return [name, number(plain), number(scan), `${(plain / scan).toFixed(1)} ×`];
});
process.stdout.write(`${table(['content', 'table, µs a message', 'scan, µs a message', ''], rows).join('\n')}\n`);

function decode(octets, scanner, isChunk) {
  const decoder = isChunk ? new ChunkDecoder(OPTIONS, scanner) : new DataDecoder(OPTIONS, scanner);
  if (isChunk) decoder.begin(octets.length);
  const content = new ContentBuffer();
  const input = new Input();
  let isComplete = false;
  for (let at = 0; at < octets.length; at += READ_BYTES) {
    const length = Math.min(READ_BYTES, octets.length - at);
    octets.copy(READ_BUFFER, 0, at, at + length);
    input.append(READ_BUFFER.subarray(0, length));
    isComplete = decoder.decode(input, content);
  }
  if (!isComplete || content.take().length === 0) throw new Error('The content was not decoded to its end');
}

/** CPU time of one message. */
function microseconds(work, times) {
  const before = process.cpuUsage();
  for (let count = 0; count < times; count += 1) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}
