/** How the speed of a workload is given: what is counted, and what is better. */

/**
 * `count`: what a round did, by its name in what the load generator tells; it is also what CPU time is told for. `speedOf`: from what the
 * generator tells, to a figure of the unit.
 */
export const UNITS = {
  'messages/s': {
    count: 'messages',
    speedOf: ({ messages, seconds }) => messages / seconds,
  },
  'MB/s': {
    count: 'messages',
    speedOf: ({ contentOctets, seconds }) => contentOctets / 1e6 / seconds,
  },
  'handshakes/s': {
    count: 'handshakes',
    speedOf: ({ handshakes, seconds }) => handshakes / seconds,
  },
  'connections/s': {
    count: 'connections',
    speedOf: ({ connections, seconds }) => connections / seconds,
  },
};
