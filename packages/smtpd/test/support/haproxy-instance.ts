/** A private HAProxy in front of servers under test. It is gone when its block is left. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

import { COMMAND_PATH } from './command-path.js';
import { freePort } from './free-port.js';
import { LineLog } from './line-log.js';
import { TemporaryFolder } from './temporary-folder.js';

/** A way through HAProxy. */
export interface ProxyRoute {
  /** What stands behind the address of the `bind` line, such as `ssl crt server.pem`. */
  readonly bind?: string;
  /** The port of the server. */
  readonly to: number;
  /** What stands behind the address of the `server` line, such as `send-proxy-v2`. */
  readonly server: string;
  /** Other lines of the section. */
  readonly lines?: readonly string[];
}

/**
 * Starts HAProxy with one section for each route.
 *
 * @example
 * ```ts
 * await using haproxy = await startHAProxy({ smtp: { to: server.port, server: 'send-proxy-v2' } });
 * await RawClient.connect(haproxy.port('smtp'));
 * ```
 */
export async function startHAProxy(routes: Readonly<Record<string, ProxyRoute>>): Promise<HAProxyInstance> {
  const ports = new Map<string, number>();
  for (const name of Object.keys(routes)) ports.set(name, await freePort());
  const instance = new HAProxyInstance(routes, ports);
  try {
    // Its listeners are open by then.
    await instance.log.line(/Loading success/);
    return instance;
  } catch (error) {
    await instance[Symbol.asyncDispose]();
    throw error;
  }
}

/** An HAProxy that runs. */
export class HAProxyInstance implements AsyncDisposable {
  /** What it logs. */
  readonly log: LineLog;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #folder = new TemporaryFolder();
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(routes: Readonly<Record<string, ProxyRoute>>, ports: ReadonlyMap<string, number>) {
    this.#ports = ports;
    const sections = Object.entries(routes).map(([name, route]) => sectionOf(name, this.port(name), route));
    const file = this.#folder.write('haproxy.cfg', [...USUAL_SETTINGS, ...sections.flat(), ''].join('\n'));
    // With -W it says when it is ready, with -db it stays our child.
    const child = spawn('haproxy', ['-W', '-db', '-f', file], {
      env: { PATH: COMMAND_PATH, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#ended = once(child, 'close');
    this.log = new LineLog(child.stdout, child.stderr);
  }

  /** Where a route begins: a port of 127.0.0.1 and of ::1. */
  port(route: string): number {
    const port = this.#ports.get(route);
    if (port === undefined) throw new Error(`There is no route ${route}`);
    return port;
  }

  /** Stops it, waits until it is gone, and removes its folder. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    this.#folder[Symbol.dispose]();
  }
}

function sectionOf(name: string, port: number, { bind = '', to, server, lines = [] }: ProxyRoute): string[] {
  return [
    `listen ${name}`,
    `  bind 127.0.0.1:${String(port)},[::1]:${String(port)} ${bind}`,
    ...lines.map((line) => `  ${line}`),
    `  server smtpd 127.0.0.1:${String(to)} ${server}`,
  ];
}

const USUAL_SETTINGS: readonly string[] = [
  'global',
  '  log stdout format raw local0',
  'defaults',
  '  mode tcp',
  '  log global',
  '  timeout check 5s',
  '  timeout connect 5s',
  '  timeout client 15s',
  '  timeout server 15s',
];
