/**
 * The header fields that name one address, which a server writes before a message at its final delivery (RFC 5321 §4.4). Nothing that a
 * client said can end a line here.
 */

import { assertNever } from './errors.js';

/** A field that names one address. */
export type AddressFieldName = 'Return-Path' | 'Delivered-To' | 'X-Original-To';

/**
 * A field with one address, with CRLF at its end. RFC 5321 §4.4: `Return-Path` has the reverse-path in its brackets, `<>` for none.
 *
 * @example
 * ```ts
 * formatAddressField('Return-Path', 'alice@example.org'); // 'Return-Path: <alice@example.org>\r\n'
 * formatAddressField('Delivered-To', 'bob@example.net'); // 'Delivered-To: bob@example.net\r\n'
 * ```
 */
export function formatAddressField(name: AddressFieldName, address: string): string {
  switch (name) {
    case 'Return-Path':
      return `Return-Path: <${visible(address)}>\r\n`;
    case 'Delivered-To':
    case 'X-Original-To':
      return `${name}: ${visible(address)}\r\n`;
    default:
      return assertNever(name);
  }
}

function visible(text: string): string {
  return text.replace(CONTROL, ' ');
}

// eslint-disable-next-line no-control-regex -- control characters are what this is about
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
