/** Our server as `smtpd.mjs` has it, but each message is handed over while it comes, and read by a loop. */
import { SMTPServer } from '../../packages/smtpd/dist/index.js';
import { received, reportTo } from './report.mjs';
import { OPTIONS } from './smtpd-options.mjs';

class CountingServer extends SMTPServer {
  async streamMessage(message) {
    for await (const chunk of message.body) received.octets += chunk.length;
    received.messages += 1;
  }
}

const server = new CountingServer(OPTIONS);
await server.listen();
reportTo(process, server.port);
