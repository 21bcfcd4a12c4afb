/** `--workers` from outside: processes, signals, what clients meet while workers come and go. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { main } from '../../src/cli/main.js';
import { makeSelfSigned } from '../../src/net/self-signed.js';
import { RawClient } from '../support/raw-client.js';
import { requireRoot } from '../support/component.js';
import { outputOf } from '../support/output-of.js';
import { BIN, Program, run, sendContent } from './program.js';

const INDEX = new URL('../../dist/index.js', import.meta.url).href;
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'smtpd-workers-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** Waits until all workers listen. @returns their processes, by number */
async function processesOf(program: Program, numbers: readonly number[]): Promise<Map<number, number>> {
  const pids = new Map<number, number>();
  for (const number of numbers) {
    const said = await program.says(new RegExp(`^worker ${String(number)}: process (\\d+)$`, 'm'));
    pids.set(number, Number(said[1]));
  }
  return pids;
}

/** Connects to one of two workers: the other cannot accept meanwhile. */
async function connectTo(pids: ReadonlyMap<number, number>, number: number, connect: () => Promise<RawClient>) {
  const others = [...pids].filter(([each]) => each !== number).map(([, pid]) => pid);
  for (const pid of others) process.kill(pid, 'SIGSTOP');
  try {
    return await connect();
  } finally {
    for (const pid of others) process.kill(pid, 'SIGCONT');
  }
}

/** A client of each of two workers. */
async function connectToBoth(program: Program): Promise<[RawClient, RawClient]> {
  const pids = await processesOf(program, [1, 2]);
  const connect = (): Promise<RawClient> => program.connect();
  return [await connectTo(pids, 1, connect), await connectTo(pids, 2, connect)];
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    expect(error).toMatchObject({ code: 'ESRCH' });
  }
}

describe('several workers', () => {
  it('share one port, which is told once, and give their sessions names of their own', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0', '--debug']);
    const clients = await connectToBoth(program);
    for (const client of clients) await client.command('NOOP');
    const { code, stderr } = await program.stop();
    expect(code).toBe(0);
    expect(stderr.match(/^listening on 127\.0\.0\.1:\d+$/gm)).toHaveLength(1);
    const sessions = [...stderr.matchAll(/^debug event=connect session=(\w+) .*worker=([12])$/gm)];
    expect(sessions.map(([, , worker]) => worker).sort()).toEqual(['1', '2']);
    expect(new Set(sessions.map(([, id]) => id)).size).toBe(2);
  });

  it('hold limits together: those on sessions, and those of an address', async () => {
    await using program = new Program([
      ...['sink', '--workers=2', '127.0.0.1:0', '--proxy-protocol', 'loopback'],
      ...['--max-sessions', '5', '--max-sessions-per-address', '3'],
    ]);
    await processesOf(program, [1, 2]);
    const greeting = async (address: string): Promise<number> => {
      const client = await RawClient.connect(await program.port());
      client.send(`PROXY TCP4 ${address} 192.0.2.1 1025 25\r\n`);
      return (await client.reply()).code;
    };
    const codes: number[] = [];
    for (let count = 0; count < 4; count += 1) codes.push(await greeting('203.0.113.9'));
    for (let count = 0; count < 3; count += 1) codes.push(await greeting('198.51.100.7'));
    expect(codes).toEqual([220, 220, 220, 421, 220, 220, 421]);
  });

  it('add up what they count', async () => {
    await using program = new Program(['sink', '--json', '--workers', '2', '127.0.0.1:0']);
    for (const client of await connectToBoth(program)) {
      await sendContent(client, 'hello\r\n');
      expect((await client.reply()).code).toBe(250);
    }
    const totals = { messageCount: 2, recipientCount: 2, octetCount: 14, unfinishedCount: 0 };
    expect(JSON.parse((await program.stop()).stdout)).toEqual(totals);
  });

  it('serve a Unix socket, also where a dead process has left one', async () => {
    const path = join(folder, 'mail.sock');
    await using killed = new Program(['sink', path]);
    await killed.says(/^listening on/m);
    await killed.stop('SIGKILL');
    await using program = new Program(['sink', '--workers', '2', path]);
    await processesOf(program, [1, 2]);
    for (let count = 0; count < 2; count += 1) {
      const client = await RawClient.connect(path);
      expect((await client.reply()).code).toBe(220);
    }
    expect((await program.stop()).code).toBe(0);
  });

  it('serve a descriptor that was inherited', async () => {
    const parent = createServer().listen(0, '127.0.0.1');
    await once(parent, 'listening');
    const { port } = parent.address() as { readonly port: number };
    const { fd } = (parent as unknown as { readonly _handle: { readonly fd: number } })._handle;
    const child = spawn(process.execPath, [BIN, 'sink', '--workers', '2', 'fd:3'], {
      stdio: ['ignore', 'ignore', 'pipe', fd],
    });
    try {
      let said = '';
      child.stderr!.setEncoding('utf8').on('data', (text: string) => (said += text));
      while (!said.includes('worker 2: process')) await once(child.stderr!, 'data');
      expect(said).toContain(`listening on 127.0.0.1:${String(port)}\n`);
      // From here on only the workers answer.
      await new Promise((resolve) => parent.close(resolve));
      expect((await (await RawClient.connect(port)).reply()).code).toBe(220);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('are not there with --workers 1', async () => {
    await using program = new Program(['sink', '127.0.0.1:0'], { environment: { SMTPD_WORKERS: '1' } });
    await program.port();
    expect((await program.stop()).stderr).toMatch(/^listening on \S+\n$/);
  });
});

describe('a worker that is killed', () => {
  it('costs its own connections alone: the others go on, and what was acknowledged is on the disk', async () => {
    const maildir = join(folder, 'maildir');
    await using program = new Program(['maildir', maildir, '127.0.0.1:0', '--workers', '2']);
    const pids = await processesOf(program, [1, 2]);
    const acknowledged: string[] = [];
    let lostConnections = 0;
    const send = async (first: RawClient, name: string): Promise<void> => {
      let client = first;
      for (let count = 0; acknowledged.length < 80; count += 1) {
        const subject = `${name}-${String(count)}`;
        try {
          await sendContent(client, `Subject: ${subject}\r\n\r\nhello\r\n`);
          if ((await client.reply()).code !== 250) continue;
          acknowledged.push(subject);
          if (acknowledged.length === 20) process.kill(pids.get(1)!, 'SIGKILL');
        } catch {
          lostConnections += 1;
          client = await program.connect();
        }
      }
      client.destroy();
    };
    const clients: RawClient[] = [];
    for (const number of [1, 2, 1, 2, 1, 2]) clients.push(await connectTo(pids, number, () => program.connect()));
    await Promise.all(clients.map((client, index) => send(client, `client${String(index)}`)));
    await program.says(/^worker 1 ended \(SIGKILL\); another one starts in 0\.1 s$/m);
    await processesOf(program, [3]);
    expect(lostConnections).toBe(3);
    expect((await program.stop()).code).toBe(0);
    const names = readdirSync(join(maildir, 'new'));
    const kept = names.map((name) => /^Subject: (.*)$/m.exec(readFileSync(join(maildir, 'new', name), 'utf8'))?.[1]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(80);
    for (const subject of acknowledged) expect(kept).toContain(subject);
  });

  it('leaves room to the clients that come next', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0', '--max-sessions', '2']);
    const pids = await processesOf(program, [1, 2]);
    const [one, other] = await connectToBoth(program);
    const third = await RawClient.connect(await program.port());
    expect(await third.closed()).toMatchObject([{ code: 421 }]);
    process.kill(pids.get(1)!, 'SIGKILL');
    expect(await one.closed()).toEqual([]);
    await processesOf(program, [3]);
    expect((await other.command('NOOP')).code).toBe(250);
    const next = await RawClient.connect(await program.port());
    expect((await next.reply()).code).toBe(220);
  });

  it('is replaced on the same port when all are killed at once', async () => {
    await using program = new Program(['sink', '--workers', '2', 'localhost:0']);
    const port = await program.port();
    const pids = await processesOf(program, [1, 2]);
    for (const pid of pids.values()) process.kill(pid, 'SIGKILL');
    await processesOf(program, [3, 4]);
    for (const host of ['127.0.0.1', '::1'])
      expect((await (await RawClient.connect(port, host)).reply()).code).toBe(220);
    expect((await program.stop()).code).toBe(0);
  });
});

describe('workers that end again and again', () => {
  it('are given up, with the reason and exit code 1', async () => {
    const file = join(folder, 'poisoned.mjs');
    writeFileSync(
      file,
      `import { SMTPServer } from ${JSON.stringify(INDEX)};
      export class Poisoned extends SMTPServer {
        constructor(options) {
          super(options);
          this.use({ name: 'poison', connect: () => process.exit(7) });
        }
        processMessage() {}
      }`,
    );
    await using program = new Program(['-n', '--workers', '2', '-c', `${file}#Poisoned`, '127.0.0.1:0']);
    const port = await program.port();
    await processesOf(program, [1, 2]);
    for (let ended = 1; ended <= 5; ended += 1) {
      const client = await RawClient.connect(port);
      expect(await client.closed()).toEqual([]);
      // The next one meets a worker that listens.
      if (ended < 5) await processesOf(program, [ended + 2]);
    }
    const { code, stderr } = await program.ended();
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^worker \d+ ended \(exit code 7\); that makes 5 in a row soon after their start: giving up$/m,
    );
  });

  it('are not started a second time when the first cannot begin', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { readonly port: number };
    const ended = await run(['sink', '--workers', '2', `127.0.0.1:${String(port)}`]);
    other.close();
    expect(ended).toEqual({
      code: 1,
      stdout: '',
      stderr: `smtpd: 127.0.0.1:${String(port)} is in use; stop what listens there or choose another port\n`,
    });
    const wrong = [
      '--workers',
      '2',
      '--tls-cert',
      join(folder, 'nowhere.pem'),
      '--tls-key',
      join(folder, 'nowhere.pem'),
    ];
    const { code, stderr } = await run(['sink', '127.0.0.1:0', ...wrong]);
    expect(code).toBe(2);
    expect(stderr.split('\n')).toHaveLength(2);
  });
});

describe('signals', () => {
  it('the first closes gracefully: idle clients hear 421, messages under way are finished', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0']);
    const [client, idle] = await connectToBoth(program);
    client.send('HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nSubject: x\r\n');
    await client.replies(4);
    const ended = program.stop('SIGTERM');
    expect(await idle.closed()).toMatchObject([{ code: 421 }]);
    client.send('\r\nhello\r\n.\r\n');
    expect((await client.reply()).code).toBe(250);
    const { code, stdout } = await ended;
    expect(code).toBe(0);
    expect(stdout).toMatch(/^messages: 1$/m);
  });

  it('the second cuts what is still there', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0']);
    const [client, idle] = await connectToBoth(program);
    client.send('HELO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n');
    await client.replies(4);
    program.child.kill('SIGTERM');
    await idle.closed();
    expect((await program.stop('SIGTERM')).code).toBe(143);
    expect(await client.closed()).toEqual([]);
  });

  it('the second ends also a worker that is busy for ever', async () => {
    const file = join(folder, 'busy.mjs');
    writeFileSync(
      file,
      `import { SMTPServer } from ${JSON.stringify(INDEX)};
      export class Busy extends SMTPServer {
        processMessage() {
          process.stderr.write('busy\\n');
          for (;;);
        }
      }`,
    );
    await using program = new Program(['-n', '--workers', '2', '-c', `${file}#Busy`, '127.0.0.1:0']);
    const pids = await processesOf(program, [1, 2]);
    // If this fails, nothing else would end it.
    onTestFinished(() => {
      for (const pid of pids.values()) killIfThere(pid);
    });
    const [client, idle] = await connectToBoth(program);
    await sendContent(client, 'Subject: x\r\n');
    await program.says(/^busy$/m);
    program.child.kill('SIGTERM');
    await idle.closed();
    program.child.kill('SIGTERM');
    expect(await client.closed()).toEqual([]);
    expect((await program.ended()).code).toBe(143);
  });

  it('one that a worker is sent replaces it, when its messages are done', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0']);
    const pids = await processesOf(program, [1, 2]);
    process.kill(pids.get(2)!, 'SIGTERM');
    await program.says(/^worker 2 ended \(exit code 0\); another one starts in 0\.1 s$/m);
    await processesOf(program, [3]);
    expect((await program.stop()).code).toBe(0);
  });

  it('SIGKILL of the supervisor ends its workers', async () => {
    await using program = new Program(['sink', '--workers', '2', '127.0.0.1:0']);
    const clients = await connectToBoth(program);
    program.child.kill('SIGKILL');
    for (const client of clients) await client.closed();
    // Standard output is theirs, too: it is closed when all have ended.
    await program.ended();
  });

  it.each([1, 2])('SIGHUP has %i of them read the TLS certificates again', async (count) => {
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
    const write = (name: string): void => {
      const { key, cert } = makeSelfSigned({ names: [name], now: new Date() });
      writeFileSync(keyFile, key);
      writeFileSync(certFile, cert);
    };
    write('old.example');
    const tls = ['--tls', 'implicit', '--tls-cert', certFile, '--tls-key', keyFile];
    await using program = new Program(['sink', '--workers', String(count), '127.0.0.1:0', ...tls]);
    const port = await program.port();
    const numbers = count === 1 ? [] : [1, 2];
    const pids = await processesOf(program, numbers);
    const namesOf = async (): Promise<(string | undefined)[]> => {
      const names: (string | undefined)[] = [];
      for (const number of [1, 2]) {
        const connect = () => RawClient.connectTLS(port, { servername: 'a.example' });
        const client = await connectTo(pids, number, connect);
        names.push(client.tls.getPeerCertificate().subjectaltname);
        client.destroy();
      }
      return names;
    };
    expect(await namesOf()).toEqual(['DNS:old.example', 'DNS:old.example']);
    write('new.example');
    program.child.kill('SIGHUP');
    if (count === 1) await program.says(/^the TLS certificates were read again$/m);
    else for (const name of ['1', '2']) await program.says(new RegExp(`^worker ${name}: the TLS certificates`, 'm'));
    expect(await namesOf()).toEqual(['DNS:new.example', 'DNS:new.example']);
    expect((await program.stop()).code).toBe(0);
  });
});

describe('in the old form', () => {
  requireRoot('Only root can become somebody else');

  it('workers become nobody; whoever starts them does not', async () => {
    await using program = new Program(['-c', 'PureProxy', '--workers', '2', '127.0.0.1:0', '127.0.0.1:25']);
    const pids = await processesOf(program, [1, 2]);
    const userOf = (pid: number): string | undefined =>
      /^Uid:\s*(\d+)/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1];
    expect([program.child.pid!, ...pids.values()].map(userOf)).toEqual(['0', '65534', '65534']);
  });
});

describe('--workers', () => {
  async function said(argv: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const [output, errors] = [new PassThrough(), new PassThrough()];
    const code = await main(argv, { output, errors, isColored: false, environment });
    return { code, stdout: outputOf(output).toString(), stderr: outputOf(errors).toString() };
  }

  it.each(['0', '257', '1.5', 'many', ''])('cannot be %j', async (value) => {
    const { code, stderr } = await said(['sink', `--workers=${value}`]);
    expect(code).toBe(2);
    expect(stderr).toBe(`smtpd: option --workers is a whole number from 1 to 256, or auto, not "${value}"\n`);
  });

  it.each([
    [['debug', '--workers', '2'], 'option --workers'],
    [['-n', '--workers', 'auto'], 'option --workers'],
    [['-n', '-c', 'DebuggingServer'], 'SMTPD_WORKERS'],
  ])('is refused where messages are printed: %j', async (argv, origin) => {
    const { code, stderr } = await said(argv, origin === 'SMTPD_WORKERS' ? { SMTPD_WORKERS: '3' } : {});
    expect(code).toBe(2);
    expect(stderr).toMatch(new RegExp(`^smtpd: ${origin} can only be 1 here: several processes would tear `));
  });

  it('may be auto, also in a file', async () => {
    const file = join(folder, 'smtpd.json');
    writeFileSync(file, '{ "workers": "auto" }');
    const { stdout } = await said(['sink', '--print-config', '--config', file]);
    expect(JSON.parse(stdout)).toMatchObject({ workers: 'auto' });
    expect(JSON.parse((await said(['sink', '--print-config'])).stdout)).toMatchObject({ workers: 1 });
    expect(JSON.parse((await said(['sink', '--print-config', '--workers=4'])).stdout)).toMatchObject({ workers: 4 });
  });
});
