/** npm's `smtp-server` under our conditions: no AUTH, no reverse DNS, no log, the same size limit; TLS where the load wants it. */
import { SMTPServer } from 'smtp-server';

import { received, reportTo, settings } from './report.mjs';

const { tls, sizeMax = 33_554_432, backlog = 511 } = settings;
const server = new SMTPServer({
  ...tls,
  disabledCommands: tls === undefined ? ['STARTTLS', 'AUTH'] : ['AUTH'],
  authOptional: true,
  disableReverseLookup: true,
  logger: false,
  size: sizeMax,
  onData(stream, session, answer) {
    stream.on('data', (octets) => {
      received.octets += octets.length;
    });
    stream.on('end', () => {
      received.messages += 1;
      answer();
    });
  },
});
server.on('error', (error) => {
  process.stderr.write(`smtp-server: ${error.message}\n`);
});
server.listen({ port: 0, host: '127.0.0.1', backlog }, () => {
  reportTo(process, server.server.address().port);
});
