/** The built command line, with a real client: what a developer does first. */

import { describe, expect, it } from 'vitest';

import type { MessageRecord } from '../../src/index.js';
import { Program } from '../cli/program.js';
import { requireCommand } from '../support/component.js';
import { dotStuffed, EIGHT_BIT_MESSAGE, expectOctets, runClient, swaksArguments } from './support.js';

describe('smtpd debug --json', () => {
  const swaks = requireCommand('swaks');

  it('prints what swaks sent as one line of JSON, every octet', async () => {
    await using program = new Program(['debug', '127.0.0.1:0', '--json']);
    const to = ['--to', 'bob@b.example,carol@c.example'];
    const data = Buffer.concat([dotStuffed(EIGHT_BIT_MESSAGE), Buffer.from('.')]);
    const argv = [...swaksArguments(await program.port()), ...to, '--no-data-fixup', '--data', '-'];
    expect(await runClient(swaks, argv, data)).toMatchObject({ code: 0, stderr: '' });
    const { code, stdout, stderr } = await program.stop();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^listening on \S+\n$/);
    expect(stdout).toMatch(/^[^\n]+\n$/);
    const record = JSON.parse(stdout) as MessageRecord;
    expect(record).toMatchObject({
      peer: { address: '127.0.0.1' },
      helo: 'client.example',
      mailFrom: 'alice@a.example',
      rcptTos: ['bob@b.example', 'carol@c.example'],
      size: EIGHT_BIT_MESSAGE.length,
    });
    expectOctets(Buffer.from(record.data, 'base64'), EIGHT_BIT_MESSAGE);
  });
});
