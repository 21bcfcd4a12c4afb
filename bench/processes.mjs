/** What the bench asks of any process that it starts: memory, CPU time, whether it listens, its end. */
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

/** Resident memory now and at its highest, in KiB; nothing where there is no /proc, or the process is gone. */
export function memoryOf(pid) {
  if (!existsSync(`/proc/${pid}/status`)) return {};
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return {
    residentKiB: Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]),
    peakKiB: Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]),
  };
}

/** User and system time from /proc/PID/stat, in steps of a clock tick. */
export function cpuSecondsOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  // The second field is the program's name in brackets, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

/** Sees to it that a process does not outlive this one, however that ends, short of being killed. @returns the process */
export function bound(child) {
  if (running.size === 0) {
    process.once('exit', () => {
      for (const each of running) each.kill('SIGKILL');
    });
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
  }
  running.add(child);
  return child;
}

/** Ends a process that was started here. */
export async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

/** Waits until a process takes connections. */
export async function accepts(port, child) {
  for (let attempt = 0; attempt < ATTEMPTS_MAX && child.exitCode === null; attempt += 1) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => {
      setTimeout(resolve, 20);
    });
  }
  await stop(child);
  throw new Error(`Nothing listens on port ${port}`);
}

/** USER_HZ: 100 on every Linux that Node runs on. */
export const CLOCK_TICKS_PER_SECOND = 100;
const running = new Set();
const ATTEMPTS_MAX = 250;
