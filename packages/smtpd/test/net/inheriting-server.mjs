/** A server for `listener.test.ts` that listens on the socket it was handed as descriptor 3. It ends with its input. */

import process from 'node:process';

import { silentLogger, SMTPServer } from '../../dist/index.js';

class Inbox extends SMTPServer {
  processMessage() {
    // Nobody sends mail here.
  }
}

const server = new Inbox({ localAddress: 'fd:3', logger: silentLogger });
const [{ address, port }] = await server.listen();
console.log(`listening ${address} ${port}`);
process.stdin.on('end', () => void server.close({ graceMs: 0 }));
process.stdin.resume();
