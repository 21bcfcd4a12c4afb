/**
 * What is sent: one row for each workload. `load` holds the options of the load generator (see `load.c`); `unit` says how the
 * speed is given (see `units.mjs`); `needs`, what a server must be able to do; `settings`,
 * what it is told (see `servers/report.mjs`); `knownFailures`, which server cannot do it and why, so that
 * its failure is a result.
 */

const MIB = 1_048_576;
/** Its reader takes one command of a session at a time, and refuses what comes before it has answered. */
const HARAKA_READS_AHEAD = { haraka: 'it answers 503 to what comes behind the final dot' };

export const WORKLOADS = [
  {
    name: 'small',
    title: '1 KiB, persistent, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: true,
    load: { sessions: 10, size: 1024, mode: 'lockstep' },
  },
  {
    name: 'per-connection',
    title: '1 KiB, one message a connection, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: true,
    load: { sessions: 10, size: 1024, mode: 'lockstep', perconnection: 1 },
  },
  {
    name: 'per-connection-400',
    title: '1 KiB, one message a connection, lock step, 400 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 400, size: 1024, mode: 'lockstep', perconnection: 1 },
  },
  {
    name: 'medium',
    title: '10 KiB, persistent, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 10_240, mode: 'lockstep' },
  },
  {
    name: 'large',
    title: '1 MiB in large writes, 4 sessions',
    unit: 'MB/s',
    isDefault: true,
    load: { sessions: 4, size: MIB, mode: 'lockstep' },
  },
  {
    name: 'stuffed',
    title: '1 MiB, each line begins with a dot, 4 sessions',
    unit: 'MB/s',
    isDefault: false,
    load: { sessions: 4, size: MIB, mode: 'lockstep', stuffed: 1 },
  },
  {
    name: 'short-lines',
    title: '1 MiB in lines of two letters, 4 sessions',
    unit: 'MB/s',
    isDefault: false,
    load: { sessions: 4, size: MIB, mode: 'lockstep', line: 2 },
  },
  {
    name: 'recipients',
    title: '1 KiB to 50 recipients, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'lockstep', recipients: 50 },
  },
  {
    name: 'pipelined',
    title: '1 KiB, MAIL RCPT DATA in one write, 10 sessions',
    unit: 'messages/s',
    isDefault: true,
    load: { sessions: 10, size: 1024, mode: 'group' },
  },
  {
    name: 'parameters',
    title: '1 KiB, MAIL with SIZE and BODY, RCPT, DATA in one write, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'group', parameters: 1 },
  },
  {
    name: 'behind-dot',
    title: '1 KiB, the next MAIL RCPT DATA behind the final dot, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    knownFailures: HARAKA_READS_AHEAD,
    load: { sessions: 10, size: 1024, mode: 'behind' },
  },
  {
    name: 'recipients-pipelined',
    title: '1 KiB to 50 recipients, one pipelined group, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'group', recipients: 50 },
  },
  {
    name: 'tls-handshakes',
    title: 'STARTTLS, full handshakes, a connection for each, 10 at a time',
    unit: 'handshakes/s',
    isDefault: false,
    needs: 'tls',
    load: { sessions: 10, mode: 'handshakes' },
  },
  {
    name: 'tls-small',
    title: '1 KiB under TLS, persistent, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    needs: 'tls',
    load: { sessions: 10, size: 1024, mode: 'lockstep', tls: 1 },
  },
  {
    name: 'tls-large',
    title: '1 MiB under TLS in large writes, 4 sessions',
    unit: 'MB/s',
    isDefault: false,
    needs: 'tls',
    load: { sessions: 4, size: MIB, mode: 'lockstep', tls: 1 },
  },
  {
    name: 'bdat',
    title: '1 KiB, MAIL RCPT BDAT and the content in one write, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    needs: 'bdat',
    load: { sessions: 10, size: 1024, mode: 'bdat' },
  },
  {
    name: 'burst',
    title: '5,000 connections opened at once, until the last is greeted',
    unit: 'connections/s',
    isDefault: false,
    warmUp: { sessions: 500 },
    // With fewer places to wait for being accepted the kernel answers some by cookie and drops them behind the client's back.
    settings: { backlog: 4096 },
    knownFailures: { haraka: 'its backlog cannot be set' },
    load: { sessions: 5000, mode: 'burst' },
  },
];

/** The same through proxies, each in front of the floor. */
export const PROXY_WORKLOADS = [
  {
    name: 'proxy-small',
    title: 'through a proxy: 1 KiB, persistent, lock step, 10 sessions',
    unit: 'messages/s',
    load: { sessions: 10, size: 1024, mode: 'lockstep' },
  },
  {
    name: 'proxy-large',
    title: 'through a proxy: 1 MiB in large writes, 4 sessions',
    unit: 'MB/s',
    load: { sessions: 4, size: MIB, mode: 'lockstep' },
  },
].map((workload) => ({ ...workload, isDefault: false, isThroughProxy: true, base: 'glue-proxy' }));

/** Not a load but a crowd: sessions that said EHLO and are silent. */
export const IDLE = { name: 'idle', title: 'idle sessions after EHLO', isDefault: false };
