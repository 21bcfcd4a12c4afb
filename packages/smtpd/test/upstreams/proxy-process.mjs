/** A proxy in a process of its own, so that its memory is its own, and so that it can be killed. Options come as JSON. */
import { PureProxy } from '../../dist/index.js';

const proxy = new PureProxy({ hostname: 'proxy.example', ...JSON.parse(process.argv[2]) });
await proxy.listen();
process.on('message', () => {
  // With --expose-gc: what nobody holds is no part of the answer.
  for (let pass = 0; pass < 3; pass += 1) globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send({ residentBytes: rss, heldBytes: heapUsed + external });
});
process.on('disconnect', () => process.exit());
process.send({ port: proxy.port });
