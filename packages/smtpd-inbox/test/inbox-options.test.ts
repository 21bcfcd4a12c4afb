/** What is said of options that an inbox does not have: what is meant by names that people bring. */

import { runInThisContext } from 'node:vm';

import { describe, expect, it } from 'vitest';

import { completeInboxOptions, InboxUsageError } from '../src/inbox-options.js';

/** What options are refused with. */
function refusalOf(options: object): string {
  try {
    completeInboxOptions(options);
  } catch (error) {
    if (error instanceof InboxUsageError) return error.message;
    throw error;
  }
  return '';
}

describe('an option that there is not', () => {
  it.each([
    ['port', `say smtp: 'HOST:PORT'`],
    ['localAddress', `say smtp: 'HOST:PORT'`],
    ['webPort', `say http: 'HOST:PORT'`],
    ['dataSizeLimit', 'say messageBytesMax: 33_554_432'],
    ['maxMessages', 'say limits: { messagesMax: 1_000 }'],
    ['secure', `say smtps: 'HOST:PORT'`],
    ['name', `say hostname: 'mail.example.org'`],
    ['users', `say auth: { NAME: 'PASSWORD' }`],
    ['messageMaxBytes', 'did you mean messageBytesMax?'],
    ['htpp', 'did you mean http?'],
  ])('%s', (name, advice) => {
    expect(refusalOf({ [name]: 1 })).toBe(`There is no option "${name}"; ${advice}`);
    const [, literal] = /^say (.*)$/.exec(advice) ?? [];
    if (literal === undefined) return;
    // Words in capitals stand for what only the reader knows.
    const text = literal.replaceAll('HOST', 'localhost').replaceAll('PORT', '2525');
    expect(refusalOf(runInThisContext(`({ ${text} })`) as object)).toBe('');
  });

  it('is answered with all that there are where nothing is near', () => {
    expect(refusalOf({ colour: 1 })).toMatch(/^There is no option "colour"; there are: smtp, smtps, http, /);
  });
});
