/**
 * Makes the corpus anew: `node packages/smtpd-inbox/test/corpus/generate.mjs`, as root, after `npm run build:packages`. It needs what the tests
 * of the proxies need (Postfix, Exim, Mailman, s-nail, mutt, swaks, msmtp) and Python 3, PHP, Perl, a JDK, git, OpenSSL, GnuPG and curl.
 *
 * The files differ a little each time (boundaries, keys, dates); manifest.json is what is expected of the ones that are here.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { writeManifest } from './expect.mjs';
import { nodemailerMessages } from './generate/nodemailer.mjs';
import { clientMessages, eximMessages, mailmanMessages, postfixMessages } from './generate/servers.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const mails = join(here, 'mails');
const generators = join(here, 'generate');

/** Made by programs that write files; the name says which. */
const MAKERS = {
  's-nail': 's-nail',
  mutt: 'mutt',
  php: 'PHP',
  perl: 'Perl (Encode, MIME::Base64, MIME::QuotedPrint), the message around them by hand',
  java: 'by hand in Java (java.util.Base64)',
  git: 'git format-patch',
  openssl: 'OpenSSL',
  gnupg: 'GnuPG, the message around it by hand',
};

/** Words that the text contains, where a generator could not say. */
const CONTAINS = {
  's-nail-plain': ['Plain words.'], 's-nail-utf-8': ['Grüße aus Zürich.'], 's-nail-attachment': ['Attached.'], 's-nail-csv': ['Tabelle.'],
  's-nail-long': ['Long word'], 's-nail-copies': ['Copies.'], 's-nail-base64': ['Base64: ä'], 'mutt-plain': ['Plain words.'],
  'mutt-utf-8': ['Grüße und 漢字.'], 'mutt-latin1': ['Nur Latin: ä'], 'mutt-attachment': ['Attached.'], 'mutt-message': ['Within.'],
  'mutt-copies': ['Copies.'], 'mutt-flowed': ['Flowed lines that go on.'], 'mutt-from-line': ['From the second'], 'php-plain': ['Plain words.'],
  'php-lf': ['Line two'], 'php-utf-8': ['3 × Käse'], 'php-base64': ['Kodiert: äöü'], 'php-quoted-printable': ['Kodiert: äöü = lang lang'],
  'php-iconv': ['iconv.'], 'php-attachment': ['Siehe Anhang.'], 'php-alternative-unended': ['Plain words.'], 'php-raw-octets': ['Latin: äöü'],
  'perl-quoted-printable': ['Käse = gut'], 'perl-base64': ['Sechzehn: ä'], 'perl-utf-16le': ['Klein: ä'], 'java-base64': ['Schöne Grüße aus Java'],
  'java-mixed': ['Schöne Grüße aus Java'], 'java-utf-16be': ['Sechzehn: ä'], 'java-modified-utf': ['①㈱ 日本語'], 'git-plain': ['+Käse'],
  'openssl-signed': ['Signed words: Käse'], 'openssl-signed-text': ['Words in a file: Käse'],
  'openssl-cms-signed': ['Signed words: Käse'], 'gnupg-signed': ['Signed words: Käse'], 'gnupg-clear-signed': ['Clear words'],
  'gnupg-inline-encrypted': ['BEGIN PGP MESSAGE'], 'gnupg-key': ['My key.'],
}; // prettier-ignore

const work = mkdtempSync(join(tmpdir(), 'corpus-'));
chmodSync(work, 0o755);
const output = join(work, 'out');
const shellWork = join(work, 'shell');
for (const folder of [output, shellWork]) mkdirSync(folder);
rmSync(mails, { recursive: true, force: true });
mkdirSync(mails, { recursive: true });

const made = [];
const put = ({ name, maker, contains, raw }) => {
  writeFileSync(join(mails, `${name}.eml`), raw);
  made.push({ file: `${name}.eml`, maker, contains });
};

for (const script of ['python-email.py', 'by-hand.py']) {
  const prefix = script === 'by-hand.py' ? 'broken' : 'python';
  for (const line of execFileSync('/usr/bin/python3', [join(generators, script)], { encoding: 'utf8' })
    .trim()
    .split('\n')) {
    const message = JSON.parse(line);
    put({ ...message, name: `${prefix}-${message.name}`, raw: Buffer.from(message.raw, 'base64') });
  }
}
execFileSync('sh', [join(generators, 'shell-senders.sh')], {
  env: { PATH: process.env.PATH, WORK: shellWork, OUT: output, FAKE: join(generators, 'fake-sendmail.sh') },
  stdio: ['ignore', 'ignore', 'inherit'],
});
for (const file of readdirSync(output).sort()) {
  const name = file.slice(0, -'.eml'.length);
  const maker = Object.entries(MAKERS).find(([prefix]) => name.startsWith(`${prefix}-`))[1];
  put({ name, maker, contains: CONTAINS[name] ?? [], raw: readFileSync(join(output, file)) });
}
await nodemailerMessages(put);
await clientMessages(put, shellWork);
await postfixMessages(put);
await eximMessages(put, work);
await mailmanMessages(put);
rmSync(work, { recursive: true });

await writeManifest(made);
console.log(`${made.length} messages`);
process.exit(0);
