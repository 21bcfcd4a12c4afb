/** A private Exim, which takes every message and delivers none: its own settings, queue and log under a temporary folder. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';

import { freePort } from './free-port.js';
import { LineLog } from './line-log.js';
import { TemporaryFolder } from './temporary-folder.js';

/** An Exim that runs. */
export class EximInstance implements AsyncDisposable {
  /** Where it listens, on 127.0.0.1. */
  readonly port: number;
  readonly #folder: TemporaryFolder;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  private constructor(port: number, folder: TemporaryFolder, child: ChildProcess) {
    this.port = port;
    this.#folder = folder;
    this.#child = child;
    this.#ended = once(child, 'close');
  }

  /** Starts one. @param exim - the program */
  static async start(exim: string): Promise<EximInstance> {
    const port = await freePort();
    const folder = new TemporaryFolder();
    const { path } = folder;
    // Its processes are not root's, and have to get there.
    chmodSync(path, 0o755);
    const userId = Number(spawnSync('id', ['-u', EXIM_USER], { encoding: 'utf8' }).stdout);
    for (const name of ['spool', 'log']) {
      mkdirSync(`${path}/${name}`);
      chownSync(`${path}/${name}`, userId, 0);
    }
    const config = folder.write('exim.conf', configuration(path, port));
    const child = spawn(exim, ['-C', config, '-bdf'], { stdio: ['ignore', 'ignore', 'pipe'] });
    const instance = new EximInstance(port, folder, child);
    try {
      await instance.#accepts(new LineLog(child.stderr));
      return instance;
    } catch (error) {
      await instance[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The messages that it has acknowledged: it writes its log first. */
  accepted(): { readonly from: string; readonly to: readonly string[] }[] {
    const log = readFileSync(`${this.#folder.path}/log/mainlog`, 'latin1');
    return [...log.matchAll(/ <= (\S+) .* for (.*)$/gm)].map(([, from, to]) => ({ from: from!, to: to!.split(' ') }));
  }

  /** It does not say when it listens, so that it is asked. */
  async #accepts(said: LineLog): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX && this.#child.exitCode === null; attempt += 1) {
      const socket = connect(this.port, '127.0.0.1');
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once('data', () => {
          resolve(true);
        });
        socket.once('error', () => {
          resolve(false);
        });
      });
      socket.destroy();
      if (isOpen) return;
      await new Promise((resolve) => setTimeout(resolve, ATTEMPT_MS));
    }
    throw new Error(`Exim does not listen: ${said.lines.join('\n')}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#ended;
    this.#folder[Symbol.dispose]();
  }
}

function configuration(path: string, port: number): string {
  return `primary_hostname = exim.example
spool_directory = ${path}/spool
log_file_path = ${path}/log/%slog
pid_file_path = ${path}/pid
local_interfaces = 127.0.0.1.${String(port)}
queue_only
host_lookup =
rfc1413_hosts =
tls_advertise_hosts =
chunking_advertise_hosts = *
smtp_accept_max_per_connection = 0
acl_smtp_mail = accept
acl_smtp_rcpt = accept
acl_smtp_data = accept
log_selector = +received_recipients
keep_environment =
`;
}

/** As Debian's package calls it. */
const EXIM_USER = 'Debian-exim';
const ATTEMPTS_MAX = 200;
const ATTEMPT_MS = 50;
