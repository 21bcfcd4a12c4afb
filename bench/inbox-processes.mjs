/**
 * The inboxes under test, each in a process of its own and as it is started by hand: what it stored is asked of its API. They are told to
 * keep more than a round sends, so that all of them do the same work.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { cpuSecondsOf, freePort, memoryOf, stop } from './processes.mjs';

/** The names, in the order of a round. */
export const INBOX_NAMES = ['inbox', 'inbox-durable', 'maildev', 'mailpit'];

const MAILDEV_VERSION = '3.0.0';
const MAILDEV_FOLDER = fileURLToPath(new URL('../node_modules/.cache/smtpd-bench/maildev/', import.meta.url));
const MAILDEV_PATH = join(MAILDEV_FOLDER, 'node_modules/maildev');
const MAILPIT_PATH = (process.env.PATH ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'mailpit'))
  .find((path) => existsSync(path));
const INBOX_PATH = fileURLToPath(new URL('../packages/smtpd-inbox/dist/cli/bin.js', import.meta.url));

/** Why an inbox cannot take part on this machine; `undefined`: it can. */
export function missingInbox(name) {
  if (name === 'maildev' && !existsSync(MAILDEV_PATH)) return 'npm run bench:inbox -- --install';
  if (name === 'mailpit' && MAILPIT_PATH === undefined) return 'no mailpit in the PATH';
  return undefined;
}

/** Installs MailDev beside the dependencies of this repository, not among them. */
export function installInboxes() {
  mkdirSync(MAILDEV_FOLDER, { recursive: true });
  const words = ['install', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--prefix', MAILDEV_FOLDER];
  const { status } = spawnSync('npm', [...words, `maildev@${MAILDEV_VERSION}`], { stdio: 'inherit' });
  if (status !== 0) throw new Error('npm could not install MailDev: see above');
}

/** The versions of those that are here. */
export function inboxVersions() {
  const versions = {};
  if (missingInbox('maildev') === undefined)
    versions.maildev = JSON.parse(readFileSync(join(MAILDEV_PATH, 'package.json'), 'utf8')).version;
  if (missingInbox('mailpit') === undefined) {
    const { stdout } = spawnSync(MAILPIT_PATH, ['version', '--no-release-check'], { encoding: 'utf8' });
    versions.mailpit = /v[\d.]+/.exec(stdout ?? '')?.[0] ?? 'of unknown version';
  }
  return versions;
}

/** An inbox that runs. */
export class InboxProcess {
  port;
  url;
  /** From its start until SMTP was accepted and the API had answered. */
  startMs;
  #child;
  #folder;
  #isFolderOurs;
  #kind;
  #agent = new Agent({ keepAlive: true });

  /** @param options.folder - of an earlier one that was closed, whose mail is to be there again */
  static async open(name, { folder } = {}) {
    const inbox = new InboxProcess();
    inbox.#kind = KINDS[name];
    inbox.#isFolderOurs = folder === undefined;
    inbox.#folder = folder ?? mkdtempSync(join(tmpdir(), 'smtpd-bench-inbox-'));
    inbox.port = await freePort();
    const webPort = await freePort();
    inbox.url = `http://127.0.0.1:${webPort}`;
    const [program, ...words] = inbox.#kind.command({ port: inbox.port, webPort, folder: inbox.#folder });
    const began = performance.now();
    // What they print of each message is not what is measured, and is not read.
    inbox.#child = spawn(program, words, {
      stdio: 'ignore',
      cwd: inbox.#folder,
      // Files for the time of a process are in the folder too, and go with it.
      env: { ...process.env, TMPDIR: inbox.#folder },
    });
    try {
      await inbox.#isUp();
    } catch (error) {
      await inbox.close();
      throw error;
    }
    inbox.startMs = performance.now() - began;
    return inbox;
  }

  /** How many messages are stored, by its API, and the CPU time of its process with all threads. */
  async facts() {
    const messages = this.#kind.stored(JSON.parse((await this.ask({ path: this.#kind.countPath })).text));
    return { messages, cpuSeconds: cpuSecondsOf(this.#child.pid) };
  }

  memory() {
    return memoryOf(this.#child.pid);
  }

  /** @returns the answer of its HTTP server, read to its end */
  ask({ method = 'GET', path, body }) {
    const headers = method === 'GET' ? {} : { 'content-type': 'application/json' };
    return new Promise((resolve, reject) => {
      const asking = request(new URL(path, this.url), { method, headers, agent: this.#agent }, (response) => {
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (piece) => (text += piece));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode, text }));
      });
      asking.on('error', reject);
      asking.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async close() {
    this.#agent.destroy();
    await stop(this.#child);
    if (this.#isFolderOurs) rmSync(this.#folder, { recursive: true, force: true });
  }

  async #isUp() {
    await this.#until(() => accepts(this.port));
    await this.#until(async () => (await this.ask({ path: this.#kind.countPath })).status === 200);
  }

  async #until(isSo) {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (this.#child.exitCode !== null) throw new Error('The inbox ended by itself');
      if (await isSo().catch(() => false)) return;
      await new Promise((resolve) => {
        setTimeout(resolve, ATTEMPT_MS);
      });
    }
    throw new Error('The inbox does not listen');
  }
}

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const say = (is) => () => {
      socket.destroy();
      resolve(is);
    };
    socket.on('connect', say(true)).on('error', say(false));
  });
}

function inboxCommand({ port, webPort }, ...words) {
  const bounds = ['--max-messages', '10000000', '--max-bytes', '100000000000'];
  return [process.execPath, INBOX_PATH, `127.0.0.1:${port}`, '--http', `127.0.0.1:${webPort}`, ...bounds, ...words];
}

/** What differs between them. */
const KINDS = {
  inbox: {
    command: (where) => inboxCommand(where),
    countPath: '/api/v1/counts',
    stored: ({ messages }) => messages,
  },
  'inbox-durable': {
    command: (where) => inboxCommand(where, '--data', join(where.folder, 'data')),
    countPath: '/api/v1/counts',
    stored: ({ messages }) => messages,
  },
  maildev: {
    command: ({ port, webPort }) => [
      process.execPath,
      join(MAILDEV_PATH, 'dist/bin/maildev.js'),
      ...['--smtp', String(port), '--ip', '127.0.0.1', '--web', String(webPort), '--web-ip', '127.0.0.1'],
    ],
    countPath: '/api/email/summary?limit=1',
    stored: ({ storeTotal }) => storeTotal,
  },
  mailpit: {
    command: ({ port, webPort, folder }) => [
      MAILPIT_PATH,
      ...['--smtp', `127.0.0.1:${port}`, '--listen', `127.0.0.1:${webPort}`, '--max', '0'],
      ...['--database', join(folder, 'mailpit.db'), '--disable-version-check'],
    ],
    countPath: '/api/v1/messages?limit=1',
    stored: ({ total }) => total,
  },
};

const ATTEMPT_MS = 2;
const ATTEMPTS_MAX = 10_000;
