/** Our server as anyone would write it: each message is handed over whole. */
import { SMTPServer } from '../../packages/smtpd/dist/index.js';
import { received, reportTo } from './report.mjs';
import { OPTIONS } from './smtpd-options.mjs';

class CountingServer extends SMTPServer {
  processMessage(message) {
    received.messages += 1;
    received.octets += message.data.length;
  }
}

const server = new CountingServer(OPTIONS);
await server.listen();
reportTo(process, server.port);
