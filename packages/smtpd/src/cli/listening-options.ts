/** The options of every command that listens, as a table. What they mean for a server is said in `listening-settings.ts`. */

import { LIMIT_OPTIONS } from './limit-options.js';
import type { OptionDefinition } from './options.js';

/** How TLS is made. */
export const TLS_MODES = ['off', 'offer', 'require', 'implicit'] as const;

const NETWORKS = { value: 'NETWORKS', isRepeatable: true } as const;

const OPTIONS: readonly OptionDefinition[] = [
  {
    name: 'listen',
    value: 'ADDRESS',
    isRepeatable: true,
    help: 'where to listen, when no address is given as a word; may be repeated',
  },
  {
    name: 'workers',
    value: 'N',
    kind: 'processes',
    default: 1,
    help: 'how many processes serve, or auto: one for each core; limits hold across them',
  },
  { name: 'hostname', value: 'NAME', help: 'the name in the greeting (default: the name of this machine)' },
  {
    name: 'tls',
    value: 'MODE',
    choices: TLS_MODES,
    valueAlone: 'offer',
    default: 'off',
    help: 'off, offer, require (STARTTLS before mail) or implicit (TLS first); alone: offer',
  },
  {
    name: 'tls-cert',
    value: 'FILE',
    help: 'the certificate with its chain, in PEM; without it one is made, for development',
  },
  { name: 'tls-key', value: 'FILE', help: 'the private key of the certificate, in PEM' },
  {
    name: 'auth',
    value: 'WHO',
    isRepeatable: true,
    isSecret: 'behindColon',
    help: 'user:password, which may be repeated, or any: whoever comes',
  },
  { name: 'auth-required', isNegatable: true, default: false, help: 'take no mail before AUTH' },
  {
    name: 'auth-plaintext',
    isNegatable: true,
    help: 'let passwords travel without TLS (default: only when no other machine can connect)',
  },
  { name: 'lmtp', isNegatable: true, default: false, help: 'speak LMTP, which answers for each recipient (RFC 2033)' },
  {
    name: 'proxy-protocol',
    ...NETWORKS,
    help: 'expect a PROXY header from these networks: 192.0.2.0/24, loopback, private, all; commas between',
  },
  { name: 'xclient', ...NETWORKS, help: 'let these networks say XCLIENT' },
  { name: 'xforward', ...NETWORKS, help: 'let these networks say XFORWARD' },
  {
    name: 'early-input',
    value: 'WHAT',
    choices: ['tolerate', 'refuse'],
    default: 'tolerate',
    help: 'what becomes of clients that do not wait: tolerate, or refuse with 554',
  },
  {
    name: 'greeting-delay',
    value: 'MS',
    kind: 'milliseconds',
    default: 0,
    help: 'hold the greeting back for so long, to see who does not wait',
  },
  {
    name: 'config',
    value: 'FILE',
    besides: 'environment',
    help: 'read settings from a JSON file; arguments and the environment come first',
  },
  { name: 'print-config', besides: 'nowhere', help: 'print the settings that are in effect, as JSON, and exit' },
];

/** Ours, and those of the limits. */
export const LISTENING_OPTIONS: readonly OptionDefinition[] = [
  ...OPTIONS.map((option) => ({ ...option, isWhole: true, group: 'listening' as const })),
  ...LIMIT_OPTIONS,
];
