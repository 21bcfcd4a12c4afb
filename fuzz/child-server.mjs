/** Servers of every configuration in a process of their own, for `targets.mjs`, which asks over the channel between the two. */

import { configurationOf, CONFIGURATION_NAMES } from './configurations.mjs';
import { makeServer } from './server-under-test.mjs';

const made = new Map();
const ports = {};
for (const name of CONFIGURATION_NAMES) {
  const each = makeServer(configurationOf(name));
  await each.server.listen();
  made.set(name, each);
  ports[name] = each.server.port;
}

/** A client that is gone may have left work behind: what it sent last is answered before anybody is asked. */
async function whenQuiet({ server }) {
  while (server.channels.size > 0) await new Promise((resolve) => setImmediate(resolve));
  // `streamMessage` may go on for a turn or two after its client has left.
  for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

process.on('message', (name) => {
  const each = made.get(name);
  void whenQuiet(each).then(() => {
    const { deliveries, faults } = each;
    process.send({ deliveries: deliveries.splice(0), faults: faults.splice(0), rssBytes: process.memoryUsage.rss() });
  });
});
process.on('disconnect', () => process.exit());
process.send(ports);
