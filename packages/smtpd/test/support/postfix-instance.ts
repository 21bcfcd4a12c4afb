/**
 * A private Postfix: its own settings, queue and data under a temporary folder, gone when its block is left. Nothing of the
 * machine's own Postfix is read or touched. Postfix has to be started by root, whatever its processes run as then.
 */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, readFileSync, utimesSync } from 'node:fs';

import { COMMAND_PATH, requireCommand, requireRoot } from './component.js';
import { LineLog } from './line-log.js';
import { TemporaryFolder } from './temporary-folder.js';

/** What a private Postfix is made of. */
export interface PostfixSettings {
  /** Settings of `main.cf` besides the usual ones, or instead of them. `$config_directory` is where `files` are. */
  readonly main?: Readonly<Record<string, string>>;
  /** Lines of `master.cf` besides the services that no Postfix goes without, such as `127.0.0.1:2525 inet n - n - - smtpd`. */
  readonly services?: readonly string[];
  /** Files beside `main.cf`, such as `texthash:` tables. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Says that the tests of this `describe` need Postfix, and may start it. */
export function requirePostfix(): void {
  requireCommand('postfix');
  requireRoot('Only root can start Postfix');
}

/**
 * Starts a private Postfix.
 *
 * @example
 * ```ts
 * await using postfix = await startPostfix({ main: { relayhost: `[127.0.0.1]:${String(server.port)}` } });
 * await postfix.sendmail(['-f', 'alice@a.example', 'bob@b.example'], content);
 * await postfix.log.line(/status=sent/);
 * ```
 */
export async function startPostfix(settings: PostfixSettings = {}): Promise<PostfixInstance> {
  const instance = new PostfixInstance(settings);
  try {
    await instance.log.line(/ postfix\/master\[\d+\]: daemon started /);
    return instance;
  } catch (error) {
    await instance[Symbol.asyncDispose]();
    throw error;
  }
}

/** A Postfix that runs. */
export class PostfixInstance implements AsyncDisposable {
  /** Where its `main.cf` is. */
  readonly configFolder: string;
  /** What it logs. */
  readonly log: LineLog;
  readonly #folder = new TemporaryFolder();
  readonly #queueFolder: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor({ main = {}, services = [], files = {} }: PostfixSettings) {
    const { path } = this.#folder;
    // Its processes are not root's, and have to get there.
    chmodSync(path, 0o755);
    this.configFolder = `${path}/config`;
    this.#queueFolder = `${path}/queue`;
    for (const folder of [this.configFolder, this.#queueFolder, `${path}/data`]) mkdirSync(folder);
    // Postfix makes the folders of its queue itself.
    chownSync(`${path}/data`, Number(execFileSync('id', ['-u', 'postfix'])), 0);
    const complete = { ...USUAL_SETTINGS, queue_directory: this.#queueFolder, data_directory: `${path}/data`, ...main };
    const all = {
      ...files,
      'main.cf': linesOf(Object.entries(complete).map(([name, value]) => `${name} = ${value}`)),
      'master.cf': linesOf([...USUAL_SERVICES, ...services]),
    };
    for (const [name, content] of Object.entries(all)) {
      const file = this.#folder.write(`config/${name}`, content);
      // Postfix mistrusts a file of this second, and reads it again until the next one.
      utimesSync(file, LONG_AGO, LONG_AGO);
    }
    // Each of its processes opens what it logs to by name, which works with a pipe of the shell and not with a socket of Node's.
    const child = spawn('sh', ['-c', 'postfix -c "$0" start-fg 2>&1 | cat', this.configFolder], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    // The pipe's other end closes when the last process is gone.
    this.#ended = once(child, 'close');
    this.log = new LineLog(child.stdout);
  }

  /** Hands a message to Postfix, as programs of this machine do. */
  async sendmail(argv: readonly string[], content: string | Uint8Array): Promise<void> {
    const child = spawn('sendmail', ['-C', this.configFolder, '-i', ...argv], {
      env: ENVIRONMENT,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const said = new LineLog(child.stderr);
    child.stdin.end(content);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(`sendmail ended with ${String(code)}: ${said.lines.join('\n')}`);
  }

  /** Stops it, waits until all its processes are gone, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    // What was spawned is a shell. The master process is in a session of its own, and hears nothing of a signal to the shell.
    const master = this.#masterProcess();
    if (master !== undefined) process.kill(master, 'SIGTERM');
    await this.#ended;
    this.#folder[Symbol.dispose]();
  }

  #masterProcess(): number | undefined {
    if (this.#child.exitCode !== null) return undefined;
    try {
      return Number(readFileSync(`${this.#queueFolder}/pid/master.pid`, 'latin1'));
    } catch {
      // It did not come so far, and ends by itself.
      return undefined;
    }
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

const LONG_AGO = new Date('2020-01-01T00:00:00Z');
const ENVIRONMENT = { PATH: COMMAND_PATH, LC_ALL: 'C.UTF-8' };
const USUAL_SETTINGS: Readonly<Record<string, string>> = {
  compatibility_level: '3.6',
  maillog_file: '/dev/stdout',
  myhostname: 'relay.example',
  mydestination: '',
  mynetworks: '127.0.0.0/8 [::1]/128',
  inet_interfaces: 'loopback-only',
  alias_maps: '',
  alias_database: '',
  local_recipient_maps: '',
  // Nobody is asked who we are, or where others are.
  smtp_dns_support_level: 'disabled',
  lmtp_dns_support_level: 'disabled',
  smtpd_peername_lookup: 'no',
  // A service that cannot work is told of at once, and not tried again a minute later.
  service_throttle_time: '1s',
  smtp_tls_session_cache_database: '',
};
const USUAL_SERVICES: readonly string[] = [
  'postlog unix-dgram n - n - 1 postlogd',
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'tlsmgr unix - - n 1000? 1 tlsmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'verify unix - - n - 1 verify',
  'flush unix n - n 1000? 0 flush',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'lmtp unix - - n - - lmtp',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'discard unix - - n - - discard',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
];
