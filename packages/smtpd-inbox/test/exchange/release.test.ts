import { dsn } from 'smtpd';
import { drop, startTestServer } from 'smtpd/testing';
import type { Envelope } from 'smtpd-store';
import { describe, expect, it } from 'vitest';

import { requirePostfix } from '../../../smtpd/test/support/component.js';
import { freePort } from '../../../smtpd/test/support/free-port.js';
import { startPostfix } from '../../../smtpd/test/support/postfix-instance.js';
import { RecipientList } from '../../src/exchange/recipient-list.js';
import { Releaser, type ReleaserOptions } from '../../src/exchange/release.js';
import { replay } from '../../src/exchange/replay.js';
import type { StoredMail } from '../../src/exchange/send-stored.js';

const RAW = Buffer.from('Subject: Hi\r\nBcc: x\r\n\r\n..\r\nFrom \0\r\n', 'latin1');

describe('the list of recipients', () => {
  it.each<[entries: readonly string[], allowed: readonly string[], refused: readonly string[]]>([
    [[], [], ['ann@a.example', '']],
    [
      ['ann@a.example'],
      ['ann@a.example', 'ann@A.EXAMPLE'],
      ['Ann@a.example', 'bob@a.example', 'ann@a.example.org', 'xann@a.example', 'ann@b.a.example', 'ann'],
    ],
    [
      ['@a.example'],
      ['ann@a.example', 'änn@A.example'],
      ['ann@b.example', 'ann@x.a.example', '@a.example', 'a.example'],
    ],
    [['a.example'], ['ann@a.example'], ['ann@b.example']],
    [['*@bücher.example'], ['ann@BÜCHER.example', 'ann@xn--bcher-kva.example'], ['ann@bucher.example']],
    [['*@*.a.example'], ['ann@x.a.example', 'ann@y.x.a.example'], ['ann@a.example', 'ann@xa.example']],
    [['qa-*@a.example'], ['qa-@a.example', 'qa-1+x@a.example'], ['qa@a.example', 'xqa-1@a.example']],
    [['*'], ['ann@a.example', 'ann%b@a.example', '"a b"@c'], []],
    // Ways to somewhere else, in the manner of former times.
    [
      ['@a.example', '*@a.example'],
      [],
      [
        'eve%e.example@a.example',
        'e.example!eve@a.example',
        '"eve@e.example"@a.example',
        'eve@e.example@a.example',
        '@e.example:ann@a.example',
        'eve@e.example,ann@a.example',
        'eve@e.example\r\nRCPT TO:<x@a.example',
      ],
    ],
    [['eve%e.example@a.example'], ['eve%e.example@a.example'], ['ann@a.example']],
  ])('%j', (entries, allowed, refused) => {
    const list = new RecipientList(entries);
    expect(allowed.filter((address) => !list.has(address))).toEqual([]);
    expect(refused.filter((address) => list.has(address))).toEqual([]);
    expect(list.isEmpty).toBe(entries.length === 0);
  });

  it.each(['', ' ', 'ann@', '@', 'a b@c', 'ann@a.example, bob@b.example', '<ann@a.example>', 'a\n@b'])(
    '%j is nobody',
    (entry) => {
      expect(() => new RecipientList([entry])).toThrow(/is nobody: write ann@a\.example/);
    },
  );
});

describe('a message that is released', () => {
  it('arrives octet for octet, with its envelope and each reply', async () => {
    await using smtp = await startTestServer({ extensions: [dsn()] });
    smtp.next('rcpt', '550 5.1.1 No such user', { when: { to: 'nobody@b.example' } });
    const result = await releaserTo(smtp).release(
      mail({
        rcptTos: ['bob@b.example', 'nobody@b.example', 'hidden@c.example'],
        mailOptions: ['SIZE=9', 'BODY=8BITMIME', 'RET=HDRS', 'MT-PRIORITY=3', 'XANY=1', 'SMTPUTF8'],
        rcptOptions: [['NOTIFY=NEVER'], ['NOTIFY=NEVER'], ['ORCPT=rfc822;x@y']],
      }),
    );
    expect(result.recipients).toEqual([
      { address: 'bob@b.example', isAccepted: true, reply: expect.stringMatching(/^250 /) as string },
      { address: 'nobody@b.example', isAccepted: false, reply: '550 5.1.1 No such user' },
      { address: 'hidden@c.example', isAccepted: true, reply: result.reply },
    ]);
    const [message] = smtp.messages;
    expect(Buffer.from(message!.raw)).toEqual(RAW);
    expect(message!.mailFrom).toBe('ann@a.example');
    expect(message!.rcptTos).toEqual(['bob@b.example', 'hidden@c.example']);
    expect([...message!.mailOptions].sort()).toEqual([
      'BODY=8BITMIME',
      'RET=HDRS',
      `SIZE=${String(RAW.length)}`,
      'SMTPUTF8',
    ]);
    expect(message!.rcptOptions).toEqual([['NOTIFY=NEVER'], ['ORCPT=rfc822;x@y']]);
  });

  it('loses what is only a hint where the server does not know it, and nothing else', async () => {
    await using smtp = await startTestServer({
      disabledExtensions: ['8BITMIME', 'SMTPUTF8', 'CHUNKING', 'BINARYMIME'],
    });
    const releaser = releaserTo(smtp);
    const options = ['BODY=8BITMIME', 'RET=HDRS', 'AUTH=<>', 'SMTPUTF8'];
    await releaser.release(mail({ mailOptions: options, rcptOptions: [['NOTIFY=NEVER']] }));
    expect(smtp.messages[0]?.mailOptions).toEqual([`SIZE=${String(RAW.length)}`]);
    expect(smtp.messages[0]?.rcptOptions).toEqual([[]]);
    for (const [given, need] of [
      [{ mailOptions: ['REQUIRETLS'] }, 'REQUIRETLS'],
      [{ mailOptions: ['SMTPUTF8'], raw: Buffer.from('Subject: ä\r\n\r\n') }, 'SMTPUTF8'],
      [{ raw: Buffer.from('Subject: a\r\n\r\nä\r\n') }, '8BITMIME'],
    ] as const) {
      await expect(releaser.release(mail(given))).rejects.toMatchObject({
        code: 'EXCHANGE_FAILED',
        message: `It was not sent: The message needs ${need}, which the server does not offer`,
      });
    }
    expect(smtp.messages).toHaveLength(1);
  });

  it('with bare line ends goes as it is or not at all', async () => {
    await using smtp = await startTestServer({ lineEndings: 'preserve' });
    for (const raw of ['a\nb\r\n', 'a\rb\r\n', '\n', 'a\r'].map((text) => Buffer.from(text))) {
      smtp.clear();
      await releaserTo(smtp).release(mail({ raw, mailOptions: ['BODY=8BITMIME'] }));
      expect(Buffer.from(smtp.messages[0]!.raw)).toEqual(raw);
      await using plain = await startTestServer({ disabledExtensions: ['BINARYMIME'] });
      await expect(releaserTo(plain).release(mail({ raw }))).rejects.toMatchObject({
        code: 'EXCHANGE_FAILED',
        message: expect.stringContaining('not part of a CRLF') as string,
      });
      expect(plain.messages).toEqual([]);
    }
  });

  it('goes to other recipients from another sender: whoever was one before keeps the parameters', async () => {
    await using smtp = await startTestServer({ extensions: [dsn()] });
    const given = mail({
      rcptTos: ['bob@b.example', 'c@d.example'],
      rcptOptions: [['NOTIFY=NEVER'], ['NOTIFY=DELAY']],
    });
    await releaserTo(smtp).release(given, { to: ['new@b.example', 'c@D.example'], from: '' });
    expect(smtp.messages).toMatchObject([
      { mailFrom: '', rcptTos: ['new@b.example', 'c@D.example'], rcptOptions: [[], ['NOTIFY=DELAY']] },
    ]);
  });

  it('goes nowhere when one recipient is not allowed, and not even a connection is made', async () => {
    await using smtp = await startTestServer();
    const releaser = releaserTo(smtp, { allow: ['@b.example'] });
    expect(releaser.isAllowed('bob@b.example')).toBe(true);
    expect(releaser.isAllowed('eve@e.example')).toBe(false);
    const rcptTos = ['bob@b.example', 'eve@e.example'];
    await expect(releaser.release(mail({ rcptTos }))).rejects.toMatchObject({
      code: 'EXCHANGE_NOT_ALLOWED',
      message: 'Nothing was sent: "eve@e.example" is not on the list of recipients to whom mail may be released',
    });
    await expect(releaser.release(mail({}), { to: ['x@e.example', 'y@e.example'] })).rejects.toThrow(
      /y@e\.example" are not/,
    );
    await expect(releaserTo(smtp, { allow: [] }).release(mail({}))).rejects.toMatchObject({
      code: 'EXCHANGE_NOT_ALLOWED',
    });
    await expect(releaser.release(mail({ rcptTos: [] }))).rejects.toMatchObject({ code: 'EXCHANGE_BAD_MAIL' });
    expect(smtp.sessions).toEqual([]);
  });

  it('is refused by the server: at MAIL, for everybody, after the content', async () => {
    await using smtp = await startTestServer();
    const releaser = releaserTo(smtp);
    smtp.next('mail', '550 5.7.1 Not from you');
    expect(await releaser.release(mail({}))).toEqual({
      recipients: [{ address: 'bob@b.example', isAccepted: false, reply: '550 5.7.1 Not from you' }],
    });
    smtp.next('rcpt', '450 4.2.1 Not now');
    expect(await releaser.release(mail({}))).toEqual({
      recipients: [{ address: 'bob@b.example', isAccepted: false, reply: '450 4.2.1 Not now' }],
    });
    smtp.next('message', '554 5.6.0 Not that');
    expect(await releaser.release(mail({}))).toEqual({
      recipients: [{ address: 'bob@b.example', isAccepted: false, reply: '554 5.6.0 Not that' }],
      reply: '554 5.6.0 Not that',
    });
  });

  it('cannot be sent: what failed is said, and secrets are not', async () => {
    const closed = new Releaser({
      to: `127.0.0.1:${String(await freePort())}`,
      allow: ['*'],
      hostname: 'inbox.example',
    });
    await expect(closed.release(mail({}))).rejects.toMatchObject({
      code: 'EXCHANGE_FAILED',
      message: expect.stringContaining('ECONNREFUSED') as string,
      cause: { code: 'SMTPD_CONNECT_FAILED' },
    });
    await using smtp = await startTestServer({ auth: { mode: 'offer', plaintext: 'always' } });
    smtp.next('auth', '535 5.7.8 No');
    const auth = { user: 'u', password: 'hunter2', plaintext: 'always' } as const;
    const error: unknown = await releaserTo(smtp, { auth })
      .release(mail({}))
      .catch((each: unknown) => each);
    expect(error).toMatchObject({
      code: 'EXCHANGE_FAILED',
      message: expect.stringContaining('535 5.7.8 No') as string,
    });
    expect(JSON.stringify(error) + String(error)).not.toContain('hunter2');
    await expect(releaserTo(smtp).release(mail({}), { to: ['no address'] })).rejects.toMatchObject({
      code: 'EXCHANGE_FAILED',
    });
  });

  it('may be there although no answer came, and that is said', async () => {
    await using smtp = await startTestServer();
    smtp.next('message', drop({ at: 'afterTaking' }));
    await expect(releaserTo(smtp).release(mail({}))).rejects.toMatchObject({
      code: 'EXCHANGE_FAILED',
      message: expect.stringMatching(/^It may have been sent, there was no answer: /) as string,
    });
  });

  it('is given up when whoever asked for it leaves', async () => {
    await using smtp = await startTestServer();
    const leaving = new AbortController();
    smtp.server.use({
      name: 'leaving',
      rcpt: () => {
        leaving.abort();
      },
    });
    await expect(releaserTo(smtp).release(mail({}), {}, { signal: leaving.signal })).rejects.toMatchObject({
      code: 'EXCHANGE_FAILED',
      cause: { code: 'SMTPD_ABORTED' },
    });
    expect(smtp.messages).toEqual([]);
  });

  it('goes to one server, over TCP, TLS or a Unix socket', () => {
    expect(releaser('smtp://MAIL.example:587').destination).toBe('smtp://mail.example:587');
    expect(releaser('smtps://mail.example').destination).toBe('smtps://mail.example:465');
    expect(releaser('lmtp:unix:/run/lmtp').destination).toBe('lmtp:unix:/run/lmtp');
    expect(() => releaser('mx:a.example')).toThrow(/to one server/);
    expect(() => releaser('http://a.example')).toThrow(/mail does not go by http/);
  });
});

describe('Postfix', () => {
  requirePostfix();

  it('is told everything, and what it says of each recipient is what comes back', async () => {
    await using postfix = await startPostfix({
      main: {
        virtual_mailbox_domains: 'b.example',
        virtual_mailbox_maps: 'texthash:$config_directory/users',
        virtual_transport: 'discard',
        smtpd_recipient_restrictions: 'reject_unauth_destination, reject_unlisted_recipient',
        smtpd_relay_restrictions: '',
      },
      files: { users: 'bob@b.example exists\n' },
    });
    const to = ['bob@b.example', 'nobody@b.example', 'dan@elsewhere.example'];
    const result = await new Releaser({
      to: `smtp://127.0.0.1:${String(postfix.port)}`,
      allow: ['*'],
      hostname: 'inbox.example',
    }).release(mail({ mailOptions: ['RET=HDRS', 'ENVID=abc'], rcptOptions: [['NOTIFY=NEVER']] }), { to });
    expect(result).toEqual({
      recipients: [
        {
          address: 'bob@b.example',
          isAccepted: true,
          reply: expect.stringMatching(/^250 2\.0\.0 Ok: .*queued as \w+$/) as string,
        },
        {
          address: 'nobody@b.example',
          isAccepted: false,
          reply: '550 5.1.1 <nobody@b.example>: Recipient address rejected: User unknown in virtual mailbox table',
        },
        {
          address: 'dan@elsewhere.example',
          isAccepted: false,
          reply: '554 5.7.1 <dan@elsewhere.example>: Relay access denied',
        },
      ],
      reply: result.recipients[0]?.reply,
    });
    await postfix.log.line(/ to=<bob@b\.example>, .* status=sent /);
  });
});

it('a message that is replayed comes to the inbox again', async () => {
  await using smtp = await startTestServer({ extensions: [dsn()], tls: { mode: 'require' } });
  const { host, port } = smtp;
  const given = mail({ mailFrom: '', rcptTos: ['any@where.example'], rcptOptions: [['NOTIFY=NEVER']] });
  const result = await replay(given, { host, port });
  expect(result.recipients).toMatchObject([{ address: 'any@where.example', isAccepted: true }]);
  expect(smtp.messages).toMatchObject([
    { mailFrom: '', rcptTos: ['any@where.example'], rcptOptions: [['NOTIFY=NEVER']] },
  ]);
  expect(Buffer.from(smtp.messages[0]!.raw)).toEqual(RAW);
});

function releaser(to: string): Releaser {
  return new Releaser({ to, allow: [] });
}

function releaserTo({ port }: { readonly port: number }, options: Partial<ReleaserOptions> = {}): Releaser {
  return new Releaser({ to: `127.0.0.1:${String(port)}`, allow: ['*'], hostname: 'inbox.example', ...options });
}

function mail({ raw = RAW, ...given }: Partial<Envelope> & { readonly raw?: Uint8Array }): StoredMail {
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield raw.subarray(0, 3);
    yield raw.subarray(3);
  }
  const rcptTos = given.rcptTos ?? ['bob@b.example'];
  return {
    raw: pieces(),
    envelope: { mailFrom: 'ann@a.example', rcptTos, mailOptions: [], rcptOptions: rcptTos.map(() => []), ...given },
  };
}
