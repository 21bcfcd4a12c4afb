/** Memory of a crowd: what an idle session costs, and what is given back when it leaves. */
import { readFileSync } from 'node:fs';

import { openServer } from './server-processes.mjs';

/** How many descriptors a process may have here; `undefined` where nobody says. */
function descriptorsMax() {
  try {
    return Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1]);
  } catch {
    return undefined;
  }
}

/** How many sessions a process can have besides what else it opens. */
export function sessionsPossible(wanted) {
  const most = descriptorsMax();
  return most === undefined || Number.isNaN(most) ? wanted : Math.min(wanted, most - OTHER_DESCRIPTORS);
}

/**
 * Resident memory of a crowd of idle sessions. A small crowd comes first, so that compiled code and grown heaps are not counted as
 * the sessions' own; garbage is collected before each reading.
 */
export async function measureIdle({ serverName, sessionCount, generator }) {
  let server;
  try {
    server = await openServer(serverName);
    await (await generator.hold(server.port, WARM_UP_SESSIONS)).release();
    const emptyKiB = await residentKiB(server);
    const crowd = await generator.hold(server.port, sessionCount);
    const fullKiB = await residentKiB(server);
    await crowd.release();
    const afterKiB = await residentKiB(server);
    return {
      name: serverName,
      sessions: sessionCount,
      openingSeconds: crowd.seconds,
      emptyKiB,
      fullKiB,
      afterKiB,
      perSessionKiB: (fullKiB - emptyKiB) / sessionCount,
      givenBack: (fullKiB - afterKiB) / (fullKiB - emptyKiB),
    };
  } catch (error) {
    return { name: serverName, sessions: sessionCount, error: error.message };
  } finally {
    await server?.close();
  }
}

async function residentKiB(server) {
  for (let pass = 0; pass < 3; pass += 1) {
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
    await server.collectGarbage();
  }
  return server.memory().residentKiB;
}

const WARM_UP_SESSIONS = 200;
const OTHER_DESCRIPTORS = 100;
