/**
 * What is sent: one row for each workload. `load` holds the options of the load generator (see `load.c`); `unit` says how the
 * speed is given.
 */

const MIB = 1_048_576;

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
    name: 'large',
    title: '1 MiB in large writes, 4 sessions',
    unit: 'MB/s',
    isDefault: true,
    load: { sessions: 4, size: MIB, mode: 'lockstep' },
  },
  {
    name: 'pipelined',
    title: '1 KiB, MAIL RCPT DATA in one write, 10 sessions',
    unit: 'messages/s',
    isDefault: true,
    load: { sessions: 10, size: 1024, mode: 'group' },
  },
  {
    name: 'behind-dot',
    title: '1 KiB, the next MAIL RCPT DATA behind the final dot, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'behind' },
  },
  {
    name: 'recipients',
    title: '1 KiB to 50 recipients, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'lockstep', recipients: 50 },
  },
  {
    name: 'recipients-pipelined',
    title: '1 KiB to 50 recipients, one pipelined group, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 1024, mode: 'group', recipients: 50 },
  },
  {
    name: 'medium',
    title: '10 KiB, persistent, lock step, 10 sessions',
    unit: 'messages/s',
    isDefault: false,
    load: { sessions: 10, size: 10_240, mode: 'lockstep' },
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
export const IDLE = { name: 'idle', title: 'idle sessions after EHLO' };
