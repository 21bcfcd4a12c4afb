/** The options of the commands that pass mail on, as a table. What they mean is said in `relaying-settings.ts`. */

import type { OptionDefinition } from './options.js';

const OPTIONS: readonly OptionDefinition[] = [
  { name: 'remote', value: 'ADDRESS', help: 'where mail goes, when no address is given as a word' },
  {
    name: 'route',
    value: 'DOMAIN=TO',
    isRepeatable: true,
    help: 'where mail for a domain goes; *.DOMAIN for those below it; several destinations with commas, tried in order',
  },
  {
    name: 'balance',
    value: 'HOW',
    choices: ['in-order', 'least-busy'],
    default: 'in-order',
    help: 'which of several destinations is asked first',
  },
  {
    name: 'mixed',
    value: 'HOW',
    choices: ['defer', 'split'],
    default: 'defer',
    help: 'recipients that go to different servers: defer the others with 452, or split and say the worst',
  },
  {
    name: 'upstream-tls',
    value: 'MODE',
    choices: ['off', 'opportunistic', 'require', 'implicit'],
    valueAlone: 'require',
    default: 'opportunistic',
    help: 'TLS to the next server: off, opportunistic (any certificate), require, implicit; alone: require',
  },
  {
    name: 'upstream-verify',
    isNegatable: true,
    help: 'its certificate must be valid for its name, or need not (default: it must, unless opportunistic)',
  },
  { name: 'upstream-ca', value: 'FILE', help: 'the authorities of its certificate, in PEM (default: those of Node)' },
  {
    name: 'upstream-auth',
    value: 'USER:PASSWORD',
    isSecret: 'behindColon',
    help: 'authenticate there; a password is sent readable under TLS alone',
  },
  {
    name: 'upstream-connections',
    value: 'N',
    kind: 'count',
    default: 20,
    help: 'connections to one server at a time',
  },
  {
    name: 'identify',
    value: 'HOW',
    choices: ['none', 'xforward', 'xclient', 'proxy-header'],
    default: 'none',
    help: 'tell the next server who the client is',
  },
  {
    name: 'allow-networks',
    value: 'NETWORKS',
    isRepeatable: true,
    help: 'whose clients may send anywhere, besides this machine’s: 192.0.2.0/24, private, all; commas between',
  },
  { name: 'open', isNegatable: true, default: false, help: 'let everybody send anywhere: an open relay' },
  { name: 'received', isNegatable: true, help: 'add a Received field, or not (default: add)' },
  { name: 'x-peer', isNegatable: true, help: 'add an X-Peer field with the client’s address, or not (default: add)' },
  { name: 'hops', value: 'N', kind: 'count', default: 100, help: 'Received fields of a message that is not looping' },
  {
    name: 'line-endings',
    value: 'HOW',
    choices: ['reject', 'normalize'],
    default: 'reject',
    help: 'what becomes of a message with a bare CR or LF',
  },
];

/** Ours. */
export const RELAYING_OPTIONS: readonly OptionDefinition[] = OPTIONS.map((option) => ({
  ...option,
  isWhole: true,
  group: 'relaying' as const,
}));
