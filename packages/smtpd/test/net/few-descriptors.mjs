/** A server for `listener.test.ts`, started with few descriptors: it says its port, and each fault as it comes. It ends with its input. */

import process from 'node:process';

import { silentLogger, SMTPServer } from '../../dist/index.js';

class Inbox extends SMTPServer {
  processMessage() {
    // Nobody sends mail here.
  }
}

const server = new Inbox({ localAddress: '127.0.0.1:0', logger: silentLogger });
server.on('fault', ({ error }) => console.log(`fault ${error.code}`));
await server.listen();
console.log(`port ${server.port}`);
process.stdin.on('end', () => void server.close({ graceMs: 0 }));
process.stdin.resume();
