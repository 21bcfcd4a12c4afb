/** The fields of a header for people: unfolded, octets and encoded words (RFC 2047) decoded. As they stand they are in `raw`. */

import { addressParser } from 'postal-mime';

import type { HeaderField } from '../api/model.js';
import { decodeHeaderText } from './charset.js';
import { decodeWords, replaceWords } from './encoded-words.js';
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
  return fields.find((field) => isNamed(field, name));
}

/**
 * Mailboxes as people write them: `Ann Onym <ann@a.example>`. Names are decoded after the list was taken apart, so that a comma in a name
 * separates nothing.
 */
export function formatMailboxes(fields: readonly RawField[], name: string): string[] {
  const formatted = fields
    .filter((field) => isNamed(field, name))
    .flatMap((field) => {
      const { text, restore } = withoutWords(unfoldedText(field));
      const mailboxes = addressParser(text, { flatten: true }).map((mailbox) => {
        const address = restore('address' in mailbox ? (mailbox.address ?? '') : '');
        const name = restore(mailbox.name);
        if (name === '' || name === address) return clean(address);
        return clean(address === '' ? name : `${name} <${address}>`);
      });
      const found = mailboxes.filter((mailbox) => mailbox !== '');
      // What is no list of addresses is still what stands there.
      return found.length > 0 || text === '' ? found : [clean(restore(text))];
    });
  return formatted.slice(0, MAILBOXES_MAX);
}

/** Encoded words as letters that mean nothing in a list of addresses, whatever they decode to. */
function withoutWords(text: string): { text: string; restore: (text: string) => string } {
  const decoded: string[] = [];
  // Whoever writes these letters himself gets them back as they are: they stand for no word.
  const replaced = replaceWords(text, (word) => `\ue000${decoded.push(word) - 1}\ue001`);
  return {
    text: replaced,
    restore: (part) => part.replace(/\ue000(\d{1,6})\ue001/g, (all, index: string) => decoded[Number(index)] ?? all),
  };
}

function decodeValue(field: RawField, faults: Faults): string {
  const { text, isGuessed } = decodeOctets(field);
  if (isGuessed) faults.add(`The field ${shortName(field)} has octets that are no utf-8: shown as windows-1252.`);
  if (!text.includes('=?')) return clean(text);
  const { text: decoded, faults: wordFaults } = decodeWords(text);
  for (const fault of wordFaults) faults.add(`The field ${shortName(field)} ${fault}.`);
  if (CONTROLS.test(decoded))
    faults.add(`The field ${shortName(field)} hides a control character in an encoded word: shown as a blank.`);
  return clean(decoded);
}

/** Octets decoded, encoded words not. */
function unfoldedText(field: RawField): string {
  return decodeOctets(field).text;
}

function decodeOctets(field: RawField): ReturnType<typeof decodeHeaderText> {
  const text = unfold(field);
  // Most fields are what they are already.
  return /\P{ASCII}/u.test(text) ? decodeHeaderText(Buffer.from(text, 'latin1')) : { text, isGuessed: false };
}

/** @param name in lower case */
function isNamed(field: { readonly name: string }, name: string): boolean {
  return field.name.length === name.length && field.name.toLowerCase() === name;
}

/** A line end in a value would be one wherever the value is written into something else. */
function clean(text: string): string {
  return text.replace(ALL_CONTROLS, ' ').trim();
}

function shortName(field: RawField): string {
  return field.name.slice(0, 80);
}

const MAILBOXES_MAX = 10_000;
const CONTROLS = /[\0\r\n]/;
const ALL_CONTROLS = /[\0\r\n]/g;
