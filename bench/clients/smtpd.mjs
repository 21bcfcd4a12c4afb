/** Our pool of clients. Argument: where mail goes. */
import { SMTPClientPool } from '../../packages/smtpd/dist/index.js';
import { serveRounds } from './rounds.mjs';

const pool = new SMTPClientPool({ connectionsMax: 20, messagesMax: Infinity });
const destination = { client: { remoteAddress: { host: '127.0.0.1', port: Number(process.argv[2]) } } };

serveRounds((data) =>
  pool.send(destination, { mailFrom: 'sender@example.test', rcptTos: ['recipient@example.test'], data }),
);
