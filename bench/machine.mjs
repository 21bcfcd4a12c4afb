/** The machine that something was measured on. */
import { cpus, release, totalmem, type } from 'node:os';
import { basename, isAbsolute } from 'node:path';

/** What there is to know of it. */
export function machine() {
  const processors = cpus();
  return {
    cores: processors.length,
    cpu: processors[0]?.model.trim() ?? 'unknown',
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
  };
}

/** The same, as rows of a table. */
export function machineRows({ cores, cpu, memoryGiB, kernel }, date = new Date().toISOString().slice(0, 10)) {
  return [
    ['date', date],
    ['machine', `${cores} cores, ${cpu}, ${memoryGiB} GiB`],
    ['kernel', kernel],
  ];
}

/** The command line of this process as `npm run SCRIPT` was given it. Files appear by their names: where they lie is nobody's business. */
export function commandLine(script) {
  const words = process.argv.slice(2).map((word) => (isAbsolute(word) ? basename(word) : word));
  return ['npm run', script, '--', ...words].join(' ');
}
