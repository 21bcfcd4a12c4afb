/** The settings that the page offers to copy: those that can be run here are, as they are written, against a server of each kind. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';
import { anyAuth, type SMTPServerOptions } from 'smtpd';
import { startTestServer } from 'smtpd/testing';
import { describe, expect, it } from 'vitest';

import { requireCommand } from '../../../smtpd/test/support/component.js';
import { clientSettings, type MailTarget } from '../../page/welcome/client-settings.js';

/** What is written for a client. */
function codeFor(name: string, target: MailTarget): string {
  return clientSettings(target).find((each) => each.name === name)?.code ?? '';
}

/** Servers as an inbox may be: with STARTTLS offered or needed, with TLS from the first octet, with and without a login. */
const KINDS: readonly { readonly tls: MailTarget['tls']; readonly credentials?: { user: string; password: string } }[] =
  [
    { tls: 'off' },
    { tls: 'offer' },
    { tls: 'require' },
    { tls: 'implicit' },
    { tls: 'offer', credentials: { user: 'k3f9', password: `it's "secret"` } },
    { tls: 'require', credentials: { user: 'k3f9', password: 'p4ss' } },
  ];

describe('settings that a shell or Node runs', () => {
  requireCommand('swaks');
  requireCommand('curl');
  it.each(KINDS.flatMap((kind) => ['nodemailer', 'swaks', 'curl'].map((client) => ({ ...kind, client }))))(
    'bring a mail in: $client, TLS $tls, $credentials.user',
    async ({ client, tls, credentials }) => {
      const users: string[] = [];
      const options: SMTPServerOptions = {
        tls: { mode: tls },
        auth: { mode: credentials === undefined ? 'offer' : 'require', plaintext: 'always' },
      };
      await using server = await startTestServer(options);
      server.server.use({
        ...anyAuth(),
        message: ({ session }) => {
          users.push(session.identity?.user ?? '');
        },
      });
      const target: MailTarget = { host: '127.0.0.1', port: server.port, tls, ...(credentials ? { credentials } : {}) };
      const code = codeFor(client, target);
      const [command, args] =
        client === 'nodemailer'
          ? [process.execPath, ['--input-type=module', '-e', code.replace(`'nodemailer'`, JSON.stringify(NODEMAILER))]]
          : ['sh', ['-c', code]];
      const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
      const [output, complaints] = [text(child.stdout), text(child.stderr)];
      const [status] = (await once(child, 'close')) as [number];
      expect(status, `${code}\n${await output}\n${await complaints}`).toBe(0);
      expect(server.messages.map(({ rcptTos }) => rcptTos)).toEqual([['bob@example.test']]);
      expect(users).toEqual([credentials?.user ?? '']);
    },
  );
});

describe('settings', () => {
  it('name the host and the port for every client, an IPv6 address as each of them wants it', () => {
    const target: MailTarget = { host: '::1', port: 2525, tls: 'offer' };
    for (const { name, code } of clientSettings(target)) {
      expect(code, name).toContain('::1');
      expect(code, name).toContain('2525');
      expect(code, name).not.toContain('undefined');
    }
    expect(codeFor('curl', target)).toContain('smtp://[::1]:2525');
    expect(codeFor('go', target)).toContain('"[::1]:2525"');
    expect(codeFor('django', target)).toContain('EMAIL_HOST = "::1"');
  });

  it('say how TLS is begun, and who logs in', () => {
    const credentials = { user: 'k3f9', password: 'p4ss' };
    const encrypted = (tls: MailTarget['tls']) =>
      clientSettings({ host: 'h', port: 1, tls, credentials })
        .map(({ code }) => code)
        .join('\n');
    expect(encrypted('implicit')).toMatch(
      /EMAIL_USE_SSL = True[^]*ssl: true[^]*smtps:[^]*ssl\.enable=true[^]*tls\.Dial[^]*--tls-starttls=off/,
    );
    expect(encrypted('require')).toMatch(
      /EMAIL_USE_TLS = True[^]*enable_starttls: true[^]*starttls\.required=true[^]*StartTLS[^]*--tls-starttls=on/,
    );
    for (const { name, code } of clientSettings({ host: 'h', port: 1, tls: 'off', credentials })) {
      expect(code, name).toContain('k3f9');
      expect(code, name).toContain('p4ss');
    }
  });
});

const NODEMAILER = createRequire(import.meta.url).resolve('nodemailer');
