/**
 * An image, built from a Dockerfile and run without an engine: `buildah` builds it into a folder, and a container is a process of that folder with
 * namespaces of its own. The network of one is a loopback without anything beside it, so that the ports of an image are free.
 *
 * A container is what an engine makes of an image's settings: its user, its environment, its command, a volume; no resource is bounded.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { COMMAND_PATH } from '../../packages/smtpd/test/support/command-path.js';

const run = promisify(execFile);

/** What an image says of itself, in the words of Docker. */
export interface ImageSettings {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Volumes: Readonly<Record<string, object>>;
  readonly Healthcheck: { readonly Test: readonly [string, ...string[]] };
}

/** Where images are built; nothing of them is anywhere else, and nothing is left. */
export class ImageFolder implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'smtpd-image-'));

  /** Makes an image of this machine's Node, with what it is linked with, as those of registries are: `env`, and a user `node`. */
  async makeBase(name: string): Promise<void> {
    const files = join(this.folder, 'base');
    const add = (file: string, place: string): void => {
      mkdirSync(dirname(join(files, place)), { recursive: true });
      copyFileSync(file, join(files, place));
    };
    for (const [program, place] of [
      [process.execPath, '/usr/local/bin/node'],
      ['/usr/bin/env', '/usr/bin/env'],
    ] as const) {
      add(program, place);
      const { stdout } = await run('ldd', [program]);
      for (const [library] of stdout.matchAll(/\/\S+/g)) add(library, library);
    }
    for (const folder of ['dev', 'proc', 'etc', 'home/node']) mkdirSync(join(files, folder), { recursive: true });
    mkdirSync(join(files, 'tmp'));
    chmodSync(join(files, 'tmp'), 0o1777);
    writeFileSync(join(files, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n');
    writeFileSync(join(files, 'etc/group'), 'root:x:0:\nnode:x:1000:\n');
    writeFileSync(join(files, 'etc/hosts'), '127.0.0.1 localhost inbox\n');
    writeFileSync(join(files, 'Dockerfile'), 'FROM scratch\nCOPY . /\n');
    await this.build(name, files, []);
    rmSync(files, { recursive: true });
  }

  /** Builds the Dockerfile of a folder. */
  async build(name: string, folder: string, options: readonly string[]): Promise<void> {
    await this.#buildah(
      'build',
      '--isolation',
      'chroot',
      '--format',
      'docker',
      '--pull-never',
      ...options,
      '-t',
      name,
      folder,
    );
  }

  /** An image's settings, and the folder with its files. */
  async open(name: string): Promise<{ readonly settings: ImageSettings; readonly files: string }> {
    const container = await this.#buildah('from', '--pull-never', name);
    const files = await this.#buildah('mount', container);
    const { Docker } = JSON.parse(await this.#buildah('inspect', container)) as { Docker: { config: ImageSettings } };
    return { settings: Docker.config, files };
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #buildah(command: string, ...args: readonly string[]): Promise<string> {
    const own = ['--root', join(this.folder, 'root'), '--runroot', join(this.folder, 'run'), '--storage-driver', 'vfs'];
    // What it remembers of all images, it keeps below /var/lib whatever it is told: there is another one here while it runs.
    const script = 'mount -t tmpfs none /var/lib && exec buildah "$@"';
    const { stdout } = await run('unshare', ['--mount', 'sh', '-c', script, 'sh', ...own, command, ...args], {
      env: { ...process.env, PATH: COMMAND_PATH, TMPDIR: this.folder },
    });
    return stdout.trim();
  }
}

/** How a container is run. */
export interface ContainerOptions {
  readonly settings: ImageSettings;
  readonly files: string;
  /** The folder that is its volume. */
  readonly volume: string;
  /** In the place of the command of the image. */
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** In the place of the user of the image. */
  readonly user?: string;
}

/** A process that runs in a container of its own, as number 1. No file but those of its volume can be written. */
export class Container {
  readonly #options: ContainerOptions;
  readonly #outside: ChildProcess;
  readonly #said: string[] = [];
  /** Its exit code; what a shell makes of a signal. */
  readonly exited: Promise<number>;

  constructor(options: ContainerOptions) {
    const { settings, files, volume, command = settings.Cmd } = options;
    this.#options = options;
    const inside = [...settings.Entrypoint, ...command];
    const namespaces = ['--net', '--pid', '--mount', '--fork'];
    this.#outside = spawn(
      'unshare',
      [...namespaces, 'sh', '-c', ENTER, 'sh', files, volume, this.#user, ...this.#environment, ...inside],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: COMMAND_PATH } },
    );
    this.exited = once(this.#outside, 'close').then(([code]) => code as number);
  }

  /** Waits until it has said a line that begins like this, or until its end. */
  async hasSaid(last = ''): Promise<void> {
    const { stdout, stderr } = this.#outside;
    if (stdout === null || stderr === null) throw new Error('There are pipes');
    createInterface({ input: stdout }).on('line', (line) => this.#said.push(line));
    await new Promise<void>((resolve) => {
      createInterface({ input: stderr }).on('line', (line) => {
        this.#said.push(line);
        if (last !== '' && line.startsWith(last)) resolve();
      });
      void this.exited.then(() => resolve());
    });
  }

  /** The lines that it has printed. */
  get said(): readonly string[] {
    return this.#said;
  }

  /** The number of its first process, as it is seen from outside. */
  get pid(): number {
    const pid = String(this.#outside.pid);
    if (this.#hasEnded) throw new Error(`It has ended: ${this.#said.join('\n')}`);
    const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    // Number 0 would be everybody here.
    if (first === undefined || first === '') throw new Error(`It is ending: ${this.#said.join('\n')}`);
    return Number(first);
  }

  /** Tells the first process to end, as `docker stop` does. */
  async stop(): Promise<number> {
    process.kill(this.pid, 'SIGTERM');
    return this.exited;
  }

  /** Ends it at once, with all that runs in it. */
  async kill(): Promise<void> {
    // Not the process around it: one that has changed its user outlives that.
    try {
      process.kill(this.pid, 'SIGKILL');
    } catch {
      // It has ended, or is about to.
    }
    await this.exited;
  }

  /** Runs another program in it, as `docker exec` does. @returns its exit code, and what it printed */
  async exec(
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<readonly [number, string]> {
    const [user, group] = this.#user.split(':');
    const as = ['--setuid', user ?? '', '--setgid', group ?? ''];
    const variables = [...this.#environment, ...Object.entries(environment).map((each) => each.join('='))];
    return this.#enter(['--net', '--pid', '--mount', '--root', ...as], ['/usr/bin/env', ...variables, ...command]);
  }

  /** Runs a program of this machine in its network. */
  async execOutside(command: readonly string[]): Promise<readonly [number, string]> {
    return this.#enter(['--net'], command);
  }

  async #enter(how: readonly string[], command: readonly string[]): Promise<readonly [number, string]> {
    const args = ['--target', String(this.pid), ...how, '--', ...command];
    try {
      const { stdout, stderr } = await run('nsenter', args, { env: { PATH: COMMAND_PATH }, maxBuffer: 16_777_216 });
      return [0, stdout + stderr];
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return [code, stdout + stderr];
    }
  }

  get #hasEnded(): boolean {
    return this.#outside.exitCode !== null || this.#outside.signalCode !== null;
  }

  get #user(): string {
    return this.#options.user ?? this.#options.settings.User;
  }

  /** Arguments of `env`. */
  get #environment(): readonly string[] {
    const { settings, environment = {} } = this.#options;
    return ['-i', ...settings.Env, ...Object.entries(environment).map((each) => each.join('='))];
  }
}

/** What an engine makes of a folder before it lets the program in. */
const ENTER = `
set -e
files=$1 volume=$2 user=$3; shift 3
perl -e 'use Socket; socket(my $any, AF_INET, SOCK_DGRAM, 0); my $up = pack("a16 s x22", "lo", 1); ioctl($any, 0x8914, $up) or die $!'
mount --bind "$files" "$files"
mount --rbind /dev "$files/dev"
mount -t proc proc "$files/proc"
mount --bind "$volume" "$files/data"
mount -o remount,bind,ro "$files"
exec chroot --userspec="$user" --groups= "$files" /usr/bin/env "$@"
`;
