/**
 * Our server in several processes that share one port and keep one account of limits (docs/workers.md). WORKERS says how many (default: 2),
 * NODE_CLUSTER_SCHED_POLICY=rr has connections handed over in turn. This process counts for them, as a supervisor does, and is the one that
 * the bench talks to: what it tells is the sum of all.
 */
import cluster from 'node:cluster';
import { once } from 'node:events';

import { SharedLimits, SMTPServer } from '../../packages/smtpd/dist/index.js';
import { received, reportTo } from './report.mjs';

if (cluster.isPrimary) await supervise(Number(process.env.WORKERS ?? 2));
else await serve();

async function serve() {
  class CountingServer extends SMTPServer {
    processMessage(message) {
      received.messages += 1;
      received.octets += message.data.length;
    }
  }
  const server = new CountingServer({ localAddress: '127.0.0.1:0', sharedLimits: 'bench' });
  await server.listen();
  reportTo(process, server.port);
}

async function supervise(count) {
  if (process.env.NODE_CLUSTER_SCHED_POLICY === undefined) cluster.schedulingPolicy = cluster.SCHED_NONE;
  const limits = new SharedLimits();
  const workers = [];
  let port;
  for (let number = 0; number < count; number += 1) {
    const worker = cluster.fork();
    limits.serve(worker);
    ({ port } = await nextReport(worker));
    workers.push(worker);
  }
  process.on('message', async (question) => {
    const reports = workers.map((worker) => {
      worker.send(question);
      return nextReport(worker);
    });
    const { user, system } = process.cpuUsage();
    const sum = { messages: 0, octets: 0, cpuSeconds: (user + system) / 1e6 };
    for (const report of await Promise.all(reports)) {
      for (const name of Object.keys(sum)) sum[name] += report[name];
    }
    process.send(sum);
  });
  process.on('disconnect', () => process.exit());
  process.send({ port });
}

/** What a worker tells the bench; it speaks of limits on the same channel. */
async function nextReport(worker) {
  for (;;) {
    const [message] = await once(worker, 'message');
    if (message.smtpd === undefined) return message;
  }
}
