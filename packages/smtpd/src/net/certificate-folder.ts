/**
 * Where a self-signed certificate stays from one run to the next, so that a client that was told to believe it once still does.
 *
 * Several processes may come at once. A pair is one file that is never changed: it is written under another name and linked to
 * its own, and whoever comes second finds it there and takes it. A pair that serves no longer is followed by one with the next
 * number. `ca.pem` has the certificates of all pairs that are valid, for clients; it is written anew until no pair came meanwhile.
 */

import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { join, posix, win32 } from 'node:path';

import { makeFolder } from './make-folder.js';
import { makeSelfSigned, type KeyAndCertificate } from './self-signed.js';

/** A certificate for development. */
export interface KeptCertificate extends KeyAndCertificate {
  /** A file for clients to believe; `undefined` when nothing could be kept. */
  readonly caFile: string | undefined;
  /** Why nothing could be kept. The certificate was made all the same, and is gone when this process is. */
  readonly problem: Error | undefined;
}

/**
 * The certificate that is kept in a folder, made when there is none, when it ends within 30 days, or when it is for other names.
 *
 * @param options - `folder`: default {@link stateFolder}; `names`: default {@link localNames}; `now`: the time, for tests
 *
 * @example
 * ```ts
 * const { key, cert, caFile } = await keptCertificate();
 * console.log(`openssl s_client -connect localhost:8025 -starttls smtp -CAfile ${caFile}`);
 * ```
 */
export async function keptCertificate(
  options: { readonly folder?: string; readonly names?: readonly string[]; readonly now?: Date } = {},
): Promise<KeptCertificate> {
  const { names = localNames(), now = new Date() } = options;
  let folder = options.folder ?? '';
  try {
    if (folder === '') folder = stateFolder();
    await prepareFolder(folder);
    const pair = await findOrMakePair(folder, names, now);
    return { ...pair, caFile: await writeAuthorities(folder, now), problem: undefined };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const problem = new Error(`The self-signed certificate cannot be kept in ${folder}: ${reason}`, { cause: error });
    return { ...makeSelfSigned({ names, now }), caFile: undefined, problem };
  }
}

/** Where a program keeps what it made itself: `$XDG_STATE_HOME/smtpd`, `~/.local/state/smtpd`, `%LOCALAPPDATA%\smtpd`. */
export function stateFolder(
  system: {
    readonly platform: NodeJS.Platform;
    readonly environment: Readonly<Record<string, string | undefined>>;
    readonly home: string;
  } = { platform: process.platform, environment: process.env, home: homedir() },
): string {
  const { platform, environment, home } = system;
  if (platform === 'win32') {
    const local = environment['LOCALAPPDATA'] ?? '';
    return win32.join(local === '' ? win32.join(home, 'AppData', 'Local') : local, 'smtpd');
  }
  // The specification of these folders: a path that is not absolute is to be ignored.
  const state = environment['XDG_STATE_HOME'] ?? '';
  return posix.join(posix.isAbsolute(state) ? state : posix.join(home, '.local', 'state'), 'smtpd');
}

/** What this machine is called by itself: `localhost`, its host name, and the addresses of its loopback. */
export function localNames(systemName: string = hostname()): readonly string[] {
  const own = HOST_NAME.test(systemName) ? [systemName.toLowerCase()] : [];
  return [...new Set(['localhost', ...own, '127.0.0.1', '::1'])];
}

/** Makes the folder for us alone. One that is there already is left as it is, and not trusted when others may put a key there. */
async function prepareFolder(folder: string): Promise<void> {
  await makeFolder(folder, 0o700);
  if (process.platform === 'win32') return;
  const { uid, mode } = await stat(folder);
  const ownUid = process.geteuid?.() ?? uid;
  if (uid !== ownUid) throw new Error(`the folder belongs to user ${String(uid)}, and this is user ${String(ownUid)}`);
  if ((mode & 0o022) !== 0) throw new Error('other users may write to the folder; take that away with chmod 700');
}

async function findOrMakePair(folder: string, names: readonly string[], now: Date): Promise<KeyAndCertificate> {
  const prefix = pairPrefix(names);
  const numbers = (await pairFiles(folder)).filter((file) => file.prefix === prefix).map((file) => file.number);
  const last = Math.max(0, ...numbers);
  const found = last === 0 ? undefined : await readPair(join(folder, pairFile(prefix, last)));
  if (found !== undefined && isFresh(found.cert, now)) return found;

  const path = join(folder, pairFile(prefix, last + 1));
  const made = makeSelfSigned({ names, now });
  if (await linkNew(path, made.key + made.cert)) return made;
  const others = await readPair(path);
  if (others === undefined) throw new Error(`${path} has no key and certificate that belong together`);
  return others;
}

/** Puts a file there whole, or not at all when somebody was first. */
async function linkNew(path: string, content: string): Promise<boolean> {
  const draft = await writeDraft(path, content, 0o600);
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  } finally {
    await unlink(draft);
  }
}

async function writeDraft(path: string, content: string, mode: number): Promise<string> {
  const draft = `${path}.${randomUUID()}`;
  await writeFile(draft, content, { mode, flag: 'wx', flush: true });
  return draft;
}

/** The pair in a file; `undefined` when there is none. */
async function readPair(path: string): Promise<KeyAndCertificate | undefined> {
  const text = (await readIfThere(path)) ?? '';
  const key = KEY_PEM.exec(text)?.[0];
  const cert = CERTIFICATE_PEM.exec(text)?.[0];
  if (key === undefined || cert === undefined) return undefined;
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? { key, cert } : undefined;
  } catch {
    // Damaged: another one will be made.
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function isFresh(cert: string, now: Date): boolean {
  return Date.parse(new X509Certificate(cert).validFrom) <= now.getTime() && endMs(cert) - RENEWAL_MS > now.getTime();
}

/** When a certificate ends. */
function endMs(cert: string): number {
  return Date.parse(new X509Certificate(cert).validTo);
}

/** Writes what clients are to believe: the certificates of all pairs that have not ended. @returns the file's path */
async function writeAuthorities(folder: string, now: Date): Promise<string> {
  const path = join(folder, AUTHORITIES_FILE);
  // Whoever wrote looks once more, so whoever wrote last has seen every pair.
  for (let isStable = false; !isStable;) {
    const wanted = await certificatesOfPairs(folder, now);
    if ((await readIfThere(path)) !== wanted) await rename(await writeDraft(path, wanted, 0o644), path);
    isStable = (await certificatesOfPairs(folder, now)) === wanted;
  }
  return path;
}

/** The certificates of all pairs, one behind the other. A pair that has ended is removed. */
async function certificatesOfPairs(folder: string, now: Date): Promise<string> {
  let text = '';
  for (const { name } of await pairFiles(folder)) {
    const pair = await readPair(join(folder, name));
    if (pair === undefined) continue;
    if (endMs(pair.cert) > now.getTime()) text += pair.cert;
    else await rm(join(folder, name), { force: true });
  }
  return text;
}

interface PairFile {
  readonly name: string;
  readonly prefix: string;
  readonly number: number;
}

async function pairFiles(folder: string): Promise<readonly PairFile[]> {
  return (await readdir(folder)).sort().flatMap((name) => {
    const groups = PAIR_FILE.exec(name)?.groups;
    return groups === undefined ? [] : [{ name, prefix: groups['prefix'] ?? '', number: Number(groups['number']) }];
  });
}

/** Other names, other pairs: servers with different names do not take each other's away. */
function pairPrefix(names: readonly string[]): string {
  return createHash('sha256').update(names.join('\n')).digest('hex').slice(0, 12);
}

function pairFile(prefix: string, number: number): string {
  return `self-signed-${prefix}-${String(number)}.pem`;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

const AUTHORITIES_FILE = 'ca.pem';
const PAIR_FILE = /^self-signed-(?<prefix>[0-9a-f]{12})-(?<number>\d{1,9})\.pem$/;
const KEY_PEM = /-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----\n/;
const CERTIFICATE_PEM = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n/;
const RENEWAL_MS = 30 * 24 * 3_600_000;
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;
