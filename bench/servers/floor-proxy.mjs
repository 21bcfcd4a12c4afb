/**
 * The floor of a proxy: what the socket calls alone cost on this Node. Each client has a connection behind it, and what comes on one goes
 * out on the other. It understands nothing and adds nothing. Arguments: where it listens, and where mail goes.
 */
import { connect, createServer, Socket } from 'node:net';

const [port, upstreamPort] = process.argv.slice(2);
const buffer = Buffer.allocUnsafeSlow(65_536);

createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (accepted) => {
  const upstream = connect({
    host: '127.0.0.1',
    port: Number(upstreamPort),
    noDelay: true,
    onread: { buffer, callback: (length) => passOn(length, { from: upstream, to: client }) },
  });
  // `onread` is a matter of the constructor, and net.Server does not pass it on: so the handle gets a socket of its own.
  const client = new Socket({
    handle: accepted._handle,
    onread: { buffer, callback: (length) => passOn(length, { from: client, to: upstream }) },
  });
  accepted._handle = null;
  accepted.destroy();
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ]) {
    one.on('drain', () => other.resume());
    one.on('error', () => undefined);
    one.on('close', () => other.destroy());
  }
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 511 });

/** One copy, because the buffer is read into again. @returns whether there is room for more */
function passOn(length, { from, to }) {
  const hasRoom = to.write(Buffer.from(buffer.subarray(0, length)));
  if (!hasRoom) from.pause();
  return hasRoom;
}
