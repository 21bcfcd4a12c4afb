/** SPF, DKIM, DMARC and ARC, with keys made here and a DNS that is a table. No packet leaves. */

import { execFileSync } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sealMessage } from 'mailauth';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import nodemailer from 'nodemailer';
import ts from 'typescript';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Envelope, Session } from '../../src/api/model.js';
import { authenticate, LOOKUPS_MAX, SIGNATURES_MAX, type DNSLookup } from '../../src/mail/authentication.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const pem = (key: KeyObject): string =>
  key.export({ format: 'pem', type: key.type === 'private' ? 'pkcs8' : 'spki' }).toString();

const ENVELOPE: Envelope = {
  mailFrom: 'ann@a.example',
  rcptTos: ['bob@b.example'],
  mailOptions: [],
  rcptOptions: [[]],
};
const SESSION: Session = {
  peer: { address: '192.0.2.1', port: 40_000 },
  clientName: 'mail.a.example',
  protocol: 'ESMTP',
};
const KEY = { domain: 'a.example', selector: 's1', publicKey: pem(rsa.publicKey) };

/** A message that nodemailer signs. */
async function signed(): Promise<Buffer> {
  const transport = nodemailer.createTransport({ streamTransport: true, buffer: true, newline: 'windows' });
  const { message } = await transport.sendMail({
    from: 'Ann <ann@a.example>',
    to: 'bob@b.example',
    subject: 'Hello',
    text: 'Hello.\n',
    dkim: { domainName: 'a.example', keySelector: 's1', privateKey: pem(rsa.privateKey) },
  });
  return message as Buffer;
}

/** The DNS of a table, and what was asked of it. */
function lookupIn(records: Readonly<Record<string, unknown>>): { lookup: DNSLookup; asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    lookup: (name, type) => {
      asked.push(`${type} ${name}`);
      const answer = records[`${type} ${name}`];
      return answer === undefined
        ? Promise.reject(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }))
        : Promise.resolve(answer);
    },
  };
}

// RFC 6376 §3.4.3.
const EMPTY_BODY_HASH = 'frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=';

const record = (key: KeyObject): string =>
  `v=DKIM1; k=rsa; p=${key.export({ format: 'der', type: 'spki' }).toString('base64')}`;
const ZONE = {
  'TXT a.example': [['v=spf1 ip4:192.0.2.1 -all']],
  'TXT s1._domainkey.a.example': [[record(rsa.publicKey)]],
  'TXT _dmarc.a.example': [['v=DMARC1; p=reject']],
};

describe('authenticate', () => {
  const spies: ReturnType<typeof vi.spyOn>[] = [];

  beforeEach(() => {
    // Whatever would go out goes through one of these.
    const refuse = (): never => {
      throw new Error('A packet was to leave');
    };
    spies.push(
      ...(['resolve', 'resolveTxt', 'resolve4', 'resolve6', 'resolveMx', 'lookup'] as const).flatMap((name) => [
        vi.spyOn(dns, name).mockImplementation(refuse as never),
        vi.spyOn(dns.promises, name).mockImplementation(refuse as never),
      ]),
      vi.spyOn(dns.Resolver.prototype, 'resolve').mockImplementation(refuse),
      vi.spyOn(dgram.Socket.prototype, 'send').mockImplementation(refuse),
      vi.spyOn(net.Socket.prototype, 'connect').mockImplementation(refuse),
    );
  });

  afterEach(() => {
    for (const spy of spies) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
    spies.length = 0;
  });

  it('is off with neither DNS nor keys', async () => {
    expect(await authenticate({ raw: await signed(), envelope: ENVELOPE, session: SESSION })).toEqual({
      state: 'off',
      checks: [],
    });
  });

  it.each([
    ['PEM', pem(rsa.publicKey)],
    ['a record', record(rsa.publicKey)],
    ['its octets', rsa.publicKey.export({ format: 'der', type: 'spki' }).toString('base64').replace(/.{64}/g, '$&\n')],
  ])('checks a signature with a supplied key as %s, offline', async (_name, publicKey) => {
    const result = await authenticate({
      raw: await signed(),
      envelope: ENVELOPE,
      session: SESSION,
      keys: [{ ...KEY, publicKey }],
    });
    expect(result.state).toBe('done');
    expect(result.checks).toMatchObject([
      { method: 'dkim', result: 'pass', domain: 'a.example', selector: 's1' },
      { method: 'arc', result: 'none' },
    ]);
    expect(structuredClone(result)).toEqual(result);
  });

  it('takes keys of Ed25519', async () => {
    const unsigned = Buffer.from('From: ann@a.example\r\nTo: bob@b.example\r\nSubject: Hello\r\n\r\nHello.\r\n');
    const { signatures } = await dkimSign(unsigned, {
      signatureData: [{ signingDomain: 'a.example', selector: 'e1', privateKey: pem(ed25519.privateKey) }],
      // Its types do not know the list.
    } as never);
    const { checks } = await authenticate({
      raw: Buffer.concat([Buffer.from(signatures), unsigned]),
      envelope: ENVELOPE,
      session: SESSION,
      keys: [{ domain: 'A.example', selector: 'e1', publicKey: pem(ed25519.publicKey) }],
    });
    expect(checks[0]).toMatchObject({ method: 'dkim', result: 'pass', selector: 'e1' });
  });

  it.each([
    ['an altered body', (raw: string) => raw.replace('Hello.', 'Hullo.'), KEY, 'neutral'],
    ['an altered subject', (raw: string) => raw.replace('Subject: Hello', 'Subject: Hullo'), KEY, 'fail'],
    [
      'another key',
      (raw: string) => raw,
      { ...KEY, publicKey: pem(generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey) },
      'fail',
    ],
    ['no key', (raw: string) => raw, { ...KEY, selector: 's2' }, 'neutral'],
  ])('does not pass %s', async (_name, alter, key, expected) => {
    const raw = Buffer.from(alter((await signed()).toString('latin1')), 'latin1');
    const { checks } = await authenticate({ raw, envelope: ENVELOPE, session: SESSION, keys: [key] });
    expect(checks[0]).toMatchObject({ method: 'dkim', result: expected });
  });

  it('checks everything by the DNS that it is given, and asks nothing twice', async () => {
    const { lookup, asked } = lookupIn(ZONE);
    const { checks } = await authenticate({
      raw: await signed(),
      envelope: ENVELOPE,
      session: SESSION,
      resolver: lookup,
    });
    expect(checks).toMatchObject([
      { method: 'spf', result: 'pass', domain: 'a.example' },
      { method: 'dkim', result: 'pass', domain: 'a.example' },
      { method: 'dmarc', result: 'pass', domain: 'a.example' },
      { method: 'arc', result: 'none' },
    ]);
    expect(asked).toEqual([...new Set(asked)]);
    expect(asked).toContain('TXT _dmarc.a.example');
  });

  it('prefers a supplied key to that of the DNS', async () => {
    const { lookup, asked } = lookupIn({ ...ZONE, 'TXT s1._domainkey.a.example': [['v=DKIM1; p=']] });
    const { checks } = await authenticate({
      raw: await signed(),
      envelope: ENVELOPE,
      session: SESSION,
      resolver: lookup,
      keys: [KEY],
    });
    expect(checks[1]).toMatchObject({ method: 'dkim', result: 'pass' });
    expect(asked).not.toContain('TXT s1._domainkey.a.example');
  });

  it.each([
    ['another address', {}, { peer: { address: '198.51.100.1', port: 1 } }, 'fail'],
    ['a domain without a record', { mailFrom: 'ann@n.example' }, {}, 'none'],
  ])('does not let SPF pass for %s', async (_name, envelope, session, expected) => {
    const { checks } = await authenticate({
      raw: await signed(),
      envelope: { ...ENVELOPE, ...envelope },
      session: { ...SESSION, ...session },
      resolver: lookupIn(ZONE).lookup,
    });
    expect(checks[0]).toMatchObject({ method: 'spf', result: expected });
  });

  it('lets DMARC fail where neither is of the domain of From', async () => {
    const { lookup } = lookupIn({
      'TXT e.example': [['v=spf1 ip4:192.0.2.1 -all']],
      'TXT _dmarc.a.example': [['v=DMARC1; p=reject']],
    });
    const { checks } = await authenticate({
      raw: Buffer.from('From: ann@a.example\r\nSubject: Hello\r\n\r\nHello.\r\n'),
      envelope: { ...ENVELOPE, mailFrom: 'eve@e.example' },
      session: SESSION,
      resolver: lookup,
    });
    expect(checks).toMatchObject([
      { method: 'spf', result: 'pass', domain: 'e.example' },
      { method: 'dkim', result: 'none' },
      { method: 'dmarc', result: 'fail', domain: 'a.example' },
      { method: 'arc', result: 'none' },
    ]);
  });

  it('checks a chain of ARC, whole and broken', async () => {
    const { lookup } = lookupIn({ ...ZONE, 'TXT arc._domainkey.l.example': [[record(rsa.publicKey)]] });
    const raw = await signed();
    const seal = await sealMessage(raw, {
      signingDomain: 'l.example',
      selector: 'arc',
      privateKey: pem(rsa.privateKey),
      authResults: 'l.example; spf=pass',
      cv: 'none',
      i: 1,
    } as never);
    const whole = Buffer.concat([seal, raw]);
    const check = async (message: Buffer) =>
      (await authenticate({ raw: message, envelope: ENVELOPE, session: SESSION, resolver: lookup })).checks.find(
        ({ method }) => method === 'arc',
      );
    expect(await check(whole)).toMatchObject({ result: 'pass', domain: 'l.example', selector: 'arc' });
    const broken = Buffer.from(whole.toString('latin1').replace('Hello.', 'Hullo.'), 'latin1');
    expect((await check(broken))?.result).toBe('fail');
  });

  it('checks nothing of a message with too many signatures, and asks no more than it may', async () => {
    const field = (index: number): string =>
      `DKIM-Signature: v=1; a=rsa-sha256; d=d${String(index)}.example; s=s; h=from; bh=${EMPTY_BODY_HASH}; b=YQ==\r\n`;
    const many = Array.from({ length: SIGNATURES_MAX + 1 }, (_, index) => field(index)).join('');
    const { lookup, asked } = lookupIn({});
    const result = await authenticate({
      raw: Buffer.from(`${many}From: a@a.example\r\n\r\nDKIM-Signature: x\r\n`),
      envelope: ENVELOPE,
      session: SESSION,
      resolver: lookup,
    });
    expect(result.checks).toMatchObject([{ method: 'dkim', result: 'permerror' }]);
    expect(asked).toEqual([]);
    await authenticate({
      raw: Buffer.from(`${many.slice(field(0).length)}From: a@a.example\r\n\r\n`),
      envelope: ENVELOPE,
      session: SESSION,
      resolver: lookup,
    });
    expect(asked.length).toBeGreaterThan(SIGNATURES_MAX);
    expect(asked.length).toBeLessThanOrEqual(LOOKUPS_MAX);
  });

  it('says that the package is missing', async () => {
    // Where no package is near: the module alone, in a process of its own.
    const folder = mkdtempSync(join(tmpdir(), 'authentication-'));
    try {
      const source = readFileSync(new URL('../../src/mail/authentication.ts', import.meta.url), 'utf8');
      const { outputText } = ts.transpileModule(source, {
        compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
      });
      writeFileSync(join(folder, 'authentication.mjs'), outputText);
      const mail = JSON.stringify({ envelope: ENVELOPE, session: SESSION, keys: [KEY] });
      const script = `import { authenticate } from './authentication.mjs';
        console.log(JSON.stringify(await authenticate({ raw: Buffer.from(''), ...${mail} })));`;
      writeFileSync(join(folder, 'script.mjs'), script);
      const printed = execFileSync(process.execPath, [join(folder, 'script.mjs')], { encoding: 'utf8' });
      expect(JSON.parse(printed)).toEqual({ state: 'missing', checks: [] });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
