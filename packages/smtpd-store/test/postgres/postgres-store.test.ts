import { openPostgresStore, type MailStore, type PostgresStoreOptions } from 'smtpd-store';
import { afterAll, beforeAll } from 'vitest';

import { describeMailStore } from '../mail-store-suite.js';
import { PostgresServer, requirePostgres } from '../support/postgres-server.js';

const hasPostgres = requirePostgres();
const server = new PostgresServer();
let stores = 0;

beforeAll(async () => {
  if (hasPostgres) await server.start();
}, 60_000);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

/** Opens a store; each has a schema of its own that is new, unless one is given. */
function open(options: Partial<PostgresStoreOptions> = {}): Promise<MailStore> {
  return openPostgresStore({ url: server.url, schema: `store_${(stores += 1)}`, ...options });
}

describeMailStore('a store in PostgreSQL', open);
