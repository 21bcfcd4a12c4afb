/** Builds the package that is measured, as a bench does before it starts. Where that fails the process ends. */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

export function build() {
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const root = fileURLToPath(new URL('..', import.meta.url));
  const steps = [
    [compiler, '-b', 'packages/smtpd/src'],
    ['scripts/bundle.mjs', 'smtpd'],
  ];
  for (const step of steps) {
    const { status } = spawnSync(process.execPath, step, { cwd: root, stdio: 'inherit' });
    if (status !== 0) process.exit(status ?? 1);
  }
}
