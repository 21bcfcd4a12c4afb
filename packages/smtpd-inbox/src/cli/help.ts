/** The help of `smtpd-inbox`, made from its table of options. */

import { SUBCOMMANDS } from './subcommands.js';
import { GROUPS, INBOX_OPTIONS, type InboxCommandOption } from './options.js';

/** What `--help` prints. */
export function helpText(): string {
  const groups = Object.entries(GROUPS).map(([group, title]) => {
    const rows = INBOX_OPTIONS.filter((option) => option.group === group).map(
      (option) => `  ${formOf(option).padEnd(28)} ${option.help}`,
    );
    return `${title}:\n${rows.join('\n')}`;
  });
  return `${[
    'usage: smtpd-inbox [options] [host:port ...]',
    ...SUBCOMMANDS.map(({ name, operands }) => `       smtpd-inbox ${name} [options] ${operands}`.trimEnd()),
    '',
    'Catches the mail that programs send to host:port (default: 127.0.0.1:1025), shows it in a browser, and has an API',
    'that tests wait on. Nothing leaves this machine.',
    '',
    groups.join('\n\n'),
    '',
    'Each option is also read from the environment: SMTPD_INBOX_DATA for --data, SMTPD_INBOX_LISTEN for host:port ...; lists',
    'have commas.',
    'An address is host:port, [IPv6]:port, or :port for every address of the machine; port 0 lets the system choose.',
  ].join('\n')}\n`;
}

function formOf({ name, value, isNegatable = false }: InboxCommandOption): string {
  return `--${isNegatable ? '[no-]' : ''}${name}${value === undefined ? '' : ` ${value}`}`;
}
