/** An inbox with small bounds in a process of its own, which says how much its heap holds whenever it is asked. */
import { startInbox } from 'smtpd-inbox';

const { folder, limits } = JSON.parse(process.argv[2]);
const inbox = await startInbox({
  smtp: '127.0.0.1:0',
  http: '127.0.0.1:0',
  tls: { mode: 'off' },
  auth: 'off',
  data: folder,
  limits,
});
process.on('message', () => {
  globalThis.gc();
  process.send({ heapUsed: process.memoryUsage().heapUsed });
});
process.on('disconnect', () => process.exit());
process.send({ port: inbox.smtpPort, url: inbox.url });
