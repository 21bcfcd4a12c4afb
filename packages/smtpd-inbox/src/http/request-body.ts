/** The body of a request, read to its end and no further than a bound. */

import { APIError } from './api-error.js';

/** A body of JSON, as text. What its route does not tell otherwise is at most a mebibyte. @throws APIError `TOO_LARGE` */
export async function readText(request: Request, bytesMax = JSON_BYTES_MAX): Promise<string> {
  checkSaidLength(request, bytesMax);
  return (await readOctets(request.body, bytesMax)).toString('utf8');
}

/** All octets of a body; none when there is none. @throws APIError `TOO_LARGE` */
export async function readOctets(body: ReadableStream<Uint8Array> | null, bytesMax: number): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of piecesOf(body)) {
    length += piece.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    pieces.push(piece);
  }
  return Buffer.concat(pieces, length);
}

/** A body, piece by piece. */
export function piecesOf(body: ReadableStream<Uint8Array> | null): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  // Node's streams can be iterated; the types of the web do not know.
  return body ?? [];
}

/** What says itself that it is too large need not be read first. @throws APIError `TOO_LARGE` */
export function checkSaidLength(request: Request, bytesMax: number): void {
  if (Number(request.headers.get('content-length') ?? 0) > bytesMax) throw tooLarge(bytesMax);
}

function tooLarge(bytesMax: number): APIError {
  return new APIError('TOO_LARGE', `This body has at most ${String(bytesMax)} octets`);
}

/** JSON takes many times its octets when it is read. */
const JSON_BYTES_MAX = 1_048_576;
