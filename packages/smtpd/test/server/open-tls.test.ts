/** What a server of another protocol is built on: a listener, a transport, and TLS as an `SMTPServer` has it. */

import { once } from 'node:events';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';

import { makeSelfSigned } from '../../src/net/self-signed.js';
import { openListener, openSocketTransport, openTLS, type TLSFacts } from '../../src/index.js';

describe('TLS of a server of any protocol', () => {
  it('shows the certificate of the name that a client asks for', async () => {
    const pair = (name: string) => makeSelfSigned({ names: [name], now: new Date() });
    const tls = await openTLS({
      mode: 'implicit',
      ...pair('one.example'),
      names: { 'two.example': pair('two.example') },
    });
    expect(tls.developmentCAFile).toBeUndefined();
    const secured: Promise<TLSFacts>[] = [];
    const listener = await openListener([{ host: '127.0.0.1', port: 0 }], {
      backlog: 5,
      onConnection: (socket) => {
        const transport = openSocketTransport(socket, { lingerMs: 1_000 });
        transport.start({
          onBytes: (bytes) => transport.write(Uint8Array.from(bytes)),
          onEnd: () => {
            transport.end();
          },
          onDrain: () => undefined,
          onClose: () => undefined,
        });
        secured.push(tls.handshake().then((handshake) => transport.startTLS?.(handshake) as Promise<TLSFacts>));
      },
      onError: () => undefined,
    });
    for (const name of ['one.example', 'two.example']) {
      const port = listener.addresses[0]?.port ?? 0;
      const socket = connect({ host: '127.0.0.1', port, servername: name, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      expect(socket.getPeerCertificate().subject.CN).toBe(name);
      socket.write(name);
      const [echo] = (await once(socket, 'data')) as [Buffer];
      expect(echo.toString()).toBe(name);
      socket.end();
      await once(socket, 'close');
    }
    expect((await Promise.all(secured)).map(({ serverName }) => serverName)).toEqual(['one.example', 'two.example']);
    await listener.close();
  });

  it('is not opened with what cannot work', async () => {
    await expect(openTLS({ mode: 'offer', key: 'x' })).rejects.toThrow('tls.key and tls.cert go together');
    await expect(openTLS({ mode: 'offer', key: 'x', cert: 'y' })).rejects.toThrow(/certificate|key/i);
  });
});
