/** The options of a server: their defaults, what is kept as given, and what each refusal says. */

import { hostname as systemHostname } from 'node:os';

import { describe, expect, it } from 'vitest';

import { systemClock } from '../../src/net/clock.js';
import { UsageError } from '../../src/protocol/errors.js';
import { defineExtension } from '../../src/protocol/extension.js';
import { DEFAULT_LIMITS, type Limits } from '../../src/protocol/limits.js';
import { defaultLogger, silentLogger } from '../../src/server/logger.js';
import { NetworkSet } from '../../src/server/networks.js';
import { completeOptions, type SMTPServerOptions } from '../../src/server/server-options.js';
import { SMTPServer } from '../../src/server/server.js';
import { ManualClock } from '../support/manual-clock.js';

/** What an option is refused with. */
function refusalOf(options: object): { readonly code: string; readonly message: string } {
  try {
    completeOptions(options);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return error as UsageError;
  }
  throw new Error(`Not refused: ${JSON.stringify(options)}`);
}

const EVERY_OPTION = {
  localAddress: '127.0.0.1:25',
  remoteAddress: 'mx.example:25',
  dataSizeLimit: 1_000,
  channels: new Set<unknown>(),
  enableSMTPUTF8: false,
  decodeData: false,
  hostname: 'mx.example',
  greeting: 'ready',
  lineEndings: 'preserve',
  pathSyntax: 'strict',
  limits: { recipientsMax: 5 },
  countLoopback: true,
  sharedLimits: 'mail',
  protocol: 'lmtp',
  tls: { mode: 'offer', clientCertificates: 'request', minVersion: 'TLSv1.3', reloadOnChange: false },
  auth: { mode: 'offer', plaintext: 'always', mechanisms: ['PLAIN'], scramIterations: 5_000, oauth: { scope: 'mail' } },
  earlyInput: 'refuse',
  greetingDelayMs: 5,
  proxyProtocol: 'loopback',
  xclient: '192.0.2.0/24',
  xforward: ['192.0.2.1', '::1'],
  extensions: [defineExtension({ keyword: 'XPING', verbs: {} })],
  disabledExtensions: ['LIMITS'],
  backlog: 7,
  logger: silentLogger,
  clock: new ManualClock(),
} as const satisfies Required<SMTPServerOptions>;

const NO_TLS = {
  mode: 'off',
  source: undefined,
  names: {},
  clientCertificates: 'ignore',
  clientCA: undefined,
  clientCAFile: undefined,
  minVersion: 'TLSv1.2',
  reloadOnChange: true,
} as const;

describe('the options of a server', () => {
  it('are complete when nothing is given', () => {
    const options = completeOptions({});
    expect(options).toEqual({
      localAddress: [{ host: 'localhost', port: 8025 }],
      remoteAddress: undefined,
      dataSizeLimit: 33_554_432,
      channels: new Set(),
      enableSMTPUTF8: true,
      decodeData: false,
      hostname: expect.stringMatching(/^\S+$/) as string,
      greeting: 'ESMTP smtpd',
      lineEndings: 'reject',
      pathSyntax: 'lenient',
      limits: DEFAULT_LIMITS,
      countLoopback: false,
      protocol: 'smtp',
      tls: NO_TLS,
      auth: {
        mode: 'off',
        plaintext: 'tls',
        mechanisms: ['PLAIN', 'LOGIN'],
        scramIterations: 4_096,
        oauth: { scope: undefined, openidConfiguration: undefined },
      },
      earlyInput: 'tolerate',
      greetingDelayMs: 0,
      proxyProtocol: NetworkSet.parse([]),
      xclient: NetworkSet.parse([]),
      xforward: NetworkSet.parse([]),
      extensions: [],
      disabledExtensions: [],
      backlog: 4096,
      logger: defaultLogger,
      clock: systemClock,
    });
    expect([systemHostname(), 'localhost']).toContain(options.hostname);
    expect(completeOptions({}).channels).not.toBe(options.channels);
  });

  it('have a default where `undefined` is given, as where nothing is', () => {
    const nothing = Object.fromEntries(Object.keys(EVERY_OPTION).map((name) => [name, undefined]));
    expect(completeOptions(nothing)).toEqual(completeOptions({}));
  });

  it('are kept as they are given, each of them', () => {
    const options = completeOptions(EVERY_OPTION);
    expect(options).toEqual({
      ...EVERY_OPTION,
      localAddress: [{ host: '127.0.0.1', port: 25 }],
      limits: { ...DEFAULT_LIMITS, recipientsMax: 5 },
      tls: { ...NO_TLS, ...EVERY_OPTION.tls },
      auth: { ...EVERY_OPTION.auth, oauth: { scope: 'mail', openidConfiguration: undefined } },
      proxyProtocol: NetworkSet.parse('loopback'),
      xclient: NetworkSet.parse('192.0.2.0/24'),
      xforward: NetworkSet.parse(['192.0.2.1', '::1']),
    });
    expect(options.channels).toBe(EVERY_OPTION.channels);
    expect(options.logger).toBe(EVERY_OPTION.logger);
    expect(options.clock).toBe(EVERY_OPTION.clock);
    expect(Object.keys(completeOptions({})).sort()).toEqual(Object.keys(EVERY_OPTION).sort());
  });

  it('are frozen, and do not follow what the caller changes afterwards', () => {
    const address = { host: '127.0.0.1', port: 25 };
    const list = [address];
    const limits = { recipientsMax: 5 };
    const extensions = [defineExtension({ keyword: 'XPING', verbs: {} })];
    const options = completeOptions({ localAddress: list, limits, extensions });
    address.port = 26;
    list.push(address);
    limits.recipientsMax = 6;
    extensions.pop();
    expect(options.localAddress).toEqual([{ host: '127.0.0.1', port: 25 }]);
    expect(options.limits.recipientsMax).toBe(5);
    expect(options.extensions).toHaveLength(1);
    for (const part of [options, options.localAddress, options.localAddress[0], options.limits, options.extensions]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('that there are not are refused with the names of those that there are', () => {
    const { code, message } = refusalOf({ colour: 1 });
    expect(code).toBe('SMTPD_BAD_OPTION');
    expect(message).toBe(`There is no option "colour"; there are: ${Object.keys(EVERY_OPTION).join(', ')}`);
  });

  it('that are misspelt are refused with the name that was meant', () => {
    expect(refusalOf({ datasizeLimit: 1 }).message).toBe(
      'There is no option "datasizeLimit"; did you mean dataSizeLimit?',
    );
  });
});

describe('a wrong value is a UsageError that says what to give instead', () => {
  it.each<[object, string, string]>([
    [
      { decodeData: true, enableSMTPUTF8: true },
      'SMTPD_CONFLICTING_OPTIONS',
      'decodeData and enableSMTPUTF8 cannot be set to true at the same time',
    ],
    [{ localAddress: [] }, 'SMTPD_BAD_OPTION', 'localAddress is an empty list; give at least one address'],
    [
      { localAddress: 'localhost' },
      'SMTPD_BAD_ADDRESS',
      '"localhost" is no listen address; write host:port, [IPv6]:port, :port, a path with a slash, or fd:N',
    ],
    [{ localAddress: { port: 65_536 } }, 'SMTPD_BAD_ADDRESS', 'A port is 0 to 65535, not 65536'],
    [{ localAddress: { port: -1 } }, 'SMTPD_BAD_ADDRESS', 'A port is 0 to 65535, not -1'],
    [{ localAddress: { port: 2.5 } }, 'SMTPD_BAD_ADDRESS', 'A port is 0 to 65535, not 2.5'],
    [{ localAddress: { port: '25' } }, 'SMTPD_BAD_ADDRESS', 'A port is 0 to 65535, not 25'],
    ...[8025, {}, { host: '127.0.0.1' }, { path: '/run/smtp.sock', port: 25 }, [8025]].map(
      (localAddress): [object, string, string] => [
        { localAddress },
        'SMTPD_BAD_ADDRESS',
        'A listen address is a text such as "localhost:8025", or has one of port, path and fd',
      ],
    ),
    ...([-1, 1.5, NaN, 2 ** 53, '1000'] as const).map((dataSizeLimit): [object, string, string] => [
      { dataSizeLimit },
      'SMTPD_BAD_OPTION',
      `dataSizeLimit is a number of octets, or null or 0 for no limit, not ${String(dataSizeLimit)}`,
    ]),
    ...[
      '',
      'a b',
      '-mx.example',
      'mx.example-',
      'mx..example',
      'mx.example.',
      'mx\r\n250 x',
      'm\u00fcx.example',
      '[]',
      '[::1',
      '[127.0.0.256]',
    ].map((hostname): [object, string, string] => [
      { hostname },
      'SMTPD_BAD_OPTION',
      `hostname is a domain or an address literal (RFC 5321 §4.1.1.1), not "${hostname}"`,
    ]),
    ...['a\r\n250 x', 'tab\t', 'gr\u00fc\u00df'].map((greeting): [object, string, string] => [
      { greeting },
      'SMTPD_BAD_OPTION',
      'greeting is one line of printable US-ASCII',
    ]),
    ...[true, false].map((logger): [object, string, string] => [
      { logger },
      'SMTPD_BAD_OPTION',
      `logger is an object with debug, info, warn and error, not ${String(logger)}; silentLogger writes nothing`,
    ]),
    [{ lineEndings: 'lf' }, 'SMTPD_BAD_OPTION', 'lineEndings is one of reject, normalize, preserve, not "lf"'],
    [{ pathSyntax: 'loose' }, 'SMTPD_BAD_OPTION', 'pathSyntax is one of strict, lenient, not "loose"'],
    [{ limits: { recipients: 1 } }, 'SMTPD_BAD_OPTION', 'limits.recipients is unknown; did you mean recipientsMax?'],
    [
      { limits: { toString: 1 } },
      'SMTPD_BAD_OPTION',
      `limits.toString is unknown; there are: ${Object.keys(DEFAULT_LIMITS).join(', ')}`,
    ],
    ...[0, -1, NaN, -Infinity].map((recipientsMax): [object, string, string] => [
      { limits: { recipientsMax } },
      'SMTPD_BAD_OPTION',
      `limits.recipientsMax is a number above 0, or Infinity for no bound, not ${String(recipientsMax)}`,
    ]),
    ...(['5', null] as const).map((recipientsMax): [object, string, string] => [
      { limits: { recipientsMax } },
      'SMTPD_BAD_OPTION',
      `limits.recipientsMax is a number above 0, or Infinity for no bound, not a ${typeof recipientsMax}`,
    ]),
  ])('%j', (options, code, message) => {
    expect(refusalOf(options)).toMatchObject({ name: 'UsageError', code, message });
    expect(() => new SMTPServer(options)).toThrow(message);
  });
});

describe('a value that means something', () => {
  it.each([[null], [0], [Infinity]])('dataSizeLimit %o is no limit', (dataSizeLimit) => {
    expect(completeOptions({ dataSizeLimit }).dataSizeLimit).toBeUndefined();
  });

  it('dataSizeLimit 1 is one octet', () => {
    expect(completeOptions({ dataSizeLimit: 1 }).dataSizeLimit).toBe(1);
  });

  it('decodeData turns SMTPUTF8 off unless something else is said', () => {
    expect(completeOptions({ decodeData: true }).enableSMTPUTF8).toBe(false);
    expect(completeOptions({ decodeData: true, enableSMTPUTF8: false }).enableSMTPUTF8).toBe(false);
    expect(completeOptions({ decodeData: false, enableSMTPUTF8: true }).enableSMTPUTF8).toBe(true);
  });

  it.each(['localhost', 'mx.example', 'MX_1.example', 'a', '127.0.0.1', '[127.0.0.1]', '[IPv6:2001:db8::1]'])(
    'hostname %s is a name',
    (hostname) => {
      expect(completeOptions({ hostname }).hostname).toBe(hostname);
    },
  );

  it('the greeting names the protocol that is spoken', () => {
    expect(completeOptions({}).greeting).toBe('ESMTP smtpd');
    expect(completeOptions({ protocol: 'lmtp' }).greeting).toBe('LMTP smtpd');
    expect(completeOptions({ protocol: 'lmtp', greeting: 'ready' }).greeting).toBe('ready');
  });

  it.each(['', 'ESMTP', '~ ready!'])('greeting %j is a greeting', (greeting) => {
    expect(completeOptions({ greeting }).greeting).toBe(greeting);
  });

  it('limits take Infinity, and keep the default where `undefined` is given', () => {
    const { limits } = completeOptions({
      limits: { recipientsMax: Infinity, errorsMax: undefined } as unknown as Partial<Limits>,
    });
    expect(limits).toEqual({ ...DEFAULT_LIMITS, recipientsMax: Infinity });
  });

  it('localAddress may be one address or several, as text or in parts', () => {
    const parts = [{ port: 0 }, { host: '::1', port: 65_535 }, { path: '/run/smtp.sock' }, { fd: 3 }];
    for (const part of parts) expect(completeOptions({ localAddress: part }).localAddress).toEqual([part]);
    expect(completeOptions({ localAddress: [':0', ...parts, './x'] }).localAddress).toEqual([
      { host: '', port: 0 },
      ...parts,
      { path: './x' },
    ]);
  });
});
