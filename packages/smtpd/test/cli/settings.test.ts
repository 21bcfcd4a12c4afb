/** Settings from the command line, the environment and a file: what they mean, and which comes first. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { DEBUG_COMMAND, SERVE } from '../../src/cli/commands.js';
import { makeConfigSchema } from '../../src/cli/config-schema.js';
import { main } from '../../src/cli/main.js';
import { readSettings } from '../../src/cli/settings.js';
import { outputOf } from '../support/output-of.js';
import { Program, run } from './program.js';

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-settings-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Writes a configuration file. */
function written(config: unknown, name = 'smtpd.json'): string {
  const file = join(folder, name);
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return file;
}

/** What `--print-config` prints. */
async function effective(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const code = await main([...argv, '--print-config'], { output, errors, isColored: false, environment });
  const stdout = outputOf(output).toString();
  const stderr = outputOf(errors).toString();
  return { code, stderr, config: (code === 0 ? JSON.parse(stdout) : undefined) as Record<string, unknown> };
}

const example = (): string =>
  /```json\n([^]*?)```/.exec(readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8'))?.[1] ?? '';

describe('settings', () => {
  it('come from the command line first, then the environment, then the file, then the default', async () => {
    const file = written({ maxRecipients: 3, maxMessages: 3, maxErrors: 3, tls: 'require', lmtp: true });
    const environment = { SMTPD_MAX_RECIPIENTS: '2', SMTPD_MAX_MESSAGES: '2', SMTPD_TLS: 'implicit', SMTPD_LMTP: 'no' };
    const { config, stderr } = await effective(
      ['debug', '--config', file, '--max-recipients', '1', '--tls', 'off'],
      environment,
    );
    expect(config).toMatchObject({ maxRecipients: 1, maxMessages: 2, maxErrors: 3, maxRefusals: 1_000 });
    expect(config).toMatchObject({ tls: 'off', lmtp: false, earlyInput: 'tolerate', listen: ['127.0.0.1:1025'] });
    expect(stderr.split('\n')).toEqual([
      'tls: from option --tls',
      'lmtp: from SMTPD_LMTP',
      `maxErrors: from ${file}: "maxErrors"`,
      'maxRecipients: from option --max-recipients',
      'maxMessages: from SMTPD_MAX_MESSAGES',
      '',
    ]);
  });

  it('say which greeting LMTP has', async () => {
    expect((await effective(['debug'])).config).toMatchObject({ greeting: 'ESMTP smtpd' });
    expect((await effective(['debug', '--lmtp'])).config).toMatchObject({ greeting: 'LMTP smtpd' });
    expect((await effective(['debug', '--lmtp', '--greeting', 'hello'])).config).toMatchObject({ greeting: 'hello' });
  });

  it('are in force in the program: a file, a variable and an option together', async () => {
    const file = written({
      listen: '127.0.0.1:0',
      hostname: 'file.example',
      maxRecipients: 3,
      greeting: 'from a file',
    });
    await using program = new Program(['debug', '--max-recipients', '1'], {
      environment: { SMTPD_CONFIG: file, SMTPD_HOSTNAME: 'variable.example' },
    });
    const client = await program.connect();
    const { lines } = await client.command('EHLO a.example');
    expect(lines[0]).toBe('variable.example');
    expect(lines).toContain('LIMITS RCPTMAX=1');
    client.destroy();
  });

  it('of the old form come from the same places', async () => {
    const file = written({ nosetuid: true, size: 5, listen: '127.0.0.1:0' });
    await using program = new Program(['--config', file], { environment: { SMTPD_SMTPUTF8: '1' } });
    const client = await program.connect();
    const { lines } = await client.command('EHLO a.example');
    expect(lines).toContain('SIZE 5');
    expect(lines).toContain('SMTPUTF8');
    client.destroy();
    expect(readSettings([], SERVE, { SMTPD_CLASS: './a.js#A' }).options.get('class')).toBe('./a.js#A');
  });

  it('show no password', async () => {
    const argv = ['debug', '--auth', 'alice:correct horse', '--auth', 'bob:a:b'];
    const { config, stderr } = await effective(argv);
    expect(config['auth']).toEqual(['alice:********', 'bob:********']);
    expect(stderr).toBe('auth: from option --auth\n');
    expect((await effective(['debug', '--auth', 'any'])).config['auth']).toEqual(['any']);
  });

  it('show no password of a server behind, either', async () => {
    const argv = ['mailman', '--upstream-auth', 'alice:correct horse', '--mailman-rest', 'http://localhost:8001'];
    const { config, stderr } = await effective(argv, { SMTPD_MAILMAN_PASSWORD: 'battery:staple' });
    expect(config).toMatchObject({ upstreamAuth: 'alice:********', mailmanPassword: '********' });
    expect(stderr).not.toMatch(/horse|battery|staple/);
  });

  it('are checked before they are printed', async () => {
    const { code, stderr } = await effective(['debug', '--tls-key', 'key.pem']);
    expect(code).toBe(2);
    expect(stderr).toContain('--tls-key needs --tls-cert');
  });

  it('can be printed, kept in a file and read back', async () => {
    const { config } = await effective([
      'debug',
      '--tls',
      '--max-errors=none',
      '--xclient',
      '::1',
      '--greeting-delay=5',
    ]);
    expect(config).toMatchObject({ tls: 'offer', maxErrors: 'none', xclient: ['::1'], greetingDelay: 5 });
    expect((await effective(['debug', '--config', written(config)])).config).toEqual(config);
  });

  it('of the environment may be repeated line by line, and count for nothing when empty', () => {
    const { options } = readSettings([], DEBUG_COMMAND, {
      SMTPD_AUTH: 'alice:a b,c\nbob:d\r\n',
      SMTPD_TLS: '',
      SMTPD_CONFIG: '',
      SMTPD_JSON: '1',
      SMTPD_UNKNOWN: 'x',
      SMTPD_DEBUG: 'On',
    });
    expect(Object.fromEntries(options)).toEqual({ auth: ['alice:a b,c', 'bob:d'], debug: true });
  });

  it('let --json come before a format that a file names', async () => {
    const file = written({ format: 'python' });
    expect((await effective(['debug', '--config', file, '--json'])).config['format']).toBe('json');
  });

  it('are not looked at when help or the version is asked for', () => {
    const { options } = readSettings(['-V'], SERVE, { SMTPD_CONFIG: '/nowhere', SMTPD_SIZE: 'x' });
    expect(Object.fromEntries(options)).toEqual({ version: true });
  });

  it.each([
    [{ SMTPD_TLS: 'on' }, 'SMTPD_TLS is one of off, offer, require, implicit, not "on"'],
    [{ SMTPD_LMTP: '2' }, 'SMTPD_LMTP is 1, true, yes, on or 0, false, no, off, not "2"'],
    [{ SMTPD_MAX_ERRORS: '0' }, 'SMTPD_MAX_ERRORS is a whole number above 0, or none, not "0"'],
    [{ SMTPD_TLS_KEY: 'key.pem' }, 'SMTPD_TLS_KEY needs --tls-cert, the file with the certificate'],
    [{ SMTPD_AUTH: 'secretpassword' }, 'SMTPD_AUTH is user:password, or any'],
    [{ SMTPD_XFORWARD: '1.2.3.4/33' }, 'SMTPD_XFORWARD: "1.2.3.4/33": behind the slash is a number of bits, 0 to 32'],
    [{ SMTPD_CONFIG: '/nowhere.json' }, /^The configuration file cannot be read: ENOENT.*\/nowhere\.json/],
  ])('of the environment that are wrong end with one line and exit code 2: %j', async (environment, message) => {
    const { code, stderr } = await effective(['debug'], environment);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^smtpd: [^\n]*\n$/);
    expect(stderr.slice('smtpd: '.length, -1)).toMatch(
      message instanceof RegExp ? message : new RegExp(`^${escaped(message)}$`),
    );
  });
});

describe('a configuration file', () => {
  it('may be the example of the manual', async () => {
    const { code, config } = await effective(['debug', '--config', written(example())]);
    expect(code).toBe(0);
    expect(config).toMatchObject({
      listen: ['127.0.0.1:1025', '[::1]:1025'],
      authRequired: true,
      maxSessionAgeMs: 'none',
    });
  });

  it.each([
    [{ tlss: 'off' }, 'there is no setting "tlss"; settings are called as the options are: tlsCert for --tls-cert'],
    [{ 'tls-cert': 'x' }, 'there is no setting "tls-cert"; write "tlsCert"'],
    [{ recipientsMax: 1 }, 'there is no setting "recipientsMax"; settings are'],
    [{ printConfig: true }, 'there is no setting "printConfig"; settings are'],
    [{ help: true }, 'there is no setting "help"; settings are'],
    [JSON.parse('{"__proto__": 1}'), 'there is no setting "__proto__"; settings are'],
    [{ nosetuid: true }, '"nosetuid" is a setting of smtpd without a command, not of smtpd debug'],
    [{ tls: true }, '"tls" is a text, not true'],
    [{ tls: 'on' }, '"tls" is one of off, offer, require, implicit, not "on"'],
    [{ lmtp: 'yes' }, '"lmtp" is true or false, not "yes"'],
    [{ size: '5' }, '"size" is a number, not "5"'],
    [{ size: -5 }, 'Invalid size: -5'],
    [{ maxErrors: 1.5 }, '"maxErrors" is a whole number above 0, or none, not "1.5"'],
    [{ maxErrors: null }, '"maxErrors" is a number, not null'],
    [{ auth: { alice: 'x' } }, '"auth" is a text, or a list of texts'],
    [{ auth: ['secret'] }, '"auth" is user:password, or any'],
    [{ xclient: ['nowhere'] }, '"xclient": "nowhere" is no network'],
    [[], 'is not one JSON object, such as { "tls": "offer" }'],
    ['{ "tls": }', 'is not JSON: '],
  ])('that is wrong ends with one line and exit code 2: %j', async (config: unknown, message) => {
    const file = written(config);
    const { code, stderr } = await effective(['debug', '--config', file]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^smtpd: [^\n]*\n$/);
    expect(stderr).toContain(file);
    expect(stderr).toContain(message);
  });

  it('ends the program with exit code 2 when it is not there', async () => {
    const { code, stdout, stderr } = await run(['debug', '--config', join(folder, 'absent.json')]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^smtpd: The configuration file cannot be read: ENOENT[^\n]*absent\.json[^\n]*\n$/);
  });

  it('is told apart by the schema as the program does', () => {
    expect(problems(JSON.parse(example()))).toEqual([]);
    expect(problems({ tlss: 'off' })).toEqual(['tlss']);
    expect(problems({ tls: 'on', lmtp: 1, size: -1, maxErrors: 0, auth: [1], maxMessages: 'none' })).toEqual([
      ...['tls', 'lmtp', 'size', 'maxErrors', 'auth'],
    ]);
  });
});

/** The keywords that the schema uses, checked as JSON Schema says. @returns the names of what does not fit */
function problems(config: unknown): string[] {
  const { properties, additionalProperties } = makeConfigSchema() as {
    readonly properties: Readonly<Record<string, Schema>>;
    readonly additionalProperties: false;
  };
  return Object.entries(config as object)
    .filter(([name, value]) => (name in properties ? !fits(value, properties[name]!) : !additionalProperties))
    .map(([name]) => name);
}

interface Schema {
  readonly type?: 'string' | 'boolean' | 'integer' | 'array';
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

function fits(value: unknown, schema: Schema): boolean {
  const known = ['type', 'enum', 'const', 'minimum', 'items', 'anyOf', 'description', 'default'];
  expect(Object.keys(schema).filter((key) => !known.includes(key))).toEqual([]);
  if (schema.anyOf?.some((each) => fits(value, each)) === false) return false;
  if (schema.enum?.includes(value) === false) return false;
  if ('const' in schema && schema.const !== value) return false;
  if (schema.minimum !== undefined && !(Number(value) >= schema.minimum)) return false;
  switch (schema.type) {
    case 'integer':
      return Number.isInteger(value);
    case 'array':
      return Array.isArray(value) && value.every((each) => fits(each, schema.items ?? {}));
    case 'string':
    case 'boolean':
      return typeof value === schema.type;
    case undefined:
    default:
      return true;
  }
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
}
