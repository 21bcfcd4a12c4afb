/** The server of a configuration, with the application behind it, and what was delivered. It runs in this process or in one of its own. */

import { SMTPReplyError, SMTPServer } from '../packages/smtpd/dist/index.js';
import { makeSelfSigned } from '../packages/smtpd/dist/modules/net/self-signed.js';
import { verdictOnData, verdictOnMessage, verdictOnName, verdictOnRecipient, isUser } from './application.mjs';

/** What the application throws where it fails; every other fault is one of ours. */
const PLANNED = 'planned failure';

/**
 * Makes a server. It is not listening yet.
 *
 * @param {object} configuration as `configurationOf` has it
 * @param {(delivery: object, message: object) => void} [deliver] takes what is delivered, instead of `deliveries`
 */
export function makeServer({ options, isStreaming, isAsync, isBatching }, deliver = keep) {
  const deliveries = [];
  const faults = [];
  const isWholeTaken = !isStreaming;
  class Whole extends SMTPServer {
    async processMessage(message) {
      const { mailFrom, rcptTos, data } = message;
      const text = typeof data === 'string' ? Buffer.from(data, 'utf8').toString('latin1') : latin1(data);
      deliver({ mailFrom, rcptTos, data: text }, message, deliveries);
      const verdict = verdictOnMessage(text.length);
      if (verdict.kind !== 'accept') return carryOut(verdict, isAsync);
      const each = new Map(rcptTos.map((address) => [address, verdictOnRecipient(address).reply]));
      return [...each.values()].some((reply) => reply !== undefined) ? each : carryOut(verdict, isAsync);
    }
  }
  class Streaming extends SMTPServer {
    async streamMessage(message) {
      const parts = [];
      for await (const part of message.body) parts.push(latin1(part));
      const { mailFrom, rcptTos } = message;
      const data = parts.join('');
      deliver({ mailFrom, rcptTos, data }, message, deliveries);
      return carryOut(verdictOnMessage(data.length), isAsync);
    }
  }
  const logger = { ...SILENT, error: (fields) => noteFault(fields.error) };
  const tls = options.tls && { ...options.tls, ...makeSelfSigned({ names: [options.hostname], now: new Date() }) };
  const given = { localAddress: '127.0.0.1:0', logger, ...options, ...(tls && { tls }) };
  const server = new (isWholeTaken ? Whole : Streaming)(given);
  const onRecipients = isBatching
    ? {
        rcptBatch: (requests) =>
          settle(
            requests.map(({ address }) => textOf(verdictOnName(address))),
            isAsync,
          ),
      }
    : { rcpt: ({ address }) => carryOut(verdictOnName(address), isAsync) };
  server.use({
    name: 'application',
    helo: ({ clientName }) => carryOut(verdictOnName(clientName), isAsync),
    mail: ({ address }) => carryOut(verdictOnName(address), isAsync),
    data: ({ session }) => carryOut(verdictOnData(session.envelope.mailFrom), isAsync),
    auth: ({ kind, user, password }) =>
      kind === 'password' && isUser(user, password) ? { verified: true } : undefined,
    ...onRecipients,
  });
  return { server, deliveries, faults };

  function noteFault(error) {
    const isPlanned = error instanceof Error && error.message === PLANNED;
    // A message that was refused for its form, or whose client left, ends `streamMessage` with an error, and nobody is to blame.
    const isAborted = error instanceof Error && error.name === 'MessageAbortedError';
    if (!isPlanned && !isAborted) faults.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

function keep(delivery, message, deliveries) {
  deliveries.push(delivery);
}

function carryOut(verdict, isAsync) {
  if (isAsync) return nextTurn().then(() => carryOut(verdict, false));
  if (verdict.kind === 'fail') throw new Error(PLANNED);
  if (verdict.kind === 'refuse' && verdict.code === 550) throw new SMTPReplyError(550, '5.1.1', 'No such name');
  return verdict.reply;
}

/** In a batch nobody can be thrown for alone. */
function textOf(verdict) {
  return verdict.kind === 'fail' ? '451 4.3.0 Failed' : verdict.reply;
}

async function settle(value, isAsync) {
  if (isAsync) await nextTurn();
  return value;
}

function nextTurn() {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function latin1(octets) {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

const ignore = () => undefined;
const SILENT = { debug: ignore, info: ignore, warn: ignore, error: ignore };
