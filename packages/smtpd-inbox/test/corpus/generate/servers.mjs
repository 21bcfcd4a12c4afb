/** Messages that mail servers write themselves (Postfix, Exim, Mailman), and those of clients that speak SMTP (swaks, msmtp, curl). */
import { execFile } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { SMTPServer } from 'smtpd';
import { runnerImport } from 'vite';

const run = promisify(execFile);
const support = async (name) =>
  (await runnerImport(new URL(`../../../../smtpd/test/support/${name}.ts`, import.meta.url).pathname)).module;

/** Keeps what comes. */
class Sink extends SMTPServer {
  messages = [];
  #waiting = [];
  processMessage({ data }) {
    this.messages.push(Buffer.from(data));
    for (const wake of this.#waiting.splice(0)) wake();
  }
  async next(count) {
    while (this.messages.length < count) await new Promise((wake) => this.#waiting.push(wake));
    return this.messages;
  }
}

async function openSink(options = {}) {
  const sink = new Sink({ localAddress: '127.0.0.1:0', lineEndings: 'preserve', ...options });
  await sink.listen();
  return sink;
}

/** @param put what takes a message @param work a folder for files */
export async function clientMessages(put, work) {
  const sink = await openSink();
  const send = async (name, maker, contains, command, argv, input) => {
    const before = sink.messages.length;
    const child = run(command, argv, { cwd: work, env: { ...process.env, HOME: work, LC_ALL: 'C.UTF-8' } });
    if (input !== undefined) child.child.stdin.end(input);
    await child;
    put({ name, maker, contains, raw: (await sink.next(before + 1)).at(-1) });
  };
  writeFileSync(join(work, 'note.txt'), 'Words in a file: Käse\n');
  writeFileSync(join(work, 'page.html'), '<p>HTML words</p>\n');
  const port = String(sink.port);
  const swaks = [
    '--server',
    `127.0.0.1:${port}`,
    '--helo',
    'swaks.example',
    '--from',
    'ann@swaks.example',
    '--to',
    'bob@b.example',
  ];
  const date = ['--header', 'Date: Sat, 14 Mar 2026 09:26:53 +0000', '--header', 'Message-Id: <1@swaks.example>'];
  await send('swaks-plain', 'swaks', ['This is a test mailing'], 'swaks', [...swaks, ...date]);
  await send('swaks-body', 'swaks', ['Grüße'], 'swaks', [
    ...swaks,
    ...date,
    '--body',
    'Grüße\\nsecond line',
    '--header',
    'Subject: Body',
  ]);
  await send('swaks-attach', 'swaks', ['With a file'], 'swaks', [
    ...swaks,
    ...date,
    '--body',
    'With a file',
    '--attach-name',
    'note.txt',
    '--attach',
    '@note.txt',
  ]);
  await send('swaks-attach-body', 'swaks', ['Words in a file'], 'swaks', [
    ...swaks,
    ...date,
    '--attach-type',
    'text/html',
    '--attach-body',
    '@page.html',
    '--attach-type',
    'text/plain',
    '--attach-body',
    '@note.txt',
  ]);
  await send('swaks-header', 'swaks', ['This is a test mailing'], 'swaks', [
    ...swaks,
    ...date,
    '--add-header',
    'X-Added: one\\n two',
    '--header-X-Other',
    'other',
  ]);
  const curl = [
    '--silent',
    '--show-error',
    `smtp://127.0.0.1:${port}/curl.example`,
    '--mail-from',
    'ann@curl.example',
    '--mail-rcpt',
    'bob@b.example',
    '-H',
    'From: ann@curl.example',
    '-H',
    'Date: Sat, 14 Mar 2026 09:26:53 +0000',
  ];
  await send('curl-mixed', 'curl', ['Words in a file'], 'curl', [
    ...curl,
    '-H',
    'Subject: Mixed',
    '-F',
    '=<note.txt;type=text/plain;encoder=quoted-printable',
    '-F',
    'file=@page.html;encoder=base64',
  ]);
  await send('curl-alternative', 'curl', ['Plain words'], 'curl', [
    ...curl,
    '-H',
    'Subject: Alternative',
    '-F',
    '=(;type=multipart/alternative',
    '-F',
    '=Plain words',
    '-F',
    '=<page.html;type=text/html',
    '-F',
    '=)',
    '-F',
    '=@note.txt;encoder=8bit',
  ]);
  await send('curl-nested', 'curl', ['Deep words'], 'curl', [
    ...curl,
    '-H',
    'Subject: Nested',
    '-F',
    '=(;type=multipart/mixed',
    '-F',
    '=(;type=multipart/alternative',
    '-F',
    '=Deep words;encoder=7bit',
    '-F',
    '=<page.html;type=text/html',
    '-F',
    '=)',
    '-F',
    '=)',
    '-F',
    '=@note.txt;filename="ü.txt"',
  ]);
  const msmtp = [
    '--host=127.0.0.1',
    `--port=${port}`,
    '--auth=off',
    '--tls=off',
    '--domain=msmtp.example',
    '--from=ann@msmtp.example',
    '--set-date-header=off',
    'bob@b.example',
  ];
  await send(
    'msmtp-plain',
    'msmtp',
    ['Through msmtp.'],
    'msmtp',
    msmtp,
    'From: ann@msmtp.example\nSubject: Through\n\nThrough msmtp.\n.\n..\n',
  );
  await send(
    'msmtp-no-from',
    'msmtp',
    ['No From.'],
    'msmtp',
    msmtp,
    'Subject: No From\nBcc: secret@b.example\n\nNo From.\n',
  );
  await sink.close();
}

/** Bounces and reports of Postfix. */
export async function postfixMessages(put) {
  const { startPostfix } = await support('postfix-instance');
  const sink = await openSink();
  const refusing = new Sink({ localAddress: '127.0.0.1:0' });
  refusing.use({ name: 'refuse', rcpt: () => '550 5.1.1 No such user: nobody of that name' });
  await refusing.listen();
  const settings = {
    main: {
      default_transport: `smtp:[127.0.0.1]:${refusing.port}`,
      transport_maps: 'texthash:$config_directory/transport',
      smtp_dsn_filter: '',
      notify_classes: '',
      delay_warning_time: '0',
      bounce_size_limit: '2000',
    },
    files: {
      transport: `back.example smtp:[127.0.0.1]:${sink.port}\nbroken.example error:5.4.4 No way to get there\n`,
    },
  };
  const postfix = await startPostfix(settings);
  const message = (subject, body = 'Original words.') =>
    `From: ann@back.example\nTo: gone@away.example\nSubject: ${subject}\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n${body}\n`;
  const cases = [
    [
      'unknown-user',
      ['-f', 'ann@back.example', 'gone@away.example'],
      message('To nobody'),
      ['mail system at host relay.example'],
    ],
    [
      'two-recipients',
      ['-f', 'ann@back.example', 'gone@away.example', 'x@broken.example'],
      message('To two'),
      ['mail system at host relay.example'],
    ],
    [
      'eight-bit',
      ['-f', 'ann@back.example', 'gone@away.example'],
      message('Grüße', 'Käse und Brötchen'),
      ['mail system at host relay.example'],
    ],
    [
      'headers-only',
      ['-f', 'ann@back.example', '-R', 'hdrs', 'gone@away.example'],
      message('Only the header', 'Not returned'),
      ['mail system at host relay.example'],
    ],
    ['success', ['-f', 'ann@back.example', '-N', 'success', 'b@back.example'], message('Report success'), []],
    [
      'large',
      ['-f', 'ann@back.example', 'gone@away.example'],
      message('Large', 'much text '.repeat(500)),
      ['mail system at host relay.example'],
    ],
  ];
  for (const [name, argv, content, contains] of cases) {
    const before = sink.messages.length;
    await postfix.sendmail(argv, content);
    // Success is told beside the delivery itself.
    const found = await sink.next(before + (name === 'success' ? 2 : 1));
    const report = found.slice(before).find((raw) => /multipart\/report/.test(raw.toString('latin1'))) ?? found.at(-1);
    put({ name: `postfix-${name}`, maker: 'Postfix', contains, raw: report });
  }
  await postfix[Symbol.asyncDispose]();
  await sink.close();
  await refusing.close();
}

/** Bounces of Exim, which has a transport that refuses. @param work a folder that its user may enter */
export async function eximMessages(put, work) {
  const sink = await openSink();
  const user = (await run('id', ['-u', 'Debian-exim'])).stdout.trim();
  const program = (await run('sh', ['-c', 'command -v exim4'])).stdout.trim();
  const path = join(work, 'exim');
  for (const folder of [path, join(path, 'spool'), join(path, 'log')]) {
    mkdirSync(folder, { recursive: true });
    chownSync(folder, Number(user), 0);
    chmodSync(folder, 0o755);
  }
  const config = join(path, 'exim.conf');
  writeFileSync(
    config,
    `primary_hostname = exim.example
exim_path = ${program}
spool_directory = ${path}/spool
log_file_path = ${path}/log/%slog
keep_environment =
bounce_return_linesize_limit = 998
begin routers
back:
  driver = manualroute
  domains = back.example
  route_list = * 127.0.0.1
  self = send
  transport = back
gone:
  driver = redirect
  allow_fail
  data = :fail: no such user here
begin transports
back:
  driver = smtp
  hosts_avoid_tls = *
  hosts_try_chunking =
  port = ${sink.port}
begin retry
* * F,1s,1s
`,
  );
  chmodSync(config, 0o644);
  const cases = [
    ['unknown-user', ['gone@away.example'], 'Original words.'],
    ['two-recipients', ['gone@away.example', 'lost@away.example'], 'Käse: original words.'],
    ['large', ['gone@away.example'], 'many words '.repeat(1000)],
  ];
  for (const [name, recipients, body] of cases) {
    const before = sink.messages.length;
    const child = run(program, ['-C', config, '-odf', '-f', 'ann@back.example', ...recipients]);
    child.child.stdin.end(`From: ann@back.example\nTo: ${recipients.join(', ')}\nSubject: Exim ${name}\n\n${body}\n`);
    await child.catch(() => undefined);
    put({
      name: `exim-${name}`,
      maker: 'Exim',
      contains: ['could not be delivered'],
      raw: (await sink.next(before + 1)).at(-1),
    });
  }
  await sink.close();
}

/** What Mailman makes of a post, and what it writes itself. */
export async function mailmanMessages(put) {
  const { startMailman } = await support('mailman-instance');
  const sink = await openSink();
  const mailman = await startMailman({ smtpPort: sink.port });
  await mailman.createList('staff@lists.example');
  await mailman.subscribe('staff@lists.example', 'bob@b.example');
  const lmtp = (rcpt, content) =>
    new Promise((resolve, reject) => {
      const socket = connect(mailman.lmtpPort, '127.0.0.1');
      const lines = [
        'LHLO a.example',
        'MAIL FROM:<ann@a.example>',
        `RCPT TO:<${rcpt}>`,
        'DATA',
        `${content}\r\n.`,
        'QUIT',
      ];
      let text = '';
      socket.setEncoding('latin1').on('data', (more) => {
        text += more;
        if (!/^\d{3} .*\r?\n$/m.test(text)) return;
        text = '';
        const next = lines.shift();
        if (next === undefined) socket.end(resolve());
        else socket.write(`${next}\r\n`);
      });
      socket.on('error', reject);
    });
  const cases = [
    [
      'post',
      'staff@lists.example',
      'From: Ann <ann@a.example>\r\nTo: staff@lists.example\r\nSubject: To all\r\nMessage-ID: <p1@a.example>\r\n\r\nWords to all.',
      ['Words to all.'],
    ],
    [
      'post-utf-8',
      'staff@lists.example',
      'From: Ann <ann@a.example>\r\nTo: staff@lists.example\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <p2@a.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe an alle.',
      ['Grüße an alle.'],
    ],
    [
      'post-html',
      'staff@lists.example',
      'From: Ann <ann@a.example>\r\nTo: staff@lists.example\r\nSubject: HTML\r\nMessage-ID: <p3@a.example>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nPlain words.\r\n--b\r\nContent-Type: text/html\r\n\r\n<p>HTML</p>\r\n--b--',
      ['Plain words.'],
    ],
    [
      'confirm',
      'staff-join@lists.example',
      'From: Zoe <ann@a.example>\r\nTo: staff-join@lists.example\r\nSubject: join\r\nMessage-ID: <p4@a.example>\r\n\r\n',
      ['lists.example'],
    ],
    [
      'results',
      'staff-request@lists.example',
      'From: Ann <ann@a.example>\r\nTo: staff-request@lists.example\r\nSubject: help\r\nMessage-ID: <p5@a.example>\r\n\r\nhelp',
      ['results of your email command'],
    ],
  ];
  for (const [name, recipient, content, contains] of cases) {
    const before = sink.messages.length;
    await lmtp(recipient, content);
    put({ name: `mailman-${name}`, maker: 'Mailman', contains, raw: (await sink.next(before + 1))[before] });
  }
  await mailman[Symbol.asyncDispose]();
  await sink.close();
}
