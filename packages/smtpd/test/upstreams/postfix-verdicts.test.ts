/**
 * Postfix behind a proxy: what it says to a client at its own door it says to one at the proxy's, recipient by recipient, to the letter.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';

import { KeepingServer } from '../server/support.js';
import { requirePostfix } from '../support/component.js';
import { startPostfix, type PostfixInstance } from '../support/postfix-instance.js';
import { RawClient, type WireReply } from '../support/raw-client.js';
import { PolicyService, type PolicyFacts } from './policy-service.js';
import { startProxy } from './support.js';

describe('Postfix behind a proxy', () => {
  requirePostfix();

  /** Says the lines to Postfix, and again to a proxy in front of it. */
  async function bothWays(
    postfix: PostfixInstance,
    lines: readonly string[],
    { mayWarn }: { readonly mayWarn: boolean } = { mayWarn: false },
  ): Promise<Both> {
    await using proxy = await startProxy(postfix.port);
    const direct = await replies(postfix.port, lines);
    const proxied = await replies(proxy.port, lines);
    const troubles = proxy.log.lines.filter(({ level }) => level === 'error' || (level === 'warn' && !mayWarn));
    expect(troubles).toEqual([]);
    return { direct, proxied };
  }

  it('knows its users: each recipient hears what Postfix says of that one', async () => {
    await using postfix = await startPostfix({ main: KNOWS_USERS, files: USERS });
    const to = ['bob@b.example', 'nobody@b.example', 'carol@b.example', 'dan@elsewhere.example'];
    const { direct, proxied } = await bothWays(postfix, [...envelope('a@a.example', to), 'DATA', 'Hi\r\n.']);
    expect(codesOf(direct)).toEqual([250, 250, 250, 550, 250, 554, 354, 250]);
    expect(direct[3]?.lines).toEqual([
      '5.1.1 <nobody@b.example>: Recipient address rejected: User unknown in virtual mailbox table',
    ]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
  });

  it('knows none of them: DATA is refused as Postfix refuses it', async () => {
    await using postfix = await startPostfix({ main: KNOWS_USERS, files: USERS });
    const { direct, proxied } = await bothWays(postfix, envelope('a@a.example', ['x@b.example', 'y@b.example']));
    expect(codesOf(direct)).toEqual([250, 250, 550, 550]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
  });

  it('refuses a sender, at MAIL or at the recipients, as it was told to', async () => {
    for (const delays of ['yes', 'no']) {
      const main = {
        ...KNOWS_USERS,
        smtpd_delay_reject: delays,
        smtpd_sender_restrictions: 'check_sender_access inline:{{spammer@a.example=550 5.7.1 We know you}}',
      };
      await using postfix = await startPostfix({ main, files: USERS });
      const { direct, proxied } = await bothWays(postfix, envelope('spammer@a.example', ['bob@b.example']));
      expect(codesOf(direct)).toEqual(delays === 'yes' ? [250, 250, 550] : [250, 550, 503]);
      expect(saidOf(proxied).slice(0, 2)).toEqual(saidOf(direct).slice(0, 2));
      // Without a MAIL that was accepted the proxy itself knows the order of things.
      if (delays === 'yes') expect(saidOf(proxied)).toEqual(saidOf(direct));
      else expect(codesOf(proxied)).toEqual(codesOf(direct));
    }
  });

  it('greylists: 450 for those whom it has not seen, and the next time they are welcome', async () => {
    const isSeen = new Set<string>();
    await using policy = await PolicyService.start((facts) => greylist(facts, isSeen));
    await using postfix = await startPostfix({ main: knowsUsersAndAsks(policy), files: USERS });
    const lines = [...envelope('a@a.example', ['bob@b.example', 'carol@b.example']), 'DATA', 'Hi\r\n.'];
    isSeen.add('carol@b.example');
    const direct = await replies(postfix.port, lines);
    expect(codesOf(direct)).toEqual([250, 250, 450, 250, 354, 250]);
    expect(direct[2]?.lines).toEqual(['4.7.1 <bob@b.example>: Recipient address rejected: Greylisted']);
    isSeen.delete('bob@b.example');
    await using proxy = await startProxy(postfix.port);
    expect(saidOf(await replies(proxy.port, lines))).toEqual(saidOf(direct));
    expect(codesOf(await replies(proxy.port, lines))).toEqual([250, 250, 250, 250, 354, 250]);
  });

  it('has quotas: a recipient that the declared size is too much for hears so, the others take it', async () => {
    await using policy = await PolicyService.start((facts) =>
      facts.get('recipient') === 'carol@b.example' && Number(facts.get('size')) > 4_000
        ? '552 5.2.2 Mailbox is full'
        : 'DUNNO',
    );
    await using postfix = await startPostfix({ main: knowsUsersAndAsks(policy), files: USERS });
    const lines = [
      'EHLO client.example',
      'MAIL FROM:<a@a.example> SIZE=5000',
      'RCPT TO:<bob@b.example>',
      'RCPT TO:<carol@b.example>',
      'DATA',
      `${'x'.repeat(70)}\r\n.`,
    ];
    const { direct, proxied } = await bothWays(postfix, lines);
    expect(codesOf(direct)).toEqual([250, 250, 250, 552, 354, 250]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
  });

  it('has a size limit, which becomes the proxy’s', async () => {
    await using postfix = await startPostfix({ main: { ...KNOWS_USERS, message_size_limit: '10000' }, files: USERS });
    const hello = 'EHLO client.example';
    const declared = await bothWays(postfix, [hello, 'MAIL FROM:<a@a.example> SIZE=20000']);
    expect(declared.proxied[0]?.lines).toContain('SIZE 10000');
    expect(codesOf(declared.proxied)).toEqual(codesOf(declared.direct));
    expect(codesOf(declared.direct)).toEqual([250, 552]);
    const large = `${'x'.repeat(98)}\r\n`.repeat(110);
    const sent = await bothWays(postfix, [...envelope('a@a.example', ['bob@b.example']), 'DATA', `${large}.`]);
    expect(codesOf(sent.direct)).toEqual([250, 250, 250, 354, 552]);
    expect(codesOf(sent.proxied)).toEqual(codesOf(sent.direct));
    // What the proxy adds is what makes it too large: it is Postfix that says so.
    const nearly = `${'x'.repeat(444)}\r\n`.repeat(20);
    const lines = [...envelope('a@a.example', ['bob@b.example']), 'DATA', `${nearly}.`];
    const { direct, proxied } = await bothWays(postfix, lines);
    expect(codesOf(direct)).toEqual([250, 250, 250, 354, 250]);
    expect(saidOf(proxied).at(-1)).toEqual(saidOf(sent.direct).at(-1));
  });

  it.each([
    ['451 4.3.2 Not now', 451],
    ['DEFER Under load', 450],
    ['554 5.7.1 Not you', 554],
  ])('decides at DATA: %s', async (action, code) => {
    await using policy = await PolicyService.start((facts) =>
      facts.get('protocol_state') === 'DATA' ? action : 'DUNNO',
    );
    const main = { ...KNOWS_USERS, smtpd_data_restrictions: policy.restriction };
    await using postfix = await startPostfix({ main, files: USERS });
    const { direct, proxied } = await bothWays(postfix, [
      ...envelope('a@a.example', ['bob@b.example']),
      'DATA',
      'QUIT',
    ]);
    expect(codesOf(direct)).toEqual([250, 250, 250, code, 221]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
  });

  it('decides behind the content: the reply to it is Postfix’s', async () => {
    await using policy = await PolicyService.start((facts) =>
      facts.get('protocol_state') === 'END-OF-MESSAGE' ? '550 5.7.1 Read and refused' : 'DUNNO',
    );
    const main = { ...KNOWS_USERS, smtpd_end_of_data_restrictions: policy.restriction };
    await using postfix = await startPostfix({ main, files: USERS });
    const lines = [...envelope('a@a.example', ['bob@b.example']), 'DATA', 'Hi\r\n.'];
    const { direct, proxied } = await bothWays(postfix, lines);
    expect(codesOf(direct)).toEqual([250, 250, 250, 354, 550]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
    const content = 'Hi\r\n';
    const chunk = [
      ...envelope('a@a.example', ['bob@b.example']),
      `BDAT ${String(content.length)} LAST\r\n${content.trimEnd()}`,
    ];
    const chunked = await bothWays(postfix, chunk);
    expect(codesOf(chunked.direct)).toEqual([250, 250, 250, 550]);
    expect(saidOf(chunked.proxied)).toEqual(saidOf(chunked.direct));
  });

  it('is under load: what it defers is deferred, with its words', async () => {
    await using policy = await PolicyService.start(() => 'DEFER_IF_PERMIT Too busy');
    await using postfix = await startPostfix({ main: knowsUsersAndAsks(policy), files: USERS });
    const { direct, proxied } = await bothWays(postfix, envelope('a@a.example', ['bob@b.example', 'x@b.example']));
    expect(codesOf(direct)).toEqual([250, 250, 450, 550]);
    expect(saidOf(proxied)).toEqual(saidOf(direct));
  });

  it('turns connections away: the client hears 451, keeps its mail, and the log has Postfix’s 421', async () => {
    const main = { ...KNOWS_USERS, smtpd_client_connection_count_limit: '1', smtpd_client_event_limit_exceptions: '' };
    await using postfix = await startPostfix({ main, files: USERS });
    const holder = await RawClient.connect(postfix.port);
    await holder.reply();
    await holder.command('EHLO holder.example');
    await using proxy = await startProxy(postfix.port);
    const heard = await replies(proxy.port, envelope('a@a.example', ['bob@b.example']));
    expect(codesOf(heard)).toEqual([250, 451, 503]);
    expect(proxy.log.lines.map(({ fields }) => fields['reason'])).toContainEqual(
      expect.stringContaining('421 4.7.0 relay.example Error: too many connections from 127.0.0.1'),
    );
    holder.destroy();
    await postfix.log.line(/ disconnect from unknown\[127\.0\.0\.1\] ehlo=1 /);
  });

  it('takes no mail any more after too many errors: 421 becomes 451, and the client stays', async () => {
    const main = {
      ...KNOWS_USERS,
      smtpd_hard_error_limit: '2',
      smtpd_soft_error_limit: '1',
      smtpd_error_sleep_time: '0',
    };
    await using postfix = await startPostfix({ main, files: USERS });
    const to = ['w@b.example', 'x@b.example', 'y@b.example'];
    const { direct, proxied } = await bothWays(postfix, [...envelope('a@a.example', to), 'RSET'], { mayWarn: true });
    expect(codesOf(direct)).toEqual([250, 250, 550, 550, 421]);
    expect(codesOf(proxied)).toEqual([250, 250, 550, 550, 451, 250]);
    expect(proxied[4]?.lines).toEqual(direct[4]?.lines);
  });

  it('delivers what the proxy hands it, with the client’s address in X-Peer and in Received', async () => {
    await using sink = new KeepingServer();
    await sink.listen();
    const main = { ...KNOWS_USERS, virtual_transport: `smtp:[127.0.0.1]:${String(sink.port)}` };
    await using postfix = await startPostfix({ main, files: USERS });
    await using proxy = await startProxy(postfix.port);
    const content = 'Subject: Hi\r\n\r\n..\r\nHi\r\n';
    await replies(proxy.port, [...envelope('a@a.example', ['bob@b.example']), 'DATA', `${content}.`]);
    await postfix.log.line(/ status=sent /);
    const data = Buffer.from(sink.messages[0]!.data).toString('latin1');
    expect(data).toMatch(
      /^Received: from proxy\.example .*\r\n(?:\t.*\r\n)+Received: from client\.example .*127\.0\.0\.1.*\r\n(?:[\t ].*\r\n)+Subject: Hi\r\nX-Peer: 127\.0\.0\.1\r\n(?:(?:Message-Id|Date|From): .*\r\n){3}\r\n\.\r\nHi\r\n$/,
    );
  });
});

describe('Postfix that is told who the client is', () => {
  requirePostfix();

  const MAY_TELL = { smtpd_authorized_xforward_hosts: '127.0.0.0/8', smtpd_authorized_xclient_hosts: '127.0.0.0/8' };

  it.each([
    ['none', / smtpd\[\d+\]: \w+: client=unknown\[127\.0\.0\.1\]$/],
    [
      'xforward',
      / smtpd\[\d+\]: \w+: client=unknown\[127\.0\.0\.1\], orig_queue_id=\w+, orig_client=unknown\[127\.0\.0\.2\]$/,
    ],
    ['xclient', / smtpd\[\d+\]: \w+: client=unknown\[127\.0\.0\.2\]$/],
  ] as const)('with identify: %s', async (identify, line) => {
    await using postfix = await startPostfix({ main: { ...KNOWS_USERS, ...MAY_TELL }, files: USERS });
    await using proxy = await startProxy(postfix.port, { identify });
    const lines = [...envelope('a@a.example', ['bob@b.example']), 'DATA', 'Hi\r\n.'];
    expect(codesOf(await replies(proxy.port, lines, '127.0.0.2'))).toEqual([250, 250, 250, 354, 250]);
    await postfix.log.line(new RegExp(line.source.replace(' smtpd', ' postfix\\/smtpd')));
  });

  it('with a PROXY header, where Postfix expects one', async () => {
    const main = { ...KNOWS_USERS, smtpd_upstream_proxy_protocol: 'haproxy' };
    await using postfix = await startPostfix({ main, files: USERS });
    await using proxy = await startProxy(postfix.port, { identify: 'proxyHeader' });
    const lines = [...envelope('a@a.example', ['bob@b.example']), 'DATA', 'Hi\r\n.'];
    const heard = await replies(proxy.port, lines, '127.0.0.2');
    expect(codesOf(heard)).toEqual([250, 250, 250, 354, 250]);
    await postfix.log.line(/ postfix\/smtpd\[\d+\]: \w+: client=unknown\[127\.0\.0\.2\]$/);
    // Whoever only asks what Postfix offers comes for no client, and says so.
    expect(heard[0]?.lines).toContain('DSN');
    expect(postfix.log.matching(/haproxy/)).toEqual([]);
  });

  it('with XCLIENT: its own rules see the client, and each client its own connection', async () => {
    const main = {
      ...KNOWS_USERS,
      ...MAY_TELL,
      smtpd_recipient_restrictions: `check_client_access inline:{{127.0.0.3=550 5.7.1 Not from there}}, ${KNOWS_USERS.smtpd_recipient_restrictions}`,
    };
    await using postfix = await startPostfix({ main, files: USERS });
    await using proxy = await startProxy(postfix.port, { identify: 'xclient' });
    const lines = envelope('a@a.example', ['bob@b.example']);
    expect(codesOf(await replies(proxy.port, lines, '127.0.0.2'))).toEqual([250, 250, 250]);
    const refused = await replies(proxy.port, lines, '127.0.0.3');
    expect(codesOf(refused)).toEqual([250, 250, 550]);
    expect(refused[2]?.lines).toEqual(['5.7.1 <unknown[127.0.0.3]>: Client host rejected: Not from there']);
  });
});

interface Both {
  readonly direct: readonly WireReply[];
  readonly proxied: readonly WireReply[];
}

/** Connects, says one line after the other, each when the one before is answered, until the server leaves. @returns the replies */
async function replies(port: number, lines: readonly string[], localAddress = '127.0.0.1'): Promise<WireReply[]> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  await once(socket, 'connect');
  const client = RawClient.ofSocket(socket);
  try {
    expect((await client.reply()).code).toBe(220);
    const found: WireReply[] = [];
    for (const line of lines) {
      const reply = await client.command(line);
      found.push(reply);
      if (reply.code === 421) break;
    }
    return found;
  } finally {
    client.destroy();
  }
}

/** EHLO, MAIL and RCPT. */
function envelope(from: string, to: readonly string[]): string[] {
  return ['EHLO client.example', `MAIL FROM:<${from}>`, ...to.map((address) => `RCPT TO:<${address}>`)];
}

function greylist(facts: PolicyFacts, isSeen: Set<string>): string {
  const recipient = facts.get('recipient') ?? '';
  if (isSeen.has(recipient)) return 'DUNNO';
  isSeen.add(recipient);
  return '450 4.7.1 Greylisted';
}

function knowsUsersAndAsks(policy: PolicyService): Record<string, string> {
  return {
    ...KNOWS_USERS,
    smtpd_recipient_restrictions: `${KNOWS_USERS.smtpd_recipient_restrictions}, ${policy.restriction}`,
  };
}

function codesOf(all: readonly WireReply[]): number[] {
  return all.map(({ code }) => code);
}

/** Code and text of all replies but that to EHLO; the queue's name for a message is another each time. */
function saidOf(all: readonly WireReply[]): string[] {
  return all
    .slice(1)
    .map(({ code, lines }) => `${String(code)} ${lines.join('|')}`.replace(/queued as \w+$/, 'queued as ID'));
}

const KNOWS_USERS = {
  virtual_mailbox_domains: 'b.example',
  virtual_mailbox_maps: 'texthash:$config_directory/users',
  virtual_transport: 'discard',
  smtpd_recipient_restrictions: 'reject_unauth_destination, reject_unlisted_recipient',
  smtpd_relay_restrictions: '',
};
const USERS = { users: 'bob@b.example exists\ncarol@b.example exists\n' };
