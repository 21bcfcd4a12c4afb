/**
 * `npm run bench:client`: what a message costs whoever sends it, by our pool of clients and by nodemailer's, to the same servers: the floor, which
 * offers no extensions, and ours, which offers PIPELINING and CHUNKING. Each client and each server is a process of its own, and rounds are
 * interleaved. docs/performance.md has the table.
 */
import { ClientProcess } from './client-process.mjs';
import { number, percent, ratio, table } from './figures.mjs';
import { versionsOf } from './peers.mjs';
import { versionsText } from './results.mjs';
import { openServer } from './server-processes.mjs';

const ROUNDS = Number(process.argv[2] ?? 5);
const CLIENTS = ['smtpd', 'nodemailer'];
const BASE = 'nodemailer';
const WORKLOADS = [
  { title: '1 KiB, 10 at a time', server: 'floor', load: { messages: 3_000, atATime: 10, sizeBytes: 1_024 } },
  { title: '1 MiB, 4 at a time', server: 'floor', load: { messages: 60, atATime: 4, sizeBytes: 1_048_576 } },
  { title: '1 KiB, 10 at a time', server: 'smtpd', load: { messages: 3_000, atATime: 10, sizeBytes: 1_024 } },
  { title: '1 MiB, 4 at a time', server: 'smtpd', load: { messages: 60, atATime: 4, sizeBytes: 1_048_576 } },
];
/** What is sent before anything is measured, in rounds. */
const WARM_UP_ROUNDS = 3;

const rows = [];
for (const workload of WORKLOADS) rows.push(...(await measure(workload)));
const head = [
  'load',
  'server',
  'client',
  'messages/s: median (min–max)',
  `× ${BASE}`,
  'CPU s / 1,000',
  `CPU × ${BASE}`,
  'client CPU',
];
const versions = versionsOf(['smtpd', 'glue-proxy']);
process.stdout.write(`${versionsText(versions)}. ${ROUNDS} rounds, interleaved.\n\n${table(head, rows).join('\n')}\n`);

async function measure({ title, server: serverName, load }) {
  const server = await openServer(serverName);
  const clients = [];
  try {
    for (const name of CLIENTS) clients.push(await ClientProcess.open(name, server));
    for (let round = 0; round < WARM_UP_ROUNDS; round += 1) for (const client of clients) await client.warmUp(load);
    for (let round = 0; round < ROUNDS; round += 1) for (const client of clients) await client.measure(load);
    const base = clients.find(({ name }) => name === BASE);
    return clients.map((client) => {
      const { median, min, max } = client.speed;
      return [
        title,
        serverName,
        client.name,
        `${number(median)} (${number(min)}–${number(max)})`,
        ratio(median, base.speed.median),
        number(client.cpuSecondsPer1000.median),
        ratio(client.cpuSecondsPer1000.median, base.cpuSecondsPer1000.median),
        percent(client.cpuShare.median),
      ];
    });
  } finally {
    for (const client of clients) await client.close();
    await server.close();
  }
}
