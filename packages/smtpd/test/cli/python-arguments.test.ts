import { describe, expect, it } from 'vitest';

import { parsePythonArguments } from '../../src/cli/python-arguments.js';

const DEFAULTS = {
  kind: 'serve',
  staysRoot: false,
  className: 'DebuggingServer',
  dataSizeLimit: 33_554_432,
  enableSMTPUTF8: false,
  isDebugging: false,
  localAddress: 'localhost:8025',
  remoteAddress: { host: 'localhost', port: 25 },
};

describe('the arguments of the old module', () => {
  it('have the old defaults, except that mail is printed', () => {
    expect(parsePythonArguments([])).toEqual(DEFAULTS);
  });

  it('mean what they meant', () => {
    const argv = ['-n', '-u', '-d', '-s', '0', '-c', './inbox.js#Inbox', '127.0.0.1:2525', 'relay.example:26'];
    expect(parsePythonArguments(argv)).toEqual({
      kind: 'serve',
      staysRoot: true,
      className: './inbox.js#Inbox',
      dataSizeLimit: 0,
      enableSMTPUTF8: true,
      isDebugging: true,
      localAddress: '127.0.0.1:2525',
      remoteAddress: { host: 'relay.example', port: 26 },
    });
    expect(parsePythonArguments(['--nosetuid', '--size=1', '--smtputf8', '--debug', '--class', 'X'])).toMatchObject({
      ...{ staysRoot: true, dataSizeLimit: 1, enableSMTPUTF8: true, isDebugging: true, className: 'X' },
    });
  });

  it('take IPv6 in brackets', () => {
    expect(parsePythonArguments(['[::1]:1025', '[2001:db8::1]:25'])).toMatchObject({
      localAddress: '[::1]:1025',
      remoteAddress: { host: '2001:db8::1', port: 25 },
    });
  });

  it('take --version before what is wrong behind it', () => {
    expect(parsePythonArguments(['-V', '-s', 'x'])).toEqual({ kind: 'version' });
    expect(parsePythonArguments(['--help', '--nope'])).toEqual({ kind: 'help' });
  });

  it.each([
    [['-s', 'x'], 'Invalid size: x'],
    [['-s', '-1'], 'Invalid size: -1'],
    [['-s', '1e3'], 'Invalid size: 1e3'],
    [['-s', ''], 'Invalid size: '],
    [['localhost'], 'Bad local spec: localhost'],
    [['::1:25'], 'Bad local spec: ::1:25'],
    [['localhost:x'], 'Bad local port: localhost:x'],
    [['localhost:'], 'Bad local port: localhost:'],
    [['localhost:65536'], 'Bad local port: localhost:65536'],
    [['a:1', 'relay'], 'Bad remote spec: relay'],
    [['a:1', ':25'], 'Bad remote spec: :25'],
    [['a:1', 'relay:x'], 'Bad remote port: relay:x'],
    [['a:1', 'relay:99999'], 'Bad remote port: relay:99999'],
    [['a:1', 'b:2', 'c:3'], 'Invalid arguments: a:1, b:2, c:3'],
  ])('refuse %j with exit code 2', (argv, message) => {
    expect(() => parsePythonArguments(argv)).toThrow(expect.objectContaining({ name: 'CommandError', exitCode: 2 }));
    expect(() => parsePythonArguments(argv)).toThrow(message);
  });
});
