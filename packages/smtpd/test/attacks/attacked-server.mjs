/** A server in a process of its own, so that its memory is its own. Options come as JSON; what it received is told when it is asked. */
import { SMTPServer } from '../../dist/index.js';

const { behaviour, ...options } = JSON.parse(process.argv[2]);
const received = { messages: 0, octets: 0, recipients: 0 };
let release;
const released = new Promise((resolve) => {
  release = resolve;
});

class Whole extends SMTPServer {
  async processMessage({ data, rcptTos }) {
    if (behaviour === 'slow') await released;
    received.messages += 1;
    received.octets += data.length;
    received.recipients += rcptTos.length;
  }
}

/** Reads nothing before it is let go. */
class Streaming extends SMTPServer {
  async streamMessage({ body }) {
    await released;
    for await (const chunk of body) received.octets += chunk.length;
    received.messages += 1;
  }
}

const server = new (behaviour === 'slowStream' ? Streaming : Whole)({
  localAddress: '127.0.0.1:0',
  hostname: 'mx.example',
  ...options,
});
await server.listen();
process.on('message', (message) => {
  if (message === 'release') release();
  process.send({ ...received, sessions: server.channels.size });
});
process.on('disconnect', () => process.exit());
process.send({ port: server.port });
