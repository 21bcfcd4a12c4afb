import { describe, expect, it } from 'vitest';

import { parseArguments } from '../../src/cli/arguments.js';
import { CommandError } from '../../src/cli/command-error.js';
import { DEBUG_COMMAND, SERVE } from '../../src/cli/commands.js';

function parsed(...argv: string[]) {
  const { options, words } = parseArguments(argv, SERVE.options);
  return { options: Object.fromEntries(options), words };
}

describe('parseArguments', () => {
  it('takes letters alone, together, and with a value behind or beside them', () => {
    expect(parsed('-n', '-s', '100')).toEqual({ options: { nosetuid: true, size: '100' }, words: [] });
    expect(parsed('-nds100', 'a:1')).toEqual({ options: { nosetuid: true, debug: true, size: '100' }, words: ['a:1'] });
  });

  it('takes long names with a value behind or beside them', () => {
    expect(parsed('--size=100', '--class', 'X')).toEqual({ options: { size: '100', class: 'X' }, words: [] });
    expect(parsed('--class=')).toEqual({ options: { class: '' }, words: [] });
  });

  it('takes a value that looks like an option', () => {
    expect(parsed('-c', '--debug', '--hostname', '-1').options).toEqual({ class: '--debug', hostname: '-1' });
  });

  it('takes a long name shortened while it is unique', () => {
    expect(parsed('--no', '--de', '--cl=x').options).toEqual({ nosetuid: true, debug: true, class: 'x' });
    expect(() => parsed('--s')).toThrow('option --s is not unique: --size, --smtputf8');
  });

  it('takes options behind words, and only words behind --', () => {
    expect(parsed('a:1', '-n', '--', '-d', '-')).toEqual({ options: { nosetuid: true }, words: ['a:1', '-d', '-'] });
  });

  it('takes --no-NAME where it is declared', () => {
    const { options } = parseArguments(['--no-smtputf8'], DEBUG_COMMAND.options);
    expect(Object.fromEntries(options)).toEqual({ smtputf8: false });
    expect(() => parsed('--no-debug')).toThrow('option --no-debug not recognized');
  });

  it.each([
    ['--tlscert', 'did you mean --tls-cert?'],
    ['--recipients-max', 'did you mean --max-recipients?'],
    ['--hostnmae', 'did you mean --hostname?'],
    ['-v', 'did you mean -V?'],
    ['-l', 'write the address as a word: HOST:PORT'],
    ['--port=25', 'write the address as a word: HOST:PORT'],
    ['--host', 'write the address as a word: HOST:PORT'],
    ['--smtpskey', 'write --tls implicit --tls-cert FILE --tls-key FILE'],
    ['--no-requiretls', 'write --tls offer'],
    ['--colour', 'smtpd --help names all'],
  ])('says what was meant by %s', (argument, advice) => {
    expect(() => parsed(argument)).toThrow(`option ${argument.split('=')[0] ?? ''} not recognized; ${advice}`);
  });

  it('takes a value that may be absent when it is one of the choices', () => {
    expect(parsed('--tls', '127.0.0.1:25')).toEqual({ options: { tls: 'offer' }, words: ['127.0.0.1:25'] });
    expect(parsed('--tls', 'require', 'a:1')).toEqual({ options: { tls: 'require' }, words: ['a:1'] });
    expect(parsed('a:1', '--tls')).toEqual({ options: { tls: 'offer' }, words: ['a:1'] });
    expect(parsed('--tls=implicit').options).toEqual({ tls: 'implicit' });
    expect(() => parsed('--tls=')).toThrow('option --tls is one of off, offer, require, implicit, not ""');
  });

  it('keeps each value of an option that may be repeated', () => {
    expect(parsed('--auth', 'a:b', '--auth=c:d').options).toEqual({ auth: ['a:b', 'c:d'] });
    expect(parsed('--hostname', 'a', '--hostname', 'b').options).toEqual({ hostname: 'b' });
  });

  it.each([
    ['--max-recipients=0', 'option --max-recipients is a whole number above 0, or none, not "0"'],
    ['--max-recipients=1.5', 'option --max-recipients is a whole number above 0, or none, not "1.5"'],
    ['--max-recipients=Infinity', 'option --max-recipients is a whole number above 0, or none, not "Infinity"'],
    ['--greeting-delay=-1', 'option --greeting-delay is a whole number of milliseconds, not "-1"'],
    ['-sx', 'Invalid size: x; option -s is a number of octets, 0 for no limit'],
  ])('refuses the number of %s', (argument, message) => {
    expect(() => parsed(argument)).toThrow(message);
  });

  it('looks at nothing behind --version or --help', () => {
    expect(parsed('-V', '--nope').options).toEqual({ version: true });
    expect(parsed('-nVz').options).toEqual({ nosetuid: true, version: true });
    expect(parsed('-h', '-s').options).toEqual({ help: true });
    expect(() => parsed('--nope', '-V')).toThrow('option --nope not recognized');
  });

  it.each([
    [['-z'], 'option -z not recognized'],
    [['-nz'], 'option -z not recognized'],
    [['--nope=1'], 'option --nope not recognized'],
    [['-c'], 'option -c requires argument'],
    [['--size'], 'option --size requires argument'],
    [['--debug=yes'], 'option --debug takes no value'],
  ])('refuses %j', (argv, message) => {
    expect(() => parsed(...argv)).toThrow(CommandError);
    expect(() => parsed(...argv)).toThrow(message);
  });

  it('refuses a value that is none of the choices', () => {
    expect(() => parseArguments(['--format', 'xml'], DEBUG_COMMAND.options)).toThrow(
      'option --format is one of text, json, python, not "xml"',
    );
  });
});
