/** A session with a real server over TCP, for the tests of clauses: the client says exactly what it is told to. */

import { silentLogger, SMTPServer, type ReceivedMessage, type SMTPServerOptions } from '../../src/index.js';
import type { Awaitable, Verdict } from '../../src/index.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { RawClient, type WireReply } from '../support/raw-client.js';

/** What a test of a clause works with. */
export interface Session {
  readonly server: ClauseServer;
  readonly client: RawClient;
  readonly greeting: WireReply;
  /** What the application got. */
  readonly messages: readonly ReceivedMessage[];
  /** Another client of the same server. Its greeting was read. */
  readonly connect: () => Promise<RawClient>;
  /** Sends commands one after the other and gives the codes of their replies. */
  readonly codes: (...commands: readonly string[]) => Promise<readonly number[]>;
  /** EHLO, MAIL, RCPT and DATA for a usual message. */
  readonly openMessage: () => Promise<void>;
  /** Sends content and the end of data, and reads the reply. */
  readonly finish: (content: string) => Promise<WireReply>;
}

/** How the server of a test differs from the usual one. */
export interface SessionSetup extends SMTPServerOptions {
  /** Called before the server listens. */
  readonly prepare?: (server: SMTPServer) => void;
  /** What the application answers. */
  readonly answer?: (message: ReceivedMessage) => Verdict | ReadonlyMap<string, Verdict>;
}

/** The name of the server. */
export const HOSTNAME = 'mail.example.test';

/** The key and the certificate of a server that offers TLS. */
export const CERTIFICATE = makeSelfSigned({ names: [HOSTNAME, 'localhost'], now: new Date() });

/** Keeps what it gets. */
export class ClauseServer extends SMTPServer {
  readonly messages: ReceivedMessage[] = [];
  readonly #answer: NonNullable<SessionSetup['answer']>;

  constructor(options: SMTPServerOptions, answer: NonNullable<SessionSetup['answer']>) {
    super(options);
    this.#answer = answer;
  }

  override processMessage(message: ReceivedMessage): Awaitable<Verdict | ReadonlyMap<string, Verdict>> {
    this.messages.push(message);
    return this.#answer(message);
  }
}

/** Runs a test with a server, and a way to connect clients that have read nothing yet. */
export async function withServer(
  test: (server: ClauseServer, connect: (port?: number) => Promise<RawClient>) => Promise<void>,
  { prepare, answer = () => undefined, ...options }: SessionSetup = {},
): Promise<void> {
  const server = new ClauseServer(
    { localAddress: '127.0.0.1:0', hostname: HOSTNAME, logger: silentLogger, ...options },
    answer,
  );
  prepare?.(server);
  await server.listen();
  const clients: RawClient[] = [];
  const connect = async (port = server.port): Promise<RawClient> => {
    const client = await RawClient.connect(port);
    clients.push(client);
    return client;
  };
  try {
    await test(server, connect);
  } finally {
    for (const client of clients) client.destroy();
    await server.close({ graceMs: 1 });
  }
}

/** Runs a test with a server and a client that has read the greeting. */
export function withSession(test: (session: Session) => Promise<void>, setup?: SessionSetup): Promise<void> {
  return withServer(async (server, connect) => {
    const client = await connect();
    const greeting = await client.reply();
    const codes = async (...commands: readonly string[]): Promise<readonly number[]> => {
      const found: number[] = [];
      for (const command of commands) found.push((await client.command(command)).code);
      return found;
    };
    await test({
      server,
      client,
      greeting,
      messages: server.messages,
      connect: async () => {
        const another = await connect();
        await another.reply();
        return another;
      },
      codes,
      openMessage: async () => {
        await codes('EHLO client.example', 'MAIL FROM:<alice@example.org>', 'RCPT TO:<bob@example.net>', 'DATA');
      },
      finish: (content) => client.command(`${content}.`),
    });
  }, setup);
}

/** The octets of a message's content, each as one character. */
export function contentOf(message: ReceivedMessage | undefined): string {
  return Buffer.from(message?.data ?? new Uint8Array()).toString('latin1');
}
