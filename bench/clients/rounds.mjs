/**
 * What both clients of `bench/client.mjs` have in common: each round is asked for by the channel of the process, and what it took is told there.
 */

/**
 * Sends as many messages as each round says, so many at a time.
 *
 * @param send sends one message with this content, and is through when the server has taken it
 */
export function serveRounds(send) {
  process.on('message', ({ messages, atATime, sizeBytes }) => {
    void round({ messages, atATime, data: contentOf(sizeBytes) }, send).then((report) => process.send(report));
  });
  // The bench is gone, so nobody will end us.
  process.on('disconnect', () => process.exit());
  process.send({ isReady: true });
}

async function round({ messages, atATime, data }, send) {
  const before = process.cpuUsage();
  const startedAt = performance.now();
  let left = messages;
  const sendOn = async () => {
    while (left > 0) {
      left -= 1;
      await send(data);
    }
  };
  await Promise.all(Array.from({ length: atATime }, sendOn));
  const { user, system } = process.cpuUsage(before);
  return { seconds: (performance.now() - startedAt) / 1000, cpuSeconds: (user + system) / 1e6 };
}

/** A header, and lines of 70 octets. */
function contentOf(sizeBytes) {
  const header = 'From: <sender@example.test>\r\nSubject: bench\r\n\r\n';
  const line = `${'x'.repeat(68)}\r\n`;
  const body = line
    .repeat(Math.ceil((sizeBytes - header.length) / line.length))
    .slice(0, sizeBytes - header.length - 2);
  return Buffer.from(`${header}${body}\r\n`, 'latin1');
}
