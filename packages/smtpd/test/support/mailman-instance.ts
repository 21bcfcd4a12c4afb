/**
 * A private Mailman 3: the core alone with SQLite, its settings and data under a temporary folder, on ports of its own, gone when its block
 * is left. Nothing of the machine's own Mailman is read or touched. It takes about ten seconds to start, so tests share one.
 */

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

import { COMMAND_PATH } from './command-path.js';
import { findCommand, requireCommand, requireRoot } from './component.js';
import { freePort } from './free-port.js';
import { TemporaryFolder } from './temporary-folder.js';

/** What a private Mailman is told. */
export interface MailmanSettings {
  /** Where it sends mail: a port of 127.0.0.1. Default: it sends none, and what it takes stays in its queue. */
  readonly smtpPort?: number;
}

/** An answer of the REST API. */
export interface RESTAnswer {
  readonly status: number;
  /** Its JSON; `undefined` where it has none. */
  readonly body: unknown;
}

/** Says that the tests of this `describe` need Mailman 3, and may start it. */
export function requireMailman(): void {
  requireCommand('mailman');
  requireRoot('Mailman runs as the user "list", whom only root can become');
}

/** Whether it can be started here. Hooks for the whole of a `describe` run even where its tests are skipped. */
export function isMailmanHere(): boolean {
  return findCommand('mailman') !== undefined && process.getuid?.() === 0;
}

/**
 * Starts a private Mailman.
 *
 * @example
 * ```ts
 * await using mailman = await startMailman({ smtpPort: sink.port });
 * await mailman.createList('staff@lists.example');
 * await mailman.subscribe('staff@lists.example', 'alice@a.example');
 * ```
 */
export async function startMailman(settings: MailmanSettings = {}): Promise<MailmanInstance> {
  const ports = { rest: await freePort(), lmtp: await freePort(), smtp: settings.smtpPort };
  const instance = new MailmanInstance(ports);
  try {
    await instance.start();
    return instance;
  } catch (error) {
    await instance[Symbol.asyncDispose]();
    throw error;
  }
}

/** A Mailman that was started; it may be stopped and started again. */
export class MailmanInstance implements AsyncDisposable {
  /** Where its LMTP runner listens, on 127.0.0.1. */
  readonly lmtpPort: number;
  /** Where its REST API is, without a slash at the end. */
  readonly restURL: string;
  readonly user = 'restadmin';
  readonly password = 'secret';
  /** `var/`, of which `data/` has the maps. */
  readonly varFolder: string;
  readonly #restPort: number;
  readonly #folder = new TemporaryFolder();
  readonly #configFile: string;
  #isRunning = false;

  constructor(ports: { rest: number; lmtp: number; smtp: number | undefined }) {
    this.#restPort = ports.rest;
    this.lmtpPort = ports.lmtp;
    this.restURL = `http://127.0.0.1:${String(ports.rest)}`;
    const { path } = this.#folder;
    this.varFolder = join(path, 'var');
    mkdirSync(this.varFolder);
    const mapsFile = this.#writeMapSettings('regex');
    const idle = ports.smtp === undefined ? [...UNUSED_RUNNERS, ...MAIL_RUNNERS] : UNUSED_RUNNERS;
    this.#configFile = this.#folder.write(
      'mailman.cfg',
      `[mailman]
layout: here
site_owner: owner@lists.example
[paths.here]
var_dir: ${this.varFolder}
bin_dir: /usr/lib/mailman3/bin
[database]
# A runner that waits for another one longer than this puts its message away, for somebody to look at. Without it, that is 5 s.
url: sqlite:///${this.varFolder}/data/mailman.db?timeout=60
[webservice]
hostname: 127.0.0.1
port: ${String(ports.rest)}
admin_user: ${this.user}
admin_pass: ${this.password}
workers: 1
[mta]
incoming: mailman.mta.postfix.LMTP
outgoing: mailman.mta.deliver.deliver
lmtp_host: 127.0.0.1
lmtp_port: ${String(ports.lmtp)}
smtp_host: 127.0.0.1
smtp_port: ${String(ports.smtp ?? 0)}
configuration: ${mapsFile}
${idle.map((runner) => `[runner.${runner}]\nstart: no\n`).join('')}`,
    );
    const { uid, gid } = listUser();
    // Its processes are not root's, and have to get there.
    chmodSync(path, 0o755);
    for (const each of [path, this.varFolder]) chownSync(each, uid, gid);
  }

  /** Starts it, and waits until its REST API and its LMTP runner answer. */
  async start(): Promise<void> {
    // Its daemon keeps the descriptors that it was given: a pipe of ours would never end.
    const output = openSync(join(this.#folder.path, 'start.log'), 'a');
    const child = spawn('mailman', ['-C', this.#configFile, 'start', '--force'], {
      ...listUser(),
      env: ENVIRONMENT,
      cwd: this.#folder.path,
      stdio: ['ignore', output, output],
    });
    closeSync(output);
    this.#isRunning = true;
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(`mailman start ended with ${String(code)}:\n${this.logs()}`);
    await this.until('its REST API', async () => (await this.get('/3.1/system/versions')).status === 200);
    await this.until('its LMTP runner', () => canConnect(this.lmtpPort));
  }

  /** Stops it and waits until its processes are gone. What it keeps is kept. */
  async stop(): Promise<void> {
    if (!this.#isRunning) return;
    this.#isRunning = false;
    const pid = this.#masterProcess();
    if (pid !== undefined) {
      process.kill(pid, 'SIGTERM');
      await this.until('its end', () => Promise.resolve(!isAlive(pid)));
    }
    await this.until('its ports to close', async () => !(await canConnect(this.#restPort)));
  }

  /** Stops it and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  /** Asks its REST API. A connection that cannot be made is status 0. */
  async get(path: string): Promise<RESTAnswer> {
    return this.#request('GET', path);
  }

  /** Makes a domain. */
  async createDomain(domain: string): Promise<void> {
    await this.#change('POST', '/3.1/domains', { mail_host: domain });
  }

  /** Makes a list, and its domain if that is missing. Its members may post, and nothing is kept in archives. */
  async createList(address: string): Promise<void> {
    const domain = address.slice(address.lastIndexOf('@') + 1);
    if ((await this.get(`/3.1/domains/${domain}`)).status === 404) await this.createDomain(domain);
    await this.#change('POST', '/3.1/lists', { fqdn_listname: address });
    await this.#change('PATCH', `/3.1/lists/${encodeURIComponent(address)}/config`, {
      default_member_action: 'accept',
      default_nonmember_action: 'accept',
      dmarc_mitigate_action: 'no_mitigation',
      archive_policy: 'never',
      send_welcome_message: 'False',
    });
  }

  /** Removes a list. */
  async deleteList(address: string): Promise<void> {
    await this.#change('DELETE', `/3.1/lists/${encodeURIComponent(address)}`, {});
  }

  /** Makes somebody a member, or an owner, without asking. */
  async subscribe(list: string, member: string, role: 'member' | 'owner' = 'member'): Promise<void> {
    const listID = list.replace('@', '.');
    await this.#change('POST', '/3.1/members', {
      ...{ list_id: listID, subscriber: member, role },
      ...{ pre_verified: 'True', pre_confirmed: 'True', pre_approved: 'True' },
    });
  }

  /** Writes its map files anew, in either form. Once it changes a list it writes them as `regex` again. */
  async writeMaps(form: 'regex' | 'hash'): Promise<void> {
    this.#writeMapSettings(form);
    try {
      const child = spawn('mailman', ['-C', this.#configFile, 'aliases'], {
        ...listUser(),
        env: ENVIRONMENT,
        cwd: this.#folder.path,
        stdio: 'ignore',
      });
      const [code] = (await once(child, 'exit')) as [number | null];
      if (code !== 0) throw new Error(`mailman aliases ended with ${String(code)}:\n${this.logs()}`);
    } finally {
      this.#writeMapSettings('regex');
    }
  }

  /** Asks again and again until something is so. */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endsAt = performance.now() + WAIT_MS;
    while (!(await isSo())) {
      if (performance.now() > endsAt) throw new Error(`Mailman: waited in vain for ${what}:\n${this.logs()}`);
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  /** What it logged, for a test that fails. */
  logs(): string {
    const folder = join(this.varFolder, 'logs');
    const files = [join(this.#folder.path, 'start.log'), ...namesIn(folder).map((name) => join(folder, name))];
    return files.map((file) => `== ${file}\n${textOf(file).split('\n').slice(-LOG_LINES).join('\n')}`).join('\n');
  }

  /** Ends it and removes its folder. There is nothing that it would have to put in order first, which takes it seconds. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const pid = this.#isRunning ? this.#masterProcess() : undefined;
      if (pid === undefined) return;
      // The master begins a group of processes, and its runners are in it.
      process.kill(-pid, 'SIGKILL');
      await this.until('its end', () => Promise.resolve(!isAlive(-pid)));
    } finally {
      this.#folder[Symbol.dispose]();
    }
  }

  async #change(method: string, path: string, fields: Readonly<Record<string, string>>): Promise<void> {
    const { status, body } = await this.#request(method, path, fields);
    if (status >= 200 && status < 300) return;
    throw new Error(`Mailman: ${method} ${path} gave ${String(status)}: ${JSON.stringify(body)}\n${this.logs()}`);
  }

  async #request(method: string, path: string, fields?: Readonly<Record<string, string>>): Promise<RESTAnswer> {
    let response: Response;
    try {
      response = await fetch(`${this.restURL}${path}`, {
        method,
        headers: { authorization: `Basic ${Buffer.from(`${this.user}:${this.password}`).toString('base64')}` },
        ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
      });
    } catch {
      return { status: 0, body: undefined };
    }
    const text = await response.text();
    return { status: response.status, body: text.startsWith('{') ? (JSON.parse(text) as unknown) : undefined };
  }

  /** `hash` has plain files, of which Postfix's command makes others that nobody needs here; `regex` has patterns. */
  #writeMapSettings(form: 'regex' | 'hash'): string {
    const settings = ['[postfix]', `transport_file_type: ${form}`, 'postmap_command: /bin/true', ''];
    return this.#folder.write('maps.cfg', settings.join('\n'));
  }

  #masterProcess(): number | undefined {
    const pid = Number(textOf(join(this.varFolder, 'master.pid')));
    return pid > 0 && isAlive(pid) ? pid : undefined;
  }
}

/** The user that Debian's package makes. */
function listUser(): { uid: number; gid: number } {
  return { uid: Number(execFileSync('id', ['-u', 'list'])), gid: Number(execFileSync('id', ['-g', 'list'])) };
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Each runner is a Python that loads all of Mailman: most of what a start and an end take. Those for what no test is about: */
const UNUSED_RUNNERS = ['archive', 'bounces', 'digest', 'nntp', 'task'];
/** Those that see to what was taken: posts, words to Mailman, its own mail, and what could not be sent at once. */
const MAIL_RUNNERS = ['in', 'command', 'pipeline', 'virgin', 'out', 'retry'];
const WAIT_MS = 60_000;
const POLL_MS = 50;
const LOG_LINES = 40;
const ENVIRONMENT = { PATH: COMMAND_PATH, LC_ALL: 'C.UTF-8', HOME: '/nonexistent' };
