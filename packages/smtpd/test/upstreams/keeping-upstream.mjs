/**
 * A server in a process of its own that can be killed at any time: a message is on disk before it is acknowledged. Each line of its file is
 * one message: the number and attempt of its subject, and the length of its body.
 */
import { open } from 'node:fs/promises';

import { SMTPServer } from '../../dist/index.js';

const { file: path, ...options } = JSON.parse(process.argv[2]);
const file = await open(path, 'a');
let waiting = [];
let isWriting = false;

/** What is written together is synced together. */
async function keep(line) {
  const kept = new Promise((resolve) => {
    waiting.push({ line, resolve });
  });
  if (!isWriting) {
    isWriting = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      await file.appendFile(batch.map((each) => each.line).join(''));
      await file.datasync();
      for (const { resolve } of batch) resolve();
    }
    isWriting = false;
  }
  await kept;
}

class Keeping extends SMTPServer {
  async processMessage({ data }) {
    const text = Buffer.from(data).toString('latin1');
    const subject = /^Subject: (\d+ \d+)\r$/m.exec(text)[1];
    const bodyBytes = text.length - text.indexOf('\r\n\r\n') - 4;
    await keep(`${subject} ${bodyBytes}\n`);
  }
}

const server = new Keeping({ hostname: 'upstream.example', ...options });
await server.listen();
process.on('disconnect', () => process.exit());
process.send({ port: server.port });
