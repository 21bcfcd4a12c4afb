/** The machine that something was measured on. */
import { cpus, release, totalmem, type } from 'node:os';

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
