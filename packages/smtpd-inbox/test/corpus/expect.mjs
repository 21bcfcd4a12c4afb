/**
 * Writes manifest.json anew from the messages that are here: `node packages/smtpd-inbox/test/corpus/expect.mjs`, after `npm run build:packages`.
 * What Python makes of them is asked of Python; what went wrong in reading is asked of the reader, and has to be looked at by a person.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { readMail } from '../../dist/mail/read-mail.js';

const here = fileURLToPath(new URL('.', import.meta.url));

/** @param made file, maker and words of each message */
export function writeManifest(made) {
  const files = made.map(({ file }) => join(here, 'mails', file));
  const output = execFileSync('/usr/bin/python3', [join(here, 'generate/oracle.py'), ...files], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const told = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const entries = made.map(({ file, maker, contains }, index) => {
    const reading = readMail(readFileSync(files[index]));
    let step = reading.next();
    while (step.done !== true) step = reading.next();
    const { subject, leaves } = told[index];
    return { file, maker, contains, subject, leaves, faults: step.value.faults };
  });
  const lines = entries.map((entry) => JSON.stringify(entry));
  writeFileSync(join(here, 'manifest.json'), `[\n${lines.join(',\n')}\n]\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeManifest(JSON.parse(readFileSync(join(here, 'manifest.json'), 'utf8')));
}
