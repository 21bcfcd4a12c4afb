/**
 * A private Postfix: its own settings, queue and data under a temporary folder, and its `smtpd` on a free port; gone when its block is
 * left, or when the process that started it ends, however that may be. Nothing of the machine's own Postfix is read or touched. Postfix
 * has to be started by root, whatever its processes run as then.
 *
 * No part of a test runner is imported here: the fuzzer starts one, too.
 */

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, mkdirSync, utimesSync } from 'node:fs';

import { COMMAND_PATH } from './command-path.js';
import { freePort } from './free-port.js';
import { LineLog } from './line-log.js';
import { runWell } from './run-program.js';
import { TemporaryFolder } from './temporary-folder.js';

/** What a private Postfix is made of. */
export interface PostfixSettings {
  /** Settings of `main.cf` besides the usual ones, or instead of them. `$config_directory` is where `files` are. */
  readonly main?: Readonly<Record<string, string>>;
  /**
   * Lines of `master.cf` besides `smtpd` and the services that no Postfix goes without, such as
   * `127.0.0.1:2525 inet n - n - - smtpd -o smtpd_proxy_filter=[127.0.0.1]:2526`.
   */
  readonly services?: readonly string[];
  /** Files beside `main.cf`, such as `texthash:` tables. */
  readonly files?: Readonly<Record<string, string>>;
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
 *
 * @example A server that knows its users, and takes their mail to nowhere.
 * ```ts
 * const policy = `check_policy_service inet:127.0.0.1:${String(greylist.port)}`;
 * await using postfix = await startPostfix({
 *   main: {
 *     virtual_mailbox_domains: 'b.example',
 *     virtual_mailbox_maps: 'texthash:$config_directory/users',
 *     virtual_transport: 'discard',
 *     message_size_limit: '10000',
 *     smtpd_recipient_restrictions: `reject_unauth_destination, reject_unlisted_recipient, ${policy}`,
 *   },
 *   files: { users: 'bob@b.example exists\n' },
 * });
 * const client = await RawClient.connect(postfix.port);
 * ```
 */
export async function startPostfix(settings: PostfixSettings = {}): Promise<PostfixInstance> {
  const instance = new PostfixInstance(await freePort(), settings);
  try {
    // Its ports are open by then.
    await instance.log.line(/ postfix\/master\[\d+\]: daemon started /);
    return instance;
  } catch (error) {
    await instance[Symbol.asyncDispose]();
    throw error;
  }
}

/** A Postfix that runs. */
export class PostfixInstance implements AsyncDisposable {
  /** Where its `smtpd` listens, on 127.0.0.1. */
  readonly port: number;
  /** Where its `main.cf` is. */
  readonly configFolder: string;
  /** What it logs. */
  readonly log: LineLog;
  readonly #folder = new TemporaryFolder();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(port: number, { main = {}, services = [], files = {} }: PostfixSettings) {
    this.port = port;
    const { path } = this.#folder;
    // Its processes are not root's, and have to get there.
    chmodSync(path, 0o755);
    this.configFolder = `${path}/config`;
    const queueFolder = `${path}/queue`;
    for (const folder of [this.configFolder, queueFolder, `${path}/data`]) mkdirSync(folder);
    // Postfix makes the folders of its queue itself.
    chownSync(`${path}/data`, Number(execFileSync('id', ['-u', 'postfix'])), 0);
    const complete = { ...USUAL_SETTINGS, queue_directory: queueFolder, data_directory: `${path}/data`, ...main };
    const all = {
      ...files,
      'main.cf': linesOf(Object.entries(complete).map(([name, value]) => `${name} = ${value}`)),
      'master.cf': linesOf([`127.0.0.1:${String(port)} inet n - n - - smtpd`, ...USUAL_SERVICES, ...services]),
    };
    for (const [name, content] of Object.entries(all)) {
      const file = this.#folder.write(`config/${name}`, content);
      // Postfix mistrusts a file of this second, and reads it again until the next one.
      utimesSync(file, LONG_AGO, LONG_AGO);
    }
    const child = spawn('sh', ['-c', KEEPER, this.configFolder, `${queueFolder}/pid/master.pid`, path], {
      env: ENVIRONMENT,
      stdio: ['pipe', 'pipe', 'ignore'],
      // A signal that a terminal sends to everybody would take the keeper away before what it keeps.
      detached: true,
    });
    // It may be gone already.
    child.stdin.on('error', () => undefined);
    this.#child = child;
    this.#ended = once(child, 'close');
    this.log = new LineLog(child.stdout);
  }

  /** Hands a message to Postfix, as programs of this machine do. */
  async sendmail(argv: readonly string[], content: string | Uint8Array): Promise<void> {
    await runWell('sendmail', ['-C', this.configFolder, '-i', ...argv], { env: ENVIRONMENT, input: content });
  }

  /**
   * Has it try at once what it has deferred, whenever it meant to. A message that it passes over, for the process that tried it last has
   * not let go of its file yet, waits for another call, or for a minute.
   */
  async flush(): Promise<void> {
    await runWell('postqueue', ['-c', this.configFolder, '-f'], { env: ENVIRONMENT });
  }

  /** Stops it, waits until all its processes are gone, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin?.end();
    await this.#ended;
    this.#folder[Symbol.dispose]();
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * Runs Postfix until its input closes, which it does with our end of the pipe, whatever becomes of us. The master process is in a session
 * of its own, and hears nothing of a signal to the shell; as long as it has not begun there is nothing to stop, so this is tried again.
 * Each of its processes opens what it logs to by name, which works with a pipe of the shell and not with a socket of Node's. The pipe
 * closes when the last process is gone.
 */
const KEEPER = `
postfix -c "$0" start-fg 2>&1 </dev/null | cat &
log=$!
exec >/dev/null
cat
while kill -0 "$log"; do
  if [ -s "$1" ]; then kill -TERM $(cat "$1"); fi
  sleep 0.05
done
rm -rf "$2"
`;
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
