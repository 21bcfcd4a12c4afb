import { describe, expect, it } from 'vitest';

import { SERVE } from '../../src/cli/commands.js';
import { understandPythonForm } from '../../src/cli/python-arguments.js';
import { readSettings } from '../../src/cli/settings.js';

const understood = (argv: readonly string[]) => understandPythonForm(readSettings(argv, SERVE, {}));

const DEFAULTS = {
  staysRoot: false,
  className: 'DebuggingServer',
  dataSizeLimit: 33_554_432,
  enableSMTPUTF8: false,
  isDebugging: false,
  localAddress: 'localhost:8025',
  remoteAddress: { host: 'localhost', port: 25 },
  serverOptions: {},
  hooks: [],
};

describe('the arguments of the old module', () => {
  it('have the old defaults, except that mail is printed', () => {
    expect(understood([])).toEqual(DEFAULTS);
  });

  it('mean what they meant', () => {
    const argv = ['-n', '-u', '-d', '-s', '0', '-c', './inbox.js#Inbox', '127.0.0.1:2525', 'relay.example:26'];
    expect(understood(argv)).toEqual({
      staysRoot: true,
      className: './inbox.js#Inbox',
      dataSizeLimit: 0,
      enableSMTPUTF8: true,
      isDebugging: true,
      localAddress: '127.0.0.1:2525',
      remoteAddress: { host: 'relay.example', port: 26 },
      serverOptions: {},
      hooks: [],
    });
    expect(understood(['--nosetuid', '--size=1', '--smtputf8', '--debug', '--class', 'X'])).toMatchObject({
      ...{ staysRoot: true, dataSizeLimit: 1, enableSMTPUTF8: true, isDebugging: true, className: 'X' },
    });
  });

  it('take IPv6 in brackets', () => {
    expect(understood(['[::1]:1025', '[2001:db8::1]:25'])).toMatchObject({
      localAddress: '[::1]:1025',
      remoteAddress: { host: '2001:db8::1', port: 25 },
    });
  });

  it('have beginnings that are unique among the old names, whatever was added since', () => {
    const { options } = readSettings(['--no', '--c', 'X', '--de'], SERVE, {});
    expect(Object.fromEntries(options)).toEqual({ nosetuid: true, class: 'X', debug: true });
    expect([...readSettings(['--h'], SERVE, {}).options.keys()]).toEqual(['help']);
    expect(() => readSettings(['--host', 'a.example'], SERVE, {})).toThrow('option --host not recognized');
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
    [['--listen', 'a:1', '--listen', 'b:1'], 'option --listen: without a command there is one address to listen on'],
    [['a:1', 'b:2', 'c:3'], 'Invalid arguments: a:1, b:2, c:3'],
  ])('refuse %j with exit code 2', (argv, message) => {
    expect(() => understood(argv)).toThrow(expect.objectContaining({ name: 'CommandError', exitCode: 2 }));
    expect(() => understood(argv)).toThrow(message);
  });
});
