/**
 * Our server for the guard: as `smtpd.mjs`, and it counts what it makes of the platform. `{ count }` in its argument: `resources`, whatever
 * asynchronous hooks see made, by its type; `octets`, what has been allocated, which is true only while nothing is collected; `calls`, nothing
 * itself: a tracer counts those of the kernel between its readings. `{ isStreaming }`: messages are read by a loop while they come.
 * `{ isProxy }`: our proxy instead, with a floor behind it.
 */
import { createHook } from 'node:async_hooks';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants, PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import v8 from 'node:v8';

import { PureProxy, silentLogger, SMTPServer } from '../../packages/smtpd/dist/index.js';
import { settings } from './report.mjs';

class CountingServer extends SMTPServer {
  messages = 0;

  processMessage() {
    this.messages += 1;
  }
}

class CountingStreams extends SMTPServer {
  messages = 0;

  octets = 0;

  async streamMessage({ body }) {
    for await (const chunk of body) this.octets += chunk.length;
    this.messages += 1;
  }
}

class CountingProxy extends PureProxy {
  messages = 0;

  streamMessage(message) {
    this.messages += 1;
    return super.streamMessage(message);
  }
}

const { NODE_PERFORMANCE_GC_FLAGS_FORCED: FORCED } = constants;
const made = {};
let collections = 0;
const COUNTS = {
  resources: () => ({ ...made }),
  octets: () => ({
    heap: youngOctets(),
    buffers: process.memoryUsage().arrayBuffers,
    collections,
  }),
  calls: () => {
    // The tracer sees it.
    existsSync('/reading');
    return {};
  },
};
const counts = COUNTS[settings.count];

const Server = settings.isStreaming === true ? CountingStreams : CountingServer;
const server = settings.isProxy === true ? await proxyToFloor() : new Server({ localAddress: '127.0.0.1:0' });
await server.listen();
if (settings.count === 'resources') {
  createHook({
    init(_id, type) {
      made[type] = (made[type] ?? 0) + 1;
    },
  }).enable();
}
if (settings.count === 'octets') {
  new PerformanceObserver((list) => {
    collections += list.getEntries().filter(({ detail }) => detail.flags !== FORCED).length;
  }).observe({ entryTypes: ['gc'] });
}
process.on('message', (question) => {
  // Twice: what the first one lets go of, the second one has waited for.
  for (let pass = 0; question === 'collect' && pass < 2; pass += 1) globalThis.gc?.();
  process.send({ messages: server.messages, counts: question === 'read' ? counts() : {} });
});
// An end of its own, so that whoever traces it hears of all that it did.
process.on('disconnect', () => process.exit());
process.send({ port: server.port });

/**
 * What is allocated while messages come is in the young generation, as long as nothing is collected. The old one would add chance: of its
 * memory whole gaps count as used as soon as anything is put into one, and how large the next gap is nobody knows.
 */
function youngOctets() {
  const young = v8.getHeapSpaceStatistics().filter(({ space_name: name }) => name.startsWith('new_'));
  return young.reduce((sum, { space_used_size: size }) => sum + size, 0);
}

/** The floor ends when it has no parent any more. */
async function proxyToFloor() {
  const floor = fork(fileURLToPath(new URL('floor.mjs', import.meta.url)), { execArgv: [] });
  const [{ port }] = await once(floor, 'message');
  return new CountingProxy({
    localAddress: '127.0.0.1:0',
    remoteAddress: `127.0.0.1:${port}`,
    logger: silentLogger,
  });
}
