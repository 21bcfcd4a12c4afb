/** npm's `smtp-server` under our conditions: no TLS, no AUTH, no reverse DNS, no log, the same size limit. */
import { SMTPServer } from 'smtp-server';

import { received, reportTo } from './report.mjs';

const server = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  authOptional: true,
  disableReverseLookup: true,
  logger: false,
  size: 33_554_432,
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
server.listen(0, '127.0.0.1', () => {
  reportTo(process, server.server.address().port);
});
