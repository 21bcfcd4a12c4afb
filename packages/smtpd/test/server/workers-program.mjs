/**
 * Two workers behind one port, for `shared-limits.test.ts`. The first argument has the options of their servers as JSON, the second says
 * what the primary process does: `count` for them, not `answer` at all, or answer to those who `join` and to nobody else. A worker's
 * greeting has its process id. One that has ended is replaced. It all ends with the input. `closed`: one worker alone, that is told to close
 * while it waits for its primary process.
 */

import cluster from 'node:cluster';
import { once } from 'node:events';
import process from 'node:process';

import { passwordAuth, SharedLimits, silentLogger, SMTPServer, systemClock } from '../../dist/index.js';

const [options = '{}', primary = 'count'] = process.argv.slice(2);

class Inbox extends SMTPServer {
  processMessage() {
    // Nobody looks at the mail.
  }
}

if (primary === 'closed') await closeMeanwhile();
else if (cluster.isPrimary) await startWorkers();
else await serve();

async function startWorkers() {
  const limits = new SharedLimits();
  const start = async () => {
    const worker = cluster.fork();
    if (primary === 'count') limits.serve(worker);
    if (primary === 'join') worker.on('message', (question) => answerToJoin(worker, question));
    console.log(`worker ${worker.process.pid}`);
    const [address] = await Promise.race([
      once(worker, 'listening').then(([{ port }]) => [`listening ${port}`]),
      once(worker, 'exit').then(([code]) => [`exit ${code}`]),
    ]);
    console.log(address);
  };
  cluster.on('exit', (worker) => {
    if (process.stdin.readableEnded || primary !== 'count') return;
    console.log(`ended ${worker.process.pid}`);
    void start();
  });
  process.stdin.on('end', () => {
    for (const worker of Object.values(cluster.workers)) worker.send('close');
  });
  process.stdin.resume();
  for (let count = 0; count < 2; count += 1) await start();
}

function answerToJoin(worker, { smtpd, questions = [] }) {
  if (smtpd !== 'limits') return;
  for (const { ask, id } of questions) {
    if (ask === 'join') worker.send({ smtpd: 'limits', answers: [{ id, answer: '' }] });
    else console.log(`asked ${ask}`);
  }
}

async function serve() {
  const server = new Inbox({
    localAddress: '127.0.0.1:0',
    sharedLimits: 'mail',
    greeting: `ESMTP ${process.pid}`,
    logger: silentLogger,
    // Whoever gets no answer does not wait for it.
    clock: primary === 'answer' ? { ...systemClock, setTimer: atOnce } : systemClock,
    ...JSON.parse(options),
  });
  server.use(passwordAuth({ alice: 'correct horse' }));
  process.on('message', (message) => {
    if (message === 'close') void server.close({ graceMs: 0 }).then(() => process.disconnect());
  });
  try {
    await server.listen();
  } catch (error) {
    process.exit(error.code === 'SMTPD_BAD_OPTION' ? 3 : 4);
  }
}

async function closeMeanwhile() {
  const server = new Inbox({ localAddress: '127.0.0.1:0', sharedLimits: 'mail', logger: silentLogger });
  const listening = server.listen().catch(({ code }) => code);
  await once(process, 'message');
  await server.close();
  process.send(await listening, () => process.disconnect());
}

function atOnce(run) {
  const immediate = setImmediate(run);
  return () => clearImmediate(immediate);
}
