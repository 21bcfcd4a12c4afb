/**
 * Writes manifest.json anew from the messages that are here: `node packages/smtpd-inbox/test/corpus/expect.mjs`, after `npm run build:packages`.
 * What Python makes of them is asked of Python; what went wrong in reading is asked of the reader, and has to be looked at by a person.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { MailReader } from 'smtpd-inbox';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @param made file, maker and words of each message */
export async function writeManifest(made) {
  const files = made.map(({ file }) => join(here, 'mails', file));
  const output = execFileSync('/usr/bin/python3', [join(here, 'generate/oracle.py'), ...files], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const told = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const reader = new MailReader();
  const entries = [];
  for (const [index, { file, maker, contains }] of made.entries()) {
    const { faults } = await reader.read(readFileSync(files[index]));
    const { subject, leaves } = told[index];
    entries.push({ file, maker, contains, subject, leaves, faults });
  }
  await reader.close();
  const lines = entries.map((entry) => JSON.stringify(entry));
  writeFileSync(join(here, 'manifest.json'), `[\n${lines.join(',\n')}\n]\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await writeManifest(JSON.parse(readFileSync(join(here, 'manifest.json'), 'utf8')));
}
