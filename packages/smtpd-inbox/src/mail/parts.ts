/** The nodes of the MIME tree as the API tells of them: with a size, a name, a place in the message, and what they are for. */

import type { Part } from '../api/model.js';
import { decodeText } from './charset.js';
import type { Faults } from './faults.js';
import { isMessageType, nodesOf, type MimeNode } from './mime-tree.js';
import { decodeTransfer } from './transfer-decoder.js';

/** What a part is for whoever reads the mail. */
export type Role = Part['role'];

/** All parts, each before those within it. */
export function describeParts(root: MimeNode, faults: Faults): Part[] {
  const places = new Map<MimeNode, { start: number; end: number }>();
  return [...nodesOf(root)].map((node) => {
    // What was encoded has no octets of its own in the message: it is where the encoded octets are.
    const place = node.source === root.source ? node : (places.get(node.parent ?? root) ?? root);
    const { start, end } =
      node.source === root.source || node.parent?.source === node.source
        ? place
        : { start: node.parent?.bodyStart ?? 0, end: place.end };
    places.set(node, { start, end });
    const role = roleOf(node);
    const fileName = fileNameOf(node);
    const charset = node.contentType.parameters.get('charset');
    const disposition = dispositionOf(node);
    addHints(node, faults);
    return {
      number: node.number,
      ...(node.parent === undefined ? {} : { parent: node.parent.number }),
      contentType: node.contentType.value,
      ...(charset === undefined ? {} : { charset }),
      ...(node.encoding === '' ? {} : { encoding: node.encoding }),
      ...(disposition === undefined ? {} : { disposition }),
      ...(fileName === undefined ? {} : { fileName }),
      ...(node.contentId === undefined ? {} : { contentId: headerText(node.contentId) }),
      ...(node.contentLocation === undefined ? {} : { contentLocation: headerText(node.contentLocation) }),
      sizeBytes: sizeOf(node),
      start,
      end,
      role,
    };
  });
}

/** What a part is for. */
export function roleOf(node: MimeNode): Role {
  const type = node.contentType.value;
  if (type.startsWith('multipart/')) return node.isOpened ? 'container' : 'text';
  if (isMessageType(type)) return 'message';
  const disposition = dispositionOf(node);
  if (isRelated(node)) return 'related';
  if (disposition === 'attachment') return 'attachment';
  // A text with a name and no word on how to show it is a file.
  const isShown = disposition === 'inline' || fileNameOf(node) === undefined;
  if (type === 'text/html' && isShown) return 'html';
  if (isShown && (type === 'text/plain' || isWholeText(node))) return 'text';
  if (node.parent?.contentType.value === 'multipart/alternative' && type !== 'text/calendar') return 'related';
  return 'attachment';
}

/** A mail that is nothing but a text of a kind that is not known better is that text. */
function isWholeText(node: MimeNode): boolean {
  const type = node.contentType.value;
  return /(?:^|\.)0$/.test(node.number) && type.startsWith('text/') && type !== 'text/calendar' && type !== 'text/html';
}

/** What the HTML refers to. */
function isRelated(node: MimeNode): boolean {
  if (node.contentType.value.startsWith('text/')) return false;
  const isReferable = node.contentId !== undefined || node.contentLocation !== undefined;
  if (node.parent?.contentType.value === 'multipart/related')
    return isReferable || dispositionOf(node) !== 'attachment';
  return (
    node.contentId !== undefined && dispositionOf(node) === 'inline' && node.contentType.value.startsWith('image/')
  );
}

/** RFC 2183 §2.8: what is not known is an attachment. */
function dispositionOf(node: MimeNode): Part['disposition'] {
  const { value } = node.disposition;
  if (value === '') return undefined;
  return value === 'inline' ? 'inline' : 'attachment';
}

/** What a part is called, without what would be a line end in a header. */
export function fileNameOf(node: MimeNode): string | undefined {
  const name = node.disposition.parameters.get('filename') ?? node.contentType.parameters.get('name');
  const clean = name
    ?.replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, FILE_NAME_LENGTH_MAX);
  return clean === '' ? undefined : clean;
}

function sizeOf(node: MimeNode): number {
  const body = node.source.subarray(node.bodyStart, node.end);
  // Parts within it are counted where they stand.
  if (node.children.length > 0 && node.children[0]?.source === node.source) return body.length;
  return decodeTransfer(body, node.contentType.value.startsWith('multipart/') ? '' : node.encoding).octets.length;
}

function addHints(node: MimeNode, faults: Faults): void {
  const hint = HINTS.get(node.contentType.value);
  if (hint !== undefined) faults.add(hint);
  else if (fileNameOf(node)?.toLowerCase() === 'winmail.dat') faults.add(TNEF_HINT);
}

function headerText(latin1: string): string {
  return decodeText(Buffer.from(latin1, 'latin1'), undefined).text;
}

const FILE_NAME_LENGTH_MAX = 1_024;
const TNEF_HINT =
  'The attachment winmail.dat is TNEF, which only Outlook reads: the sender’s server should be told to send MIME. It is not taken apart.';
/** Content that is shown and not opened. */
const HINTS: ReadonlyMap<string, string> = new Map([
  ['application/ms-tnef', TNEF_HINT],
  ['application/vnd.ms-tnef', TNEF_HINT],
  ['application/pkcs7-mime', 'The content is S/MIME (signed or encrypted as a whole) and is not opened.'],
  ['application/x-pkcs7-mime', 'The content is S/MIME (signed or encrypted as a whole) and is not opened.'],
  ['application/pgp-encrypted', 'The content is encrypted with OpenPGP and is not opened.'],
]);
