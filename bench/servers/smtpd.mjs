/** Our server as anyone would write it, with everything on that is on by default. */
import { SMTPServer } from '../../packages/smtpd/dist/index.js';
import { received, reportTo } from './report.mjs';

class CountingServer extends SMTPServer {
  processMessage(message) {
    received.messages += 1;
    received.octets += message.data.length;
  }
}

const server = new CountingServer({ localAddress: '127.0.0.1:0' });
await server.listen();
reportTo(process, server.port);
