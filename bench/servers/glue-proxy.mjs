/**
 * npm's `smtp-server` with `nodemailer` behind it, as programs put them together: the content streams through a pool of connections, and
 * the client hears what became of it. Arguments: where it listens, and where mail goes.
 */
import { createTransport } from 'nodemailer';
import { SMTPServer } from 'smtp-server';

const [port, upstreamPort] = process.argv.slice(2);
const pool = createTransport({
  host: '127.0.0.1',
  port: Number(upstreamPort),
  ignoreTLS: true,
  pool: true,
  maxConnections: 20,
  maxMessages: Infinity,
});
const server = new SMTPServer({
  disabledCommands: ['STARTTLS', 'AUTH'],
  authOptional: true,
  disableReverseLookup: true,
  logger: false,
  size: 33_554_432,
  onData(stream, { envelope }, answer) {
    const to = envelope.rcptTo.map(({ address }) => address);
    pool.sendMail({ envelope: { from: envelope.mailFrom.address, to }, raw: stream }).then(
      ({ response }) => answer(null, response),
      (error) => answer(error),
    );
  },
});
server.on('error', (error) => {
  process.stderr.write(`glue-proxy: ${error.message}\n`);
});
server.listen(Number(port), '127.0.0.1');
