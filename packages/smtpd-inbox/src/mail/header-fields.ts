/** The fields of a header for people: unfolded, octets and encoded words (RFC 2047) decoded. As they stand they are in `raw`. */

import { addressParser, decodeWords } from 'postal-mime';

import type { HeaderField } from '../api/model.js';
import { decodeHeaderText, isKnownCharset } from './charset.js';
import type { Faults } from './faults.js';
import { unfold, type RawField } from './mime-tree.js';

/** Decodes fields, in their order. */
export function decodeFields(fields: readonly RawField[], faults: Faults): HeaderField[] {
  return fields.map((field) => ({
    name: field.name,
    value: decodeValue(field, faults),
    raw: field.raw,
    line: field.line,
  }));
}

/** The first field of that name. */
export function firstField(fields: readonly HeaderField[], name: string): HeaderField | undefined {
  return fields.find((field) => field.name.toLowerCase() === name);
}

/**
 * Mailboxes as people write them: `Ann Onym <ann@a.example>`. Names are decoded after the list was taken apart, so that a comma in a name
 * separates nothing.
 */
export function formatMailboxes(fields: readonly RawField[], name: string): string[] {
  const formatted = fields
    .filter((field) => field.name.toLowerCase() === name)
    .flatMap((field) => {
      const text = unfoldedText(field);
      const mailboxes = addressParser(text, { flatten: true }).map((mailbox) => {
        const address = 'address' in mailbox ? (mailbox.address ?? '') : '';
        if (mailbox.name === '' || mailbox.name === address) return clean(address);
        return clean(address === '' ? mailbox.name : `${mailbox.name} <${address}>`);
      });
      const found = mailboxes.filter((mailbox) => mailbox !== '');
      // What is no list of addresses is still what stands there.
      return found.length > 0 || text === '' ? found : [clean(decodeWords(text))];
    });
  return formatted.slice(0, MAILBOXES_MAX);
}

function decodeValue(field: RawField, faults: Faults): string {
  const { text, isGuessed } = decodeHeaderText(Buffer.from(unfold(field), 'latin1'));
  if (isGuessed) faults.add(`The field ${shortName(field)} has octets that are no utf-8: shown as windows-1252.`);
  if (!text.includes('=?')) return clean(text);
  for (const [, charset = ''] of text.matchAll(ENCODED_WORD)) {
    if (!isKnownCharset(charset)) {
      faults.add(
        `The field ${shortName(field)} names the charset “${charset.slice(0, 40)}”, which is unknown: shown as windows-1252.`,
      );
    }
  }
  const decoded = decodeWords(text);
  if (CONTROLS.test(decoded))
    faults.add(`The field ${shortName(field)} hides a control character in an encoded word: shown as a blank.`);
  return clean(decoded);
}

/** Octets decoded, encoded words not. */
function unfoldedText(field: RawField): string {
  return decodeHeaderText(Buffer.from(unfold(field), 'latin1')).text;
}

/** A line end in a value would be one wherever the value is written into something else. */
function clean(text: string): string {
  return text.replace(ALL_CONTROLS, ' ').trim();
}

function shortName(field: RawField): string {
  return field.name.slice(0, 80);
}

const MAILBOXES_MAX = 10_000;
const ENCODED_WORD = /=\?([^?*\s]{1,200})(?:\*[^?\s]*)?\?[QqBb]\?[^?]*\?=/g;
const CONTROLS = /[\0\r\n]/;
const ALL_CONTROLS = /[\0\r\n]/g;
