/** How aiosmtpd and ours differ: what `docs/from-aiosmtpd.md` says, shown with both. */

import { afterAll, describe, expect, it } from 'vitest';

import { requirePythonModule } from '../support/component.js';
import { RawClient } from '../support/raw-client.js';
import { outcomeOf, type Comparison, type Running, TAKEN } from './comparison.js';
import { COMPARISONS } from './comparisons.js';
import { startAiosmtpd, startOurs } from './rivals.js';

describe('a client of aiosmtpd', () => {
  const python = requirePythonModule('aiosmtpd');
  /** By their options: a Python takes long to start. */
  const started = new Map<string, Promise<Running>>();
  const compared = COMPARISONS.flatMap((comparison) =>
    comparison.aiosmtpd === undefined ? [] : [[comparison.client, comparison, comparison.aiosmtpd] as const],
  );

  afterAll(async () => {
    for (const running of started.values()) await (await running)[Symbol.asyncDispose]();
  });

  it.each(compared)('%s', async (_, comparison, { options = {}, outcome }) => {
    const { ours } = comparison;
    const key = JSON.stringify(options);
    const starting = started.get(key) ?? startAiosmtpd(python, options);
    started.set(key, starting);
    const other = await starting;
    const before = (await other.taken(0)).length;
    expect(await outcomeOf(onlyBehind(other, before), comparison, countOf(outcome))).toEqual(outcome);
    await using server = await startOurs(ours.options);
    expect(await outcomeOf(server, comparison, countOf(ours.outcome))).toEqual(ours.outcome);
  });

  it('hears the text of an exception from aiosmtpd, and the number of an incident here', async () => {
    const throwing: Comparison = {
      client: 'names a recipient at which the application throws',
      steps: ['EHLO client.example\r\n', 'MAIL FROM:<alice@a.example>\r\n', 'RCPT TO:<throw@b.example>\r\n'],
      ours: { outcome: [] },
      remark: '',
    };
    await using other = await startAiosmtpd(python);
    expect(await outcomeOf(other, throwing, 0)).toEqual(['500 Error: (ValueError) the password is secret']);
    await using server = await startOurs();
    server.server.use({
      name: 'throwing',
      rcpt() {
        throw new Error('the password is secret');
      },
    });
    expect(await outcomeOf(server, throwing, 0)).toEqual([
      expect.stringMatching(/^451 4\.3\.0 Error: internal error, incident [0-9a-f]+; try again later$/),
    ]);
  });

  it('finds its octets in the reply of aiosmtpd to a command that there is not, and never here', async () => {
    await using other = await startAiosmtpd(python);
    const client = await RawClient.connect(other.port);
    await client.reply();
    client.send('A\rB\r\nQUIT\r\n');
    await client.closed();
    expect(client.unread).toBe('500 Error: command "A\rB" not recognized\r\n221 Bye\r\n');
  });
});

/** The same, of which what was taken before is not counted. */
function onlyBehind(running: Running, before: number): Running {
  return {
    port: running.port,
    taken: async (count) => (await running.taken(before + count)).slice(before),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** How many messages are among the outcomes. */
function countOf(outcome: readonly string[]): number {
  return outcome.filter((text) => text.startsWith(TAKEN)).length;
}
