/** The old `DebuggingServer`’s printouts, compared with ours: in the old form exactly, and in the form for people. */

import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';

import { DebuggingServer, type DebuggingFormat } from '../../src/index.js';
import { RawClient } from '../support/raw-client.js';
import { optionsFor } from './conversation.js';
import { DIFFERENCES } from './differences.js';
import { linesOf, readable, withoutAdditions } from './printed.js';
import { scenariosOf, type DebuggingScenario } from './transcripts.js';

describe('what DebuggingServer prints', () => {
  for (const scenario of scenariosOf('debugging')) {
    it(`${scenario.name}: octet for octet what the old one printed, in the format python`, async () => {
      expect(linesOf(await printout(scenario, 'python'))).toEqual(scenario.stdout);
    });

    const declared = DIFFERENCES[scenario.name]?.aspects ?? [];
    it(`${scenario.name}: ${declared.length === 0 ? 'the same, readable,' : 'otherwise'} in the format for people`, async () => {
      const printed = linesOf(await printout(scenario, 'text'));
      const isSame = JSON.stringify(withoutAdditions(printed)) === JSON.stringify(readable(scenario.stdout));
      expect(isSame ? [] : ['print'], printed.join('\n')).toEqual(declared);
    });
  }
});

/** Holds the conversation, expects the recorded codes, and gives what was printed. */
async function printout(scenario: DebuggingScenario, format: DebuggingFormat): Promise<string> {
  const output = new PassThrough();
  const printed = text(output);
  const server = new DebuggingServer({ ...optionsFor(scenario.config), output, format });
  await server.listen();
  const client = await RawClient.connect(server.port);
  const codes = [(await client.reply()).code];
  for (const [index, octets] of scenario.send.entries()) {
    client.send(octets);
    codes.push(...(await client.replies(scenario.replyCounts[index + 1] ?? 0)).map(({ code }) => code));
  }
  expect(codes).toEqual(scenario.expect.map(({ code }) => code));
  client.destroy();
  await server.close();
  output.end();
  return printed;
}
