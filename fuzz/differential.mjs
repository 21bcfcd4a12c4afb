/**
 * The same commands for Postfix's `smtpd` and for ours: what one accepts and the other refuses, or delivers and does not, has to be
 * explained. Compared is the class of each reply (2, 3, 4, 5), and whether the connection is closed.
 */

import * as nodeModule from 'node:module';

import { dsn, etrn, SMTPServer } from '../packages/smtpd/dist/index.js';
import { Connection } from './connection.mjs';
import { DIFFERENCES } from './differences.mjs';
import * as typescriptLoader from './typescript-loader.mjs';

/** Two servers that are set up alike. */
export async function openBoth() {
  // Node 20 has not the one, and Node 26 warns of the other.
  if ('registerHooks' in nodeModule) nodeModule.registerHooks(typescriptLoader);
  else nodeModule.register('./typescript-loader.mjs', import.meta.url);
  const { startPostfix } = await import('../packages/smtpd/test/support/postfix-instance.ts');
  const server = new TakingServer({
    localAddress: '127.0.0.1:0',
    hostname: 'mx.fuzz.example',
    dataSizeLimit: SIZE_MAX,
    extensions: [dsn(), etrn()],
    // Postfix has none of these two.
    disabledExtensions: ['BINARYMIME', 'LIMITS'],
    limits: { errorsMax: Infinity, idleCommandsMax: Infinity },
    logger: SILENT,
  });
  await server.listen();
  try {
    const postfix = await startPostfix({ main: POSTFIX_SETTINGS });
    return {
      ours: server.port,
      theirs: postfix.port,
      close: async () => {
        await server.close({ graceMs: 0 });
        await postfix[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await server.close({ graceMs: 0 });
    throw error;
  }
}

class TakingServer extends SMTPServer {
  processMessage() {
    // Yes.
  }
}

/**
 * Plays commands on both, up to the first difference: what comes behind it follows from it.
 *
 * @param {object[]} exchanges as `exchangesOf` makes them
 * @param {{ ours: number, theirs: number }} ports
 * @returns {Promise<{ compared: number, difference?: object }>}
 */
export async function compare(exchanges, { ours, theirs }) {
  const both = await Promise.all([ours, theirs].map((port) => Talk.open(port)));
  const earlier = [];
  let compared = 0;
  try {
    for (const exchange of [...exchanges, { line: 'QUIT' }]) {
      const [our, their] = await Promise.all(both.map((talk) => talk.exchange(exchange)));
      compared += 1;
      if (our.outcome !== their.outcome) {
        const facts = { exchange, earlier, our, their };
        const row = DIFFERENCES.find(({ applies }) => applies(facts));
        return { compared, difference: { ...facts, row } };
      }
      if (our.outcome === 'closed') break;
      earlier.push({ exchange, our, their });
    }
    return { compared };
  } finally {
    for (const talk of both) talk.close();
  }
}

/**
 * Plays the example of each row.
 *
 * @returns {Promise<string[]>} the rows that are not so
 */
export async function wrongRows(both) {
  const wrong = [];
  for (const row of DIFFERENCES) {
    const { difference } = await compare(row.example, both);
    const isThere = difference?.row === row && difference.exchange === row.example.at(-1);
    const isExact = isThere && names(row.ours, difference.our) && names(row.theirs, difference.their);
    if (!isExact) wrong.push(`${row.what}: ${JSON.stringify(difference)}`);
  }
  return wrong;
}

/** Whether a column has the code of this reply, if it has codes. */
function names(column, { replies }) {
  const codes = column.match(/\b\d{3}\b/g) ?? [];
  return codes.length === 0 || codes.includes(replies.at(-1).slice(0, 3));
}

/** One conversation, a command at a time. */
class Talk {
  #connection;
  #count = 0;

  static async open(port) {
    const talk = new Talk();
    talk.#connection = Connection.overTCP(port);
    await talk.#reply();
    return talk;
  }

  /** @returns {Promise<{ outcome: string, replies: string[] }>} `outcome`: the classes of the replies, or `closed` */
  async exchange({ line, content, octets = '' }) {
    this.#connection.write(`${line}\r\n${octets}`);
    const replies = [await this.#reply()];
    if (content !== undefined && replies[0]?.startsWith('354')) {
      this.#connection.write(content);
      replies.push(await this.#reply());
    }
    const last = replies.at(-1);
    const isOver = last === undefined || last.startsWith('421') || last.startsWith('221');
    return { outcome: isOver ? 'closed' : replies.map((reply) => reply[0]).join(''), replies };
  }

  close() {
    this.#connection.destroy();
  }

  /** The text of the next reply; `undefined` when the connection closes instead. */
  async #reply() {
    const connection = this.#connection;
    const wanted = this.#count + 1;
    await connection.until(() => connection.replyCount >= wanted || connection.isClosed, PATIENCE_MS);
    if (connection.replyCount < wanted) return undefined;
    this.#count = wanted;
    return wholeReplies(connection.received)[wanted - 1];
  }
}

function wholeReplies(received) {
  return received.match(/(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/g) ?? [];
}

const SIZE_MAX = 20_000;
const POSTFIX_SETTINGS = {
  message_size_limit: String(SIZE_MAX),
  // Everything is taken for everybody, and goes nowhere.
  smtpd_recipient_restrictions: 'permit_mynetworks, reject',
  default_transport: 'discard',
  local_transport: 'discard',
  smtpd_helo_required: 'yes',
  smtpd_forbid_bare_newline: 'reject',
  smtpd_forbid_bare_newline_exclusions: '',
  // Ours says what it thinks of a client or a sender at once, too.
  smtpd_delay_reject: 'no',
  // Nobody is slowed down or sent away for errors.
  smtpd_error_sleep_time: '0',
  smtpd_soft_error_limit: '100000',
  smtpd_hard_error_limit: '100001',
  smtpd_junk_command_limit: '100000',
  smtpd_client_connection_count_limit: '0',
  smtpd_client_connection_rate_limit: '0',
};
const PATIENCE_MS = 10_000;
const ignore = () => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
