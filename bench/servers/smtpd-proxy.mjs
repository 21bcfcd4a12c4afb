/** Our proxy as anyone would start it, with everything on that is on by default. Arguments: where it listens, and where mail goes. */
import { PureProxy, silentLogger } from '../../packages/smtpd/dist/index.js';

const [port, upstreamPort] = process.argv.slice(2);
const proxy = new PureProxy({
  localAddress: `127.0.0.1:${port}`,
  remoteAddress: `127.0.0.1:${upstreamPort}`,
  logger: silentLogger,
});
await proxy.listen();
