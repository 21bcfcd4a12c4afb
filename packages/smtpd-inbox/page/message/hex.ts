/** Octets as the rows of a hex dump, each made when it is looked at. */

/** A row of a hex dump. */
export interface HexRow {
  /** Of the first octet. */
  readonly offset: number;
  /** Eight digits of the offset; more for what lies beyond 4 GiB. */
  readonly offsetText: string;
  /** Two digits an octet. */
  readonly octets: readonly string[];
  /** Printable US-ASCII as it is; a full stop for everything else. */
  readonly ascii: string;
}

/** How many octets stand in a row. */
export const HEX_ROW_OCTETS = 16;

/** How many rows so many octets take; at least 1. */
export function hexRowCount(lengthBytes: number): number {
  return Math.max(Math.ceil(lengthBytes / HEX_ROW_OCTETS), 1);
}

/**
 * A row from 0.
 *
 * @example
 * ```ts
 * hexRow(new TextEncoder().encode('From: a\r\n'), 0);
 * // { offsetText: '00000000', octets: ['46', '72', …], ascii: 'From: a..' }
 * ```
 */
export function hexRow(octets: Uint8Array, row: number): HexRow {
  const offset = row * HEX_ROW_OCTETS;
  const part = octets.subarray(offset, offset + HEX_ROW_OCTETS);
  return {
    offset,
    offsetText: offset.toString(16).padStart(8, '0'),
    octets: Array.from(part, (octet) => HEX[octet] as string),
    ascii: Array.from(part, (octet) => (octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.')).join(''),
  };
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0'));
