/**
 * Knows Mailman's addresses from the map files that it writes for Postfix, `postfix_lmtp` and `postfix_domains`: in their plain form and in
 * that of `transport_file_type: regex`. They are read again when they change.
 */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

import {
  asciiLowerCase,
  MAILMAN_SUFFIXES,
  mailmanCandidates,
  mailmanDomain,
  type MailmanRecipient,
} from './mailman-address.js';
import type { MailmanAnswer, MailmanDirectory } from './mailman-directory.js';

/**
 * A directory that reads map files.
 *
 * @example
 * ```ts
 * const directory = new MailmanMapDirectory('/var/lib/mailman3/data');
 * await directory.lookUp({ localPart: 'nobody', domain: 'lists.example' });
 * // { kind: 'unknown', isListDomain: true }
 * ```
 */
export class MailmanMapDirectory implements MailmanDirectory {
  readonly #folder: string;
  #maps: Maps | undefined;
  #reading: Promise<Maps> | undefined;

  /** @param folder - Mailman's `data_dir` */
  constructor(folder: string) {
    this.#folder = folder;
  }

  async lookUp(
    recipient: MailmanRecipient,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<MailmanAnswer> {
    signal?.throwIfAborted();
    let maps: Maps;
    let failure: { readonly reason: string } | undefined;
    try {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      maps = await this.#reading;
    } catch (error) {
      failure = { reason: reasonOf(error) };
      if (this.#maps === undefined) return { kind: 'unavailable', ...failure };
      maps = this.#maps;
    }
    signal?.throwIfAborted();
    const answer = answerFrom(maps, recipient, failure !== undefined);
    // That a list was not there says little when nobody can look: it may have been made since.
    return failure !== undefined && answer.kind === 'unknown' && answer.isListDomain
      ? { kind: 'unavailable', ...failure }
      : answer;
  }

  /** Reads both files, or none: what is known is replaced when all of it was read. */
  async #read(): Promise<Maps> {
    const paths = [join(this.#folder, 'postfix_lmtp'), join(this.#folder, 'postfix_domains')];
    const version = (await Promise.all(paths.map(versionOf))).join(' ');
    if (this.#maps?.version === version) return this.#maps;
    const [addresses = '', domains = ''] = await Promise.all(paths.map((path) => readFile(path, 'utf8')));
    this.#maps = { version, addresses: new Set(readKeys(addresses)), domains: new Set(readKeys(domains)) };
    return this.#maps;
  }
}

/** What the files say. */
interface Maps {
  /** Changes with the files. */
  readonly version: string;
  readonly addresses: ReadonlySet<string>;
  readonly domains: ReadonlySet<string>;
}

function answerFrom(maps: Maps, recipient: MailmanRecipient, isStale: boolean): MailmanAnswer {
  const found = mailmanCandidates(recipient).find(({ list }) => isList(maps, list));
  if (found !== undefined) return { kind: 'known', ...found, isStale };
  return { kind: 'unknown', isListDomain: maps.domains.has(mailmanDomain(recipient) ?? '') };
}

/** `foo-owner` may be a list of its own, or the owners of `foo`: a list is what has all of the addresses of one. */
function isList({ addresses }: Maps, list: string): boolean {
  const at = list.lastIndexOf('@');
  return (
    addresses.has(list) &&
    MAILMAN_SUFFIXES.every((suffix) => addresses.has(`${list.slice(0, at)}-${suffix}${list.slice(at)}`))
  );
}

/** The addresses or domains of a map: the first word of each line, whichever form it has. */
function readKeys(text: string): string[] {
  return text.split('\n').flatMap((line) => {
    const [word = ''] = line.trim().split(/\s+/);
    if (word === '' || word.startsWith('#')) return [];
    return [asciiLowerCase(word.startsWith('/') ? readPattern(word) : word)];
  });
}

/** What a pattern of Mailman matches, without the detail that it allows. It is read, not run. */
function readPattern(word: string): string {
  return word
    .replace(/^\/\^|\$\/$/g, '')
    .replace('(\\+.*)?', '')
    .replace(/\\(.)/g, '$1');
}

/** Mailman writes beside the file and renames, so each version is a file of its own. */
async function versionOf(path: string): Promise<string> {
  const { ino, mtimeNs, size } = await stat(path, { bigint: true });
  return [ino, mtimeNs, size].join(':');
}

function reasonOf(error: unknown): string {
  return `Mailman's map files: ${error instanceof Error ? error.message : String(error)}`;
}
