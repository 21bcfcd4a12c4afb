/** `smtpd sink`: counts what arrives, and forgets it. */

import { Sink, type SinkTotals } from '../index.js';
import { SINK_COMMAND } from './commands.js';
import { runReceiver } from './receiver.js';
import type { Settings } from './settings.js';
import { print, type Terminal } from './terminal.js';

/**
 * Serves, and prints the totals at the end.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runSink(settings: Settings, terminal: Terminal): Promise<number> {
  const format = settings.options.has('json') ? formatAsJSON : formatAsText;
  return runReceiver(settings, terminal, {
    command: SINK_COMMAND,
    className: Sink.name,
    addresses: settings.words,
    shown: [],
    makeServer: (options) => new Sink(options),
    counts: {
      of: ({ totals }) => ({ ...totals }),
      print: (totals) => print(terminal.output, format(totals as unknown as SinkTotals)),
    },
  });
}

function formatAsJSON(totals: SinkTotals): string {
  return `${JSON.stringify(totals)}\n`;
}

function formatAsText({ messageCount, recipientCount, octetCount, unfinishedCount }: SinkTotals): string {
  return [
    `messages: ${String(messageCount)}`,
    `recipients: ${String(recipientCount)}`,
    `octets: ${String(octetCount)}`,
    `unfinished: ${String(unfinishedCount)}`,
    '',
  ].join('\n');
}
