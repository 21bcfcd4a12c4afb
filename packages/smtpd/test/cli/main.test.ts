import { readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';

import { COMMANDS } from '../../src/cli/commands.js';
import { main } from '../../src/cli/main.js';
import { ODDITY_NAMES } from '../../src/handlers/oddities.js';
import { brokenOutput } from '../support/broken-output.js';
import { Certificates } from '../support/certificates.js';
import { outputOf } from '../support/output-of.js';

async function ran(...argv: string[]) {
  const output = new PassThrough();
  const errors = new PassThrough();
  const code = await main(argv, { output, errors, isColored: false, environment: {} });
  return { code, stdout: outputOf(output).toString(), stderr: outputOf(errors).toString() };
}

/** The same, where all that is written fails. */
async function ranInto(errorCode: string, ...argv: string[]) {
  const errors = new PassThrough();
  const code = await main(argv, { output: brokenOutput(errorCode), errors, isColored: false, environment: {} });
  return { code, stderr: outputOf(errors).toString() };
}

const OPEN_RELAY =
  'would pass anybody’s mail on: say who may send (allowNetworks, --allow-networks), have clients authenticate (auth, --auth), ' +
  'route single domains only (routes, --route), or allow everybody (open, --open)';

const UNCHECKED = 'smtpd: option --upstream-ca: no certificate is checked; say --upstream-tls require, too';

describe('smtpd', () => {
  it.each([['-V'], ['--version'], ['--vers'], ['debug --version'], ['-V -s x']])(
    'prints its version: %s',
    async (line) => {
      const packageFile = new URL('../../package.json', import.meta.url);
      const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
      expect(await ran(...line.split(' '))).toEqual({ code: 0, stdout: `smtpd ${version}\n`, stderr: '' });
    },
  );

  it('prints help on standard output, the same for every way of asking', async () => {
    const { code, stdout, stderr } = await ran('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('smtpd [options] [localhost:port [remotehost:port]]');
    for (const { name } of COMMANDS) expect(stdout).toContain(`\n  ${name} `);
    expect((await ran('-h')).stdout).toBe(stdout);
    expect((await ran('help')).stdout).toBe(stdout);
    expect((await ran('debug', '--help')).stdout).toBe((await ran('help', 'debug')).stdout);
    expect((await ran('help', 'inbox')).stdout).toContain('npm install smtpd-inbox');
  });

  it.each(['--help', '--version', 'help debug', 'completion bash', 'debug --print-config'])(
    'says that its output cannot be written, and is quiet when nobody reads it: %s',
    async (line) => {
      expect(await ranInto('ENOSPC', ...line.split(' '))).toEqual({
        code: 1,
        stderr: 'smtpd: The output cannot be written: ENOSPC\n',
      });
      expect(await ranInto('EPIPE', ...line.split(' '))).toEqual({ code: 0, stderr: '' });
    },
  );

  it('uses bold letters only where it may', async () => {
    const output = new PassThrough();
    await main(['--help'], { output, errors: new PassThrough(), isColored: true, environment: {} });
    expect(outputOf(output).toString()).toContain('\u001b[1mUsage:\u001b[22m');
  });

  it.each([
    ['--nope', 'smtpd: option --nope not recognized; smtpd --help names all'],
    ['-c', 'smtpd: option -c requires argument'],
    [
      '-c NoSuch',
      'smtpd: There is no class "NoSuch"; write DebuggingServer, PureProxy, MailmanProxy or path-or-package#ExportedClass',
    ],
    ['-c no_such_module#X', 'smtpd: There is no module no_such_module, neither as a file here nor as a package'],
    ['-c ./nowhere.js#X', 'smtpd: There is no module ./nowhere.js, neither as a file here nor as a package'],
    [
      'dbug',
      'smtpd: There is no command "dbug"; there are debug, proxy, mailman, maildir, sink, probe, inbox, relay, completion, help; an address is host:port',
    ],
    [
      'help dbug',
      'smtpd: There is no command "dbug"; there are debug, proxy, mailman, maildir, sink, probe, inbox, relay, completion, help',
    ],
    ['help a b', 'smtpd: Invalid arguments: b; smtpd help takes one word'],
    ['completion', 'smtpd: Say which shell: smtpd completion bash, zsh or fish'],
    ['debug --json --format text', 'smtpd: --json and --format text contradict each other'],
    ['proxy', 'smtpd: Say where mail goes: an address such as mail.example.org:25, or --route DOMAIN=ADDRESS'],
    ['proxy a:1 b:2 c:3', 'smtpd: Invalid arguments: c:3; there are two addresses at most'],
    [
      'proxy mx:25',
      'smtpd: remote address: "mx:25" could be a host and its port; write smtp://mx:25 for a host of the name "mx"',
    ],
    ['proxy a:1 --route example.org', 'smtpd: option --route is DOMAIN=DESTINATION, not "example.org"'],
    [
      'proxy --route example.org=b:2 --route example.org=c:3',
      'smtpd: option --route: example.org has two routes; put their destinations into one, with a comma',
    ],
    [
      'proxy --route example.org=[::1',
      'smtpd: option --route: "[::1" is no destination; write host, host:port, [IPv6]:port, smtps://host, lmtp://host:port, unix:/path, lmtp:unix:/path, mx:domain, or mx:',
    ],
    ['proxy --route ex@mple=b:2', 'smtpd: "ex@mple" is no domain to route; write example.org, *.example.org or *'],
    ['proxy a:1 --route *=b:2', 'smtpd: The route * and remoteAddress are the same thing: give one of them'],
    [
      'proxy a:1 --allow-networks 1.2.3',
      'smtpd: option --allow-networks: "1.2.3" is no network; write an address, a network such as 192.0.2.0/24 or 2001:db8::/32, "loopback", "private" or "all"',
    ],
    ['proxy a:1 --upstream-auth secret', 'smtpd: option --upstream-auth is user:password'],
    [
      'proxy a:1 --upstream-ca ./nowhere.pem',
      "smtpd: option --upstream-ca: ENOENT: no such file or directory, open './nowhere.pem'",
    ],
    ['proxy a:1 --hops 0', 'smtpd: option --hops is a whole number above 0, not "0"'],
    ['proxy a:1 --line-endings preserve', 'smtpd: option --line-endings is one of reject, normalize, not "preserve"'],
    ['mailman a:1 b:2 c:3', 'smtpd: Invalid arguments: c:3; there are two addresses at most'],
    [
      'mailman --mailman-rest http://localhost:8001',
      'smtpd: option --mailman-rest needs a password: SMTPD_MAILMAN_PASSWORD, or --mailman-password',
    ],
    [
      'mailman --mailman-rest http://localhost:8001 --mailman-maps data',
      'smtpd: option --mailman-rest and option --mailman-maps both say where lists are known: give one of them',
    ],
    [
      'mailman --mailman-rest nowhere --mailman-password x',
      'smtpd: url is where the REST API is, such as http://127.0.0.1:8001, not "nowhere"',
    ],
    ['mailman --mailman-hit-time 0', 'smtpd: option --mailman-hit-time is a whole number of seconds above 0, not "0"'],
    [
      'mailman --unknown-in-list-domain drop',
      'smtpd: option --unknown-in-list-domain is one of reject, relay, not "drop"',
    ],
    [
      'mailman --mailman-lmtp smtp://a:1',
      'smtpd: "smtp://a:1": Mailman takes mail by LMTP; write host:port, lmtp://host:port or lmtp:unix:/path',
    ],
    ['mailman 0.0.0.0:0 a:1', `smtpd: Listening on 0.0.0.0 ${OPEN_RELAY}`],
    ['proxy 0.0.0.0:0 a:1', `smtpd: Listening on 0.0.0.0 ${OPEN_RELAY}`],
    ['proxy :0 a:1', `smtpd: Listening on every address ${OPEN_RELAY}`],
    ['maildir', 'smtpd: Say where to deliver: smtpd maildir FOLDER'],
    ['maildir localhost:25', 'smtpd: The folder comes first: smtpd maildir FOLDER localhost:25'],
    ['maildir [::1]:25 inbox', 'smtpd: The folder comes first: smtpd maildir FOLDER [::1]:25'],
    ['maildir inbox --file-line-ends cr', 'smtpd: option --file-line-ends is one of lf, crlf, not "cr"'],
    ['sink localhost', 'smtpd: Bad local spec: localhost; write host:port, or [IPv6]:port with the brackets'],
    ['debug --size x', 'smtpd: Invalid size: x; option --size is a number of octets, 0 for no limit'],
    ['debug localhost', 'smtpd: Bad local spec: localhost; write host:port, or [IPv6]:port with the brackets'],
    ['debug --hostname -', 'smtpd: hostname is a domain or an address literal (RFC 5321 §4.1.1.1), not "-"'],
    ['debug --greeting=\u00e9', 'smtpd: greeting is one line of printable US-ASCII'],
  ])('refuses "%s" with one line and exit code 2', async (line, message) => {
    expect(await ran(...line.split(' '))).toEqual({ code: 2, stdout: '', stderr: `${message}\n` });
  });

  it('lets nobody believe that a certificate is checked where none is', async () => {
    using certificates = new Certificates();
    const { certFile, keyFile } = certificates.server;
    const proxy = (...more: string[]) => ran('proxy', '--upstream-ca', certFile, '--print-config', ...more);
    const unchecked = { code: 2, stdout: '', stderr: `${UNCHECKED}\n` };
    expect(await proxy('a.example')).toEqual(unchecked);
    expect(await proxy('smtps://a.example', '--no-upstream-verify')).toEqual(unchecked);
    expect(await proxy('a.example', '--upstream-tls', 'off')).toEqual(unchecked);
    for (const checked of [
      ['a.example', '--upstream-tls', 'require'],
      ['a.example', '--upstream-verify'],
      ['smtps://a.example', '--upstream-tls', 'off'],
      ['--route', 'b.example=smtps://b.example'],
    ]) {
      expect((await proxy(...checked)).code).toBe(0);
    }
    const { stderr } = await ran('proxy', 'a.example', '--upstream-tls', 'off', '--upstream-verify');
    expect(stderr).toBe('smtpd: option --upstream-verify: there is no certificate without TLS, which is off\n');
    const noCertificate = await ran('proxy', 'a.example', '--upstream-ca', keyFile);
    expect(noCertificate.stderr).toMatch(/^smtpd: option --upstream-ca: there is no certificate in PEM in .+\n$/);
  });

  it('keeps the line one line, whatever was typed', async () => {
    const { stderr } = await ran('a\u001b[2J\nb');
    expect(stderr).toMatch(/^smtpd: There is no command "a\\u001b\[2J\\u000ab"[^\n]*\n$/);
  });
});

describe('the command lines of the documentation', () => {
  const pages = ['cli', 'proxy', 'mailman', 'workers'].map((name) =>
    readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), 'utf8'),
  );
  const lines = pages.flatMap(
    (page) => page.match(/(?<=^|^SMTPD\S+ |`)smtpd (?:proxy|mailman) [^-\n`][^\n`#]*/gm) ?? [],
  );

  it.each(lines.map((line) => line.trim()))('can be run: %s', async (line) => {
    const output = new PassThrough();
    const errors = new PassThrough();
    const environment = { SMTPD_MAILMAN_PASSWORD: 'secret' };
    const argv = [...line.split(' ').slice(1), '--print-config'];
    const code = await main(argv, { output, errors, isColored: false, environment });
    expect([code, outputOf(errors).toString()]).toEqual([0, expect.not.stringMatching(/^smtpd: /)]);
    const { listen } = JSON.parse(outputOf(output).toString()) as { listen: string[] };
    // The first word, or where it listens without one.
    expect(listen).toEqual([
      /^smtpd \w+ (\S*:\d+) (?!-)|^smtpd \w+ (:\d+)/.exec(line)?.slice(1).find(Boolean) ?? '127.0.0.1:1025',
    ]);
  });

  it('are there', () => {
    expect(lines.length).toBeGreaterThanOrEqual(8);
  });
});

describe('docs/cli.md', () => {
  const page = readFileSync(new URL('../../../../docs/cli.md', import.meta.url), 'utf8');

  it('names every oddity and every command', () => {
    for (const name of ODDITY_NAMES) expect(page).toContain(`| \`${name}\` |`);
    for (const { name } of COMMANDS) expect(page).toContain(`smtpd ${name}`);
  });
});
