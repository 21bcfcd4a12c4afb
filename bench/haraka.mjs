/** Haraka's configuration: as a server that counts, and as a proxy. One process, no logs, the same size limit as everybody. */
import { getDiffieHellman } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { harakaPath } from './peers.mjs';

/** A server whose queue counts octets and keeps nothing. The channel of its process tells the bench. */
export function writeHarakaServer(folder, { port, settings: { tls, sizeMax } }) {
  writeConfiguration(folder, {
    port,
    sizeMax,
    plugins: { counting: COUNTING_PLUGIN },
    pluginNames: [...(tls === undefined ? [] : ['tls']), 'counting'],
    files: tls === undefined ? {} : tlsFiles(tls),
  });
}

/** A proxy with `queue/smtp_proxy`, which opens the transaction behind it as the client's proceeds, and nothing else. */
export function writeHarakaProxy(folder, { port, upstreamPort }) {
  writeConfiguration(folder, {
    port,
    pluginNames: ['relay', 'queue/smtp_proxy'],
    files: {
      'smtp_proxy.ini': `host=127.0.0.1\nport=${upstreamPort}`,
      'relay.ini': '[relay]\nacl=true',
      relay_acl_allow: '127.0.0.1/32',
    },
  });
}

function writeConfiguration(folder, { port, sizeMax = SIZE_MAX, plugins = {}, pluginNames, files }) {
  // As `haraka -i` begins a folder: without its own files it does not greet.
  const own = join(dirname(realpathSync(harakaPath())), '../config');
  cpSync(own, join(folder, 'config'), { recursive: true });
  const connection = readFileSync(join(own, 'connection.ini'), 'utf8').replace(/^bytes=\d+$/m, `bytes=${sizeMax}`);
  const all = {
    me: 'haraka.example.test',
    plugins: ['no_reverse_dns', ...pluginNames].join('\n'),
    'smtp.ini': `listen=127.0.0.1:${port}\nnodes=0`,
    'connection.ini': connection,
    'log.ini': 'level=ERROR',
    ...files,
  };
  for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, 'config', name), `${text}\n`);
  mkdirSync(join(folder, 'plugins'));
  for (const [name, text] of Object.entries({ no_reverse_dns: NO_REVERSE_DNS_PLUGIN, ...plugins })) {
    writeFileSync(join(folder, 'plugins', `${name}.js`), text);
  }
}

/** Without parameters for finite fields, which nobody uses here, it would make some for half a minute before it takes connections. */
function tlsFiles({ keyFile, certFile }) {
  const prime = getDiffieHellman('modp14').getPrime();
  // PKCS #3: SEQUENCE { INTEGER prime, INTEGER 2 }. The prime's first bit is set, so an octet 0 keeps it positive.
  const length = prime.length + 1;
  const integer = Buffer.concat([
    Buffer.from([0x02, 0x82, length >> 8, length & 0xff, 0]),
    prime,
    Buffer.from([2, 1, 2]),
  ]);
  const der = Buffer.concat([Buffer.from([0x30, 0x82, integer.length >> 8, integer.length & 0xff]), integer]);
  const lines = der
    .toString('base64')
    .match(/.{1,64}/g)
    .join('\n');
  return {
    'tls.ini': `key=${keyFile}\ncert=${certFile}`,
    'dhparams.pem': `-----BEGIN DH PARAMETERS-----\n${lines}\n-----END DH PARAMETERS-----`,
  };
}

/** What everybody else is told, too: nobody asks who 127.0.0.1 is. */
const NO_REVERSE_DNS_PLUGIN = `'use strict';
exports.hook_lookup_rdns = (next) => next(OK, 'localhost');
`;

/** It reads each message to its end, as `onData` of smtp-server does. Octets are not told: Haraka has put header fields of its own before. */
const COUNTING_PLUGIN = `'use strict';
const { Writable } = require('node:stream');
const counted = { messages: 0 };
process.on('message', (question) => {
  if (question === 'collect') globalThis.gc();
  const { user, system } = process.cpuUsage();
  process.send({ ...counted, cpuSeconds: (user + system) / 1e6 });
});
exports.hook_rcpt = (next) => next(OK);
exports.hook_queue = (next, { transaction }) => {
  const sink = new Writable({ write: (octets, encoding, done) => done() });
  sink.on('finish', () => {
    counted.messages += 1;
    next(OK);
  });
  transaction.message_stream.pipe(sink);
};
`;

const SIZE_MAX = 33_554_432;
