/**
 * What every server of the bench that runs on Node has in common: it counts what it received, and tells the bench when asked.
 * Part of the server's process; `bench/server-processes.mjs` is the other end.
 */
import v8 from 'node:v8';
import vm from 'node:vm';

/** What was received: messages, and octets of their content after dot-unstuffing. */
export const received = { messages: 0, octets: 0 };

/** Tells the bench where the server listens, and answers its questions. */
export function reportTo(bench, port) {
  bench.on('message', (question) => {
    if (question === 'collect') collectGarbage();
    const { user, system } = process.cpuUsage();
    bench.send({ ...received, cpuSeconds: (user + system) / 1e6 });
  });
  // The bench is gone, so nobody will end us.
  bench.on('disconnect', () => process.exit());
  bench.send({ port });
}

/** Only before memory is read in the idle workload: what garbage happens to lie about is not what a session costs. */
function collectGarbage() {
  v8.setFlagsFromString('--expose-gc');
  const collect = vm.runInNewContext('gc');
  collect();
  collect();
}
