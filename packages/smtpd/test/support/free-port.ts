/** Ports for programs that cannot choose one themselves, and for servers that come later than whoever asks for them. */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * A port of 127.0.0.1 that nobody has right now. It is none of those that the system gives to connections and to listeners that leave the
 * choice to it: tests beside this one have thousands of these, and one of them would have the port before it is used.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST_PORT, SYSTEM_PORTS_FROM);
    if (given.has(port)) continue;
    given.add(port);
    const listener = createServer().listen(port, '127.0.0.1');
    try {
      await once(listener, 'listening');
    } catch {
      // Somebody has it.
      continue;
    }
    listener.close();
    await once(listener, 'close');
    return port;
  }
}

const FIRST_PORT = 20_000;
/** Where the system begins to give; Linux has 32768, others begin at 49152. */
const SYSTEM_PORTS_FROM = 32_768;
/** To this process. */
const given = new Set<number>();
