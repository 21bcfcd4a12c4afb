/** npm's `nodemailer`, with its pool. The content is handed to it as octets that it does not compose. Argument: where mail goes. */
import { createTransport } from 'nodemailer';

import { serveRounds } from './rounds.mjs';

const pool = createTransport({
  host: '127.0.0.1',
  port: Number(process.argv[2]),
  ignoreTLS: true,
  pool: true,
  maxConnections: 20,
  maxMessages: Infinity,
});
const envelope = { from: 'sender@example.test', to: ['recipient@example.test'] };

serveRounds((raw) => pool.sendMail({ envelope, raw }));
