// Adds messages as fast as it can, and names on its output each that was acknowledged. It is killed in the middle.
import { openPostgresStore } from 'smtpd-store';

const [url, schema] = process.argv.slice(2);
const store = await openPostgresStore({ url, schema });
let count = 0;

async function addForever() {
  for (;;) {
    const name = `p${String(process.pid)}m${String((count += 1))}`;
    // Every tenth is long enough for pieces.
    const raw = Buffer.from(name.padEnd(count % 10 === 0 ? 600_000 : 1_000, '.'));
    const { id } = await store.add({
      raw,
      envelope: { mailFrom: '', rcptTos: [`${name}@b.example`], mailOptions: [], rcptOptions: [[]] },
      session: { peer: { address: '127.0.0.1', port: 1 } },
      receivedAt: new Date(),
      summary: { subject: name },
    });
    process.stdout.write(`${id} ${name} ${String(raw.length)}\n`);
  }
}

await Promise.all(Array.from({ length: 10 }, addForever));
