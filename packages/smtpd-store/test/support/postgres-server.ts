/** A PostgreSQL of one's own: in a temporary folder, reached by a socket there, gone when its tests are over, however they end. */

import { execFile, execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeEach } from 'vitest';

import { TemporaryFolder } from './temporary-folder.js';

/** Says that the tests of this file need PostgreSQL. Without it none runs, with the reason; in CI each fails. */
export function requirePostgres(): boolean {
  const reason =
    binaryFolder() === undefined
      ? 'There is no PostgreSQL; .ci/setup installs it'
      : process.getuid?.() === 0 && unprivilegedUser() === undefined
        ? 'PostgreSQL does not run as root, and there is no other user'
        : undefined;
  if (reason === undefined) return true;
  beforeEach((context) => {
    if (process.env['CI'] === 'true') throw new Error(reason);
    context.skip(reason);
  });
  return false;
}

/** A server with an empty database. */
export class PostgresServer {
  readonly #folder = new TemporaryFolder();
  readonly #user = process.getuid?.() === 0 ? unprivilegedUser() : undefined;
  #process: ChildProcess | undefined;

  /** Where it is; a schema makes a store of its own of it. */
  get url(): string {
    return `postgres://postgres@localhost/postgres?host=${this.#folder.path}`;
  }

  async start(): Promise<void> {
    const data = join(this.#folder.path, 'data');
    if (!existsSync(data)) {
      chmodSync(this.#folder.path, 0o755);
      if (this.#user !== undefined) chownSync(this.#folder.path, this.#user.uid, this.#user.gid);
      const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
      execFileSync(binary('initdb'), args, { ...this.#user, cwd: this.#folder.path, stdio: 'ignore' });
    }
    // Nothing here is meant to outlive the machine. The shell ends the server when its input ends: when we are gone.
    const script = '"$0" "$@" & server=$!; read -r line; kill -INT $server; wait $server';
    const settings = ['fsync=off', 'listen_addresses=', `unix_socket_directories=${this.#folder.path}`];
    const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
    const stdio = ['pipe', 'ignore', 'pipe'] as const;
    const child = spawn('/bin/sh', ['-c', script, binary('postgres'), ...args], {
      ...this.#user,
      cwd: this.#folder.path,
      stdio: [...stdio],
    });
    this.#process = child;
    let said = '';
    for await (const piece of child.stderr) {
      said += String(piece);
      if (said.includes('database system is ready to accept connections')) {
        child.stderr.resume();
        return;
      }
    }
    throw new Error(`PostgreSQL did not start: ${said}`);
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child?.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.stdin?.end();
    await exited;
  }

  /**
   * Has it do something by a connection that is nobody else's. This process goes on meanwhile: what is done may have to wait for the end of
   * a transaction that a store of this process is in.
   */
  async run(sql: string): Promise<string> {
    const { stdout } = await execFileOf(binary('psql'), [this.url, '--no-psqlrc', '-qAtc', sql]);
    return stdout.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    this.#folder[Symbol.dispose]();
  }
}

function binary(name: string): string {
  return join(binaryFolder() ?? '', name);
}

/** Debian keeps the programs of each version apart; elsewhere they are in the path. */
function binaryFolder(): string | undefined {
  const versions = existsSync(DEBIAN_FOLDER) ? readdirSync(DEBIAN_FOLDER).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [...versions.map((version) => join(DEBIAN_FOLDER, version, 'bin'))];
  const { status, stdout } = spawnSync('pg_config', ['--bindir'], { encoding: 'utf8' });
  if (status === 0) folders.push(stdout.trim());
  return folders.find((folder) => ['initdb', 'postgres', 'psql'].every((name) => existsSync(join(folder, name))));
}

function unprivilegedUser(): { readonly uid: number; readonly gid: number } | undefined {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const user = ['postgres', 'nobody'].map((wanted) => users.find(([name]) => name === wanted)).find((found) => found);
  return user === undefined ? undefined : { uid: Number(user[2]), gid: Number(user[3]) };
}

const DEBIAN_FOLDER = '/usr/lib/postgresql';
const execFileOf = promisify(execFile);
