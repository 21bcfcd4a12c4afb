/** Our server as anyone would write it, with everything on that is on by default; TLS and higher limits where the load wants them. */
import { SMTPServer } from '../../packages/smtpd/dist/index.js';
import { received, reportTo, settings } from './report.mjs';

class CountingServer extends SMTPServer {
  processMessage(message) {
    received.messages += 1;
    received.octets += message.data.length;
  }
}

const { tls, sizeMax, recipientsMax, backlog } = settings;
const server = new CountingServer({
  localAddress: '127.0.0.1:0',
  ...(backlog === undefined ? {} : { backlog }),
  ...(tls === undefined ? {} : { tls: { mode: 'offer', ...tls } }),
  ...(sizeMax === undefined ? {} : { dataSizeLimit: sizeMax }),
  ...(recipientsMax === undefined ? {} : { limits: { recipientsMax } }),
});
await server.listen();
reportTo(process, server.port);
