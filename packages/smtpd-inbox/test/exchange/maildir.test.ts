import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { runWell } from '../../../smtpd/test/support/run-program.js';
import { requireCommand, requirePythonModule } from '../../../smtpd/test/support/component.js';
import { TemporaryFolder } from '../../../smtpd/test/support/temporary-folder.js';
import { readMailFolder } from '../../src/exchange/maildir.js';
import { itemsOf } from './support.js';

const MAIL = 'Subject: a\n\na\n';

describe('a Maildir', () => {
  it('gives what is in cur and new, with what was read', async () => {
    using folder = maildir();
    folder.write('cur/1700000001.M1.host:2,FS', MAIL);
    folder.write('cur/1700000002.M1.host:2,', MAIL);
    folder.write('cur/1700000000.M1.host', MAIL);
    folder.write('new/1700000003.M1.host', MAIL);
    folder.write('tmp/1700000004.M1.host', MAIL);
    folder.write('cur/.hidden', MAIL);
    folder.write('a.eml', MAIL);
    mkdirSync(`${folder.path}/.Sent/cur`, { recursive: true });
    folder.write('.Sent/cur/1', MAIL);
    const at = new Date('2026-11-25T20:01:00Z');
    utimesSync(`${folder.path}/new/1700000003.M1.host`, at, at);
    const items = await itemsOf(readMailFolder(folder.path));
    expect(items).toMatchObject([
      { kind: 'message', name: 'cur/1700000000.M1.host', isRead: false, raw: Buffer.from(MAIL) },
      { kind: 'message', name: 'cur/1700000001.M1.host:2,FS', isRead: true },
      { kind: 'message', name: 'cur/1700000002.M1.host:2,', isRead: false },
      { kind: 'message', name: 'new/1700000003.M1.host', isRead: false, receivedAt: at },
    ]);
  });

  it('follows no symbolic link, opens no pipe, and reads no folder', async () => {
    using folder = maildir();
    using elsewhere = new TemporaryFolder();
    const secret = elsewhere.write('secret', MAIL);
    symlinkSync(secret, `${folder.path}/cur/1`);
    symlinkSync('nowhere', `${folder.path}/cur/2`);
    execFileSync(MKFIFO, [`${folder.path}/cur/3`]);
    mkdirSync(`${folder.path}/cur/4`);
    expect(await itemsOf(readMailFolder(folder.path))).toEqual([
      { kind: 'skipped', name: 'cur/1', reason: 'It is a symbolic link' },
      { kind: 'skipped', name: 'cur/2', reason: 'It is a symbolic link' },
      { kind: 'skipped', name: 'cur/3', reason: 'It is no regular file' },
      { kind: 'skipped', name: 'cur/4', reason: 'It is no regular file' },
    ]);
  });

  it('whose cur is a symbolic link is none', async () => {
    using folder = new TemporaryFolder();
    using elsewhere = maildir();
    elsewhere.write('cur/1', MAIL);
    symlinkSync(`${elsewhere.path}/cur`, `${folder.path}/cur`);
    expect(await itemsOf(readMailFolder(folder.path))).toEqual([]);
  });

  it('is written by Python', async () => {
    using folder = new TemporaryFolder();
    const script = `
import mailbox, sys
box = mailbox.Maildir(sys.argv[1] + '/box')
m = mailbox.MaildirMessage('Subject: seen\\n\\na\\n'); m.set_subdir('cur'); m.set_flags('S'); box.add(m)
box.add('Subject: fresh\\n\\nb\\n')`;
    await runWell(PYTHON, ['-c', script, folder.path]);
    const items = await itemsOf(readMailFolder(`${folder.path}/box`));
    expect(items).toMatchObject([
      { isRead: true, raw: Buffer.from('Subject: seen\n\na\n') },
      { isRead: false, raw: Buffer.from('Subject: fresh\n\nb\n') },
    ]);
  });

  const MKFIFO = requireCommand('mkfifo');
  const PYTHON = requirePythonModule('mailbox');
});

describe('a folder of files', () => {
  it('gives its .eml files in the order of their names', async () => {
    using folder = new TemporaryFolder();
    for (const name of ['b.EML', 'a.eml', 'c.txt', 'eml']) folder.write(name, name);
    expect(await itemsOf(readMailFolder(folder.path))).toMatchObject([
      { name: 'a.eml', raw: Buffer.from('a.eml') },
      { name: 'b.EML', raw: Buffer.from('b.EML') },
    ]);
  });

  it('passes over what is too large', async () => {
    using folder = new TemporaryFolder();
    folder.write('a.eml', '123456');
    folder.write('b.eml', '12345');
    expect(await itemsOf(readMailFolder(folder.path, { messageBytesMax: 5 }))).toMatchObject([
      { kind: 'skipped', name: 'a.eml', reason: 'It has more than 5 octets' },
      { kind: 'message', name: 'b.eml' },
    ]);
  });

  it('is not there, or cannot be read', async () => {
    using folder = new TemporaryFolder();
    const file = folder.write('a.eml', MAIL);
    chmodSync(file, 0o600);
    for (const path of [`${folder.path}/none`, file]) {
      await expect(itemsOf(readMailFolder(path))).rejects.toMatchObject({ code: 'EXCHANGE_BAD_ARCHIVE' });
    }
  });
});

function maildir(): TemporaryFolder {
  const folder = new TemporaryFolder();
  for (const name of ['cur', 'new', 'tmp']) mkdirSync(`${folder.path}/${name}`);
  return folder;
}
