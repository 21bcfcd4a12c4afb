/** The conversations of the old module, held with a real server. `differences.ts` explains whatever goes otherwise. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, vi } from 'vitest';

import * as smtpd from '../../src/index.js';
import { PureProxy, SMTPChannel, SMTPServer, silentLogger, UsageError } from '../../src/index.js';
import { converse, converseInTurn, optionsFor } from './conversation.js';
import { expectDeclared } from './declared.js';
import { DIFFERENCES } from './differences.js';
import { acceptedContents, findDifferences, findMultiDifferences } from './judgement.js';
import { GROUPS, scenariosOf } from './transcripts.js';
import { WatchedClient } from './watched-client.js';

describe('the recording', () => {
  it('has scenarios with names of their own', () => {
    const names = GROUPS.flatMap(({ scenarios }) => scenarios.map(({ name }) => name));
    expect(new Set(names).size).toBe(names.length);
    expect(scenariosOf('protocol')).toHaveLength(275);
  });

  it('has a scenario for every explained difference', () => {
    const names = new Set(GROUPS.flatMap(({ scenarios }) => scenarios.map(({ name }) => name)));
    expect(Object.keys(DIFFERENCES).filter((name) => !names.has(name))).toEqual([]);
  });
});

describe.each(GROUPS.filter(({ kind }) => kind === 'protocol').map(({ group }) => group))(
  'conversations: %s',
  (group) => {
    for (const scenario of scenariosOf('protocol').filter((each) => each.group === group)) {
      const declared = DIFFERENCES[scenario.name];
      it(`${scenario.name} goes ${declared?.weDo ?? (scenario.preferredCodes === undefined ? 'the same' : 'better')}`, async () => {
        if (declared?.aspects.includes('construction') === true) {
          expect(() => new SMTPServer(optionsFor(scenario.config))).toThrow(UsageError);
          return;
        }
        const outcome = await converse(scenario);
        const findings = findDifferences(scenario, outcome);
        const isOnlyNullSender = scenario.deviation?.startsWith('API only') === true;
        expectDeclared(isOnlyNullSender ? [] : findings, declared?.aspects ?? []);
        if (declared?.codes !== undefined) expect(outcome.replies.map(({ code }) => code)).toEqual(declared.codes);
        if (scenario.deviation !== undefined && scenario.preferredCodes === undefined) {
          expect(declared, 'a deviation with several good answers says which one is ours').toBeDefined();
        }
        // A message is delivered exactly when it is promised.
        if (scenario.config.handler === undefined)
          expect(outcome.delivered).toHaveLength(acceptedContents(outcome.replies));
      });
    }
  },
);

describe('several connections', () => {
  for (const scenario of scenariosOf('multi')) {
    it(`${scenario.name} goes ${DIFFERENCES[scenario.name]?.weDo ?? 'the same'}`, async () => {
      const outcome = await converseInTurn(scenario);
      const declared = DIFFERENCES[scenario.name];
      expectDeclared(findMultiDifferences(scenario, outcome), declared?.aspects ?? []);
      if (declared?.codes !== undefined) expect(outcome.replies['0']?.map(({ code }) => code)).toEqual(declared.codes);
    });
  }
});

describe('construction and attributes', () => {
  const checks: Readonly<Record<string, () => void | Promise<void>>> = {
    'api-exports': () => {
      const { result } = scenariosOf('api').find(({ name }) => name === 'api-exports') ?? {};
      // The old module of 3.10 had the list proxy besides.
      expect(Object.keys(smtpd)).toEqual(expect.arrayContaining([...(result as readonly string[]), 'MailmanProxy']));
    },
    'api-utf8-and-decode-conflict': () => {
      expect(() => new SMTPServer({ enableSMTPUTF8: true, decodeData: true })).toThrow(
        'decodeData and enableSMTPUTF8 cannot be set to true at the same time',
      );
    },
    'api-channel-utf8-and-decode-conflict': () => {
      const channel = Object.getOwnPropertyDescriptors(SMTPChannel.prototype);
      expect(channel.enableSMTPUTF8).toMatchObject({ set: undefined });
      expect(channel).not.toHaveProperty('decodeData');
    },
    'api-proxy-refuses-utf8-keyword': () => {
      expect(new PureProxy({ enableSMTPUTF8: true }).options.enableSMTPUTF8).toBe(true);
      expect(new PureProxy({ enableSMTPUTF8: false }).options.enableSMTPUTF8).toBe(false);
    },
    'api-proxy-utf8-positional-slips-through': () => {
      const given = [{ enableSMTPUTF8: false }, 'localhost:25', 0, null, true];
      expect((Reflect.construct(PureProxy, given) as PureProxy).options.enableSMTPUTF8).toBe(false);
    },
    'api-ipv6': async () => {
      await using server = new SMTPServer({ localAddress: '[::1]:0', logger: silentLogger });
      const [bound] = await server.listen();
      expect(bound).toMatchObject({ address: '::1', family: 'IPv6' });
      expect(server.port).toBeGreaterThan(0);
    },
    'api-address-in-use': async () => {
      const other = createServer().listen(0, '127.0.0.1');
      await once(other, 'listening');
      const { port } = other.address() as { readonly port: number };
      const server = new SMTPServer({ localAddress: `127.0.0.1:${String(port)}`, logger: silentLogger });
      await expect(server.listen()).rejects.toMatchObject({
        code: 'SMTPD_LISTEN_FAILED',
        cause: { code: 'EADDRINUSE' },
      });
      other.close();
    },
    'api-private-map': async () => {
      const channels = new Set<unknown>();
      const options = { localAddress: '127.0.0.1:0', logger: silentLogger };
      await using own = new SMTPServer({ ...options, channels });
      await using another = new SMTPServer(options);
      await own.listen();
      const client = await WatchedClient.connect(own);
      expect(channels.size).toBe(1);
      expect(another.channels.size).toBe(0);
      await client.close();
      expect(channels.size).toBe(0);
    },
    'api-channel-limits': async () => {
      expect(SMTPServer.channelClass).toBe(SMTPChannel);
      await using server = new SMTPServer({ localAddress: '127.0.0.1:0', logger: silentLogger });
      await server.listen();
      const client = await WatchedClient.connect(server);
      expect(client.channel.commandSizeLimit).toBe(512);
      expect(client.channel.smtpState).toBe('COMMAND');
      await client.close();
    },
    'api-unknown-host': async () => {
      const server = new SMTPServer({ localAddress: 'no-such-host.invalid:0', logger: silentLogger });
      await expect(server.listen()).rejects.toMatchObject({ code: 'SMTPD_LISTEN_FAILED' });
    },
    'api-debug-stream-default': () => {
      const written = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
      const { logger } = new SMTPServer().options;
      logger.debug({}, 'a detail');
      logger.info({}, 'a fact');
      const count = written.mock.calls.length;
      written.mockRestore();
      expect(count).toBe(0);
    },
  };

  for (const scenario of scenariosOf('api')) {
    it(`${scenario.name} goes ${DIFFERENCES[scenario.name]?.weDo ?? 'the same'}`, async () => {
      const check = checks[scenario.name];
      expect(check, 'a scenario without a check').toBeDefined();
      await check?.();
    });
  }

  it('checks nothing that is not in the recording', () => {
    expect(Object.keys(checks).sort()).toEqual(
      scenariosOf('api')
        .map(({ name }) => name)
        .sort(),
    );
  });
});
