/**
 * What every server of the bench that runs on Node has in common: it reads what it is told, counts what it received, and tells the bench
 * when asked. Part of the server's process; `bench/server-processes.mjs` is the other end.
 */
import { readFileSync } from 'node:fs';
import v8 from 'node:v8';
import vm from 'node:vm';

/** What was received: messages, and octets of their content after dot-unstuffing. */
export const received = { messages: 0, octets: 0 };

/**
 * What the bench wants of this server, over what each does by itself: `tls`, its key and certificate; `sizeMax`, octets of a message;
 * `recipientsMax`, of a message; `backlog`, connections that wait for being accepted.
 */
export const settings = readSettings(process.argv[2]);

/** Tells the bench where the server listens, and answers its questions. Without a bench somebody profiles it. */
export function reportTo(bench, port) {
  if (bench.send === undefined) {
    serveByHand(port);
    return;
  }
  bench.on('message', (question) => {
    if (question === 'collect') collectGarbage();
    const { user, system } = process.cpuUsage();
    bench.send({ ...received, cpuSeconds: (user + system) / 1e6 });
  });
  // The bench is gone, so nobody will end us.
  bench.on('disconnect', () => process.exit());
  bench.send({ port });
}

/** A profile is written by a process that exits, not by one that a signal ends. */
function serveByHand(port) {
  console.log(`port ${port}; Ctrl+C ends it`);
  process.once('SIGINT', () => process.exit());
}

function readSettings(text) {
  const { tls, ...others } = text === undefined ? {} : JSON.parse(text);
  if (tls === undefined) return others;
  return { ...others, tls: { key: readFileSync(tls.keyFile), cert: readFileSync(tls.certFile) } };
}

/** Only before memory is read in the idle workload: what garbage happens to lie about is not what a session costs. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  collect();
  collect();
}
