/** The options about Mailman, as a table. What they mean is said in `mailman-command.ts`. */

import type { OptionDefinition } from './options.js';

const OPTIONS: readonly OptionDefinition[] = [
  {
    name: 'mailman-lmtp',
    value: 'ADDRESS',
    default: 'localhost:8024',
    help: 'where its LMTP runner listens: host:port, or unix:/path',
  },
  { name: 'mailman-rest', value: 'URL', help: 'its REST API, which knows its lists, such as http://localhost:8001' },
  { name: 'mailman-user', value: 'USER', default: 'restadmin', help: 'who asks the REST API' },
  {
    name: 'mailman-password',
    value: 'PASSWORD',
    isSecret: 'wholly',
    help: 'its password; others see it less in SMTPD_MAILMAN_PASSWORD',
  },
  {
    name: 'mailman-maps',
    value: 'FOLDER',
    help: 'its map files instead: the folder with postfix_lmtp (default, without --mailman-rest: /var/lib/mailman3/data)',
  },
  {
    name: 'mailman-domains-time',
    value: 'S',
    kind: 'seconds',
    default: 60,
    help: 'how many seconds its set of domains is not asked for again',
  },
  {
    name: 'mailman-hit-time',
    value: 'S',
    kind: 'seconds',
    default: 300,
    help: 'how many seconds a list that is there is not asked about again',
  },
  {
    name: 'mailman-miss-time',
    value: 'S',
    kind: 'seconds',
    default: 30,
    help: 'how many seconds a list that is not there is not asked about again',
  },
  {
    name: 'mailman-stale-time',
    value: 'S',
    kind: 'seconds',
    default: 86_400,
    help: 'how many seconds more lists are believed to be there while the REST API is away',
  },
  {
    name: 'unknown-in-list-domain',
    value: 'HOW',
    choices: ['reject', 'relay'],
    default: 'reject',
    help: 'an address that does not exist in a domain of lists: reject with 550, or relay as others',
  },
];

/** Ours. */
export const MAILMAN_OPTIONS: readonly OptionDefinition[] = OPTIONS.map((option) => ({
  ...option,
  isWhole: true,
  group: 'mailman' as const,
}));
