/**
 * What the RFCs ask of a server that offers the extensions which an application adds: 1985 (ETRN), 2852 (DELIVERBY), 3461 and 6533 (DSN),
 * 4865 (FUTURERELEASE), 6710 (MT-PRIORITY) and 8689 (REQUIRETLS); and of the keywords LIMITS (9422), STARTTLS (3207) and AUTH (4954).
 * `requirements-extensions.ts` says which test stands for which clause. What depends on TLS and AUTH is tested on the pure session.
 */

import { describe, expect, it } from 'vitest';

import {
  deliverBy,
  dsn,
  dsnOf,
  etrn,
  futureRelease,
  isTLSRequired,
  mtPriority,
  requireTLS,
  type Extension,
  type SMTPServerOptions,
} from '../../src/index.js';
import { Offered } from '../support/offered.js';
import { withSession } from './session.js';

const E_ACUTE = '\u00c3\u00a9';
const BOUNDS = { maxIntervalSeconds: 3_600, maxDateTime: '2035-01-01T00:00:00Z' };

/** The codes of MAIL with each of the parameters, in a session of a server with the extension. */
async function mailCodes(extension: Extension, ...parameters: readonly string[]): Promise<readonly number[]> {
  return codesOf(extension, (each) => [`MAIL FROM:<a@example.org> ${each}`], parameters);
}

/** The codes of RCPT with each of the parameters. */
async function rcptCodes(extension: Extension, ...parameters: readonly string[]): Promise<readonly number[]> {
  return codesOf(extension, (each) => ['MAIL FROM:<a@example.org>', `RCPT TO:<b@example.net> ${each}`], parameters);
}

async function codesOf(
  extension: Extension,
  commandsOf: (parameters: string) => readonly string[],
  all: readonly string[],
): Promise<readonly number[]> {
  const found: number[] = [];
  await withSession(
    async ({ codes }) => {
      await codes('EHLO client.example');
      for (const each of all) {
        const answers = await codes(...commandsOf(each));
        found.push(answers.at(-1) ?? 0);
        await codes('RSET');
      }
    },
    { extensions: [extension] },
  );
  return found;
}

/** The lines of the EHLO reply. */
async function offered(options: SMTPServerOptions): Promise<readonly string[]> {
  let found: readonly string[] = [];
  await withSession(async ({ client }) => {
    ({ lines: found } = await client.command('EHLO client.example'));
  }, options);
  return found;
}

/** The longest path that the MAIL line may have without parameters, as a line up to it. */
const LONGEST_MAIL = `MAIL FROM:<${'a'.repeat(512 - 'MAIL FROM:<>'.length)}>`;
const BARE: SMTPServerOptions = { decodeData: true, dataSizeLimit: null };

async function expectRoom(extension: Extension, parameter: string): Promise<void> {
  await withSession(
    async ({ codes }) => {
      const line = `${LONGEST_MAIL} ${parameter}`;
      expect(await codes('EHLO client.example', line, 'RSET', `${line} `)).toEqual([250, 250, 250, 500]);
    },
    { ...BARE, extensions: [extension] },
  );
}

describe('RFC 1985: ETRN', () => {
  it('ETRN is offered without parameters by whoever adds it, and by nobody else', async () => {
    expect(await offered({ extensions: [etrn()] })).toContain('ETRN');
    expect(await offered({})).not.toContain('ETRN');
    await withSession(async ({ codes }) => {
      expect(await codes('EHLO client.example', 'ETRN example.net')).toEqual([250, 500]);
    });
  });

  it('ETRN takes the name of a node, maybe with an option character, and waits for the end of a transaction', async () => {
    const asked: string[] = [];
    await withSession(
      async ({ codes }) => {
        expect(await codes('ETRN example.net', 'EHLO client.example')).toEqual([503, 250]);
        expect(await codes('ETRN example.net', 'etrn @example.net', 'ETRN #queue_1', 'ETRN [192.0.2.1]')).toEqual([
          250, 250, 250, 250,
        ]);
        expect(asked).toEqual(['example.net', '@example.net', '#queue_1', '[192.0.2.1]']);
        expect(await codes('ETRN', 'ETRN @', 'ETRN a b', 'ETRN -a', 'ETRN !example.net')).toEqual([
          501, 501, 501, 501, 501,
        ]);
        expect(await codes('MAIL FROM:<>', 'ETRN example.net', 'RSET', 'ETRN example.net')).toEqual([
          250, 503, 250, 250,
        ]);
      },
      {
        extensions: [etrn()],
        prepare: (server) => {
          server.use({
            name: 'queue',
            etrn: ({ text }) => {
              asked.push(text);
              return '250 2.0.0 OK, queuing started';
            },
          });
        },
      },
    );
  });

  it('ETRN is answered as the application says, and 458 when it says nothing', async () => {
    const answers: readonly (string | undefined)[] = [
      '250 2.0.0 OK, queuing for node example.net started',
      '251 2.0.0 OK, no messages waiting for node example.net',
      '252 2.0.0 OK, pending messages for node example.net started',
      '253 2.0.0 OK, 7 pending messages for node example.net started',
      '458 4.0.0 Unable to queue messages for node example.net',
      '459 4.7.0 Node example.net not allowed: not yours',
      undefined,
    ];
    let index = 0;
    await withSession(
      async ({ codes }) => {
        await codes('EHLO client.example');
        expect(await codes(...answers.map(() => 'ETRN example.net'))).toEqual([250, 251, 252, 253, 458, 459, 458]);
      },
      {
        extensions: [etrn()],
        prepare: (server) => {
          server.use({ name: 'queue', etrn: () => answers[index++] });
        },
      },
    );
  });
});

describe('RFC 2852: DELIVERBY', () => {
  it('DELIVERBY is offered with its least time, and lengthens the MAIL line by 17', async () => {
    expect(await offered({ extensions: [deliverBy({ minimumSeconds: 240 })] })).toContain('DELIVERBY 240');
    expect(await offered({ extensions: [deliverBy()] })).toContain('DELIVERBY');
    await expectRoom(deliverBy(), 'BY=-123456789;NT');
  });

  it('BY has a time, a mode and maybe T, and R needs a time above zero', async () => {
    expect(await mailCodes(deliverBy(), 'BY=1;R', 'BY=+1;rt', 'BY=0;N', 'BY=-999999999;NT')).toEqual([
      250, 250, 250, 250,
    ]);
    expect(await mailCodes(deliverBy(), 'BY=1', 'BY=1;X', 'BY=1234567890;N', 'BY=0;R', 'BY=-1;R', 'BY')).toEqual(
      Array.from({ length: 6 }, () => 501),
    );
  });

  it('a message that is to be returned sooner than the least time is refused', async () => {
    expect(await mailCodes(deliverBy({ minimumSeconds: 240 }), 'BY=239;R', 'BY=240;R', 'BY=239;N')).toEqual([
      555, 250, 250,
    ]);
  });
});

describe('RFC 3207: STARTTLS', () => {
  it('STARTTLS is offered where TLS can begin, and not on TLS', () => {
    expect(new Offered([], { canStartTLS: true }).lines).toContain('STARTTLS');
    expect(new Offered([], { canStartTLS: true, isSecured: true }).lines).not.toContain('STARTTLS');
    expect(new Offered([], {}).lines).not.toContain('STARTTLS');
  });
});

describe('RFC 3461: DSN', () => {
  it('xtext has two upper-case hexadecimal digits behind a plus sign', async () => {
    expect(await mailCodes(dsn(), 'ENVID=a+2Bb', 'ENVID=a+3D+20', 'ENVID=a+2bb', 'ENVID=a+2', 'ENVID=a=b')).toEqual([
      250, 250, 501, 501, 501,
    ]);
  });

  it('NOTIFY is NEVER alone or a list of the others', async () => {
    expect(await rcptCodes(dsn(), 'NOTIFY=NEVER', 'NOTIFY=success,Failure,DELAY', 'NOTIFY=DELAY')).toEqual([
      250, 250, 250,
    ]);
    expect(
      await rcptCodes(dsn(), 'NOTIFY', 'NOTIFY=NEVER,DELAY', 'NOTIFY=OFTEN', 'NOTIFY=DELAY,', 'NOTIFY=DELAY,DELAY'),
    ).toEqual([501, 501, 501, 501, 501]);
  });

  it('ORCPT is an address type and a printable address', async () => {
    expect(await rcptCodes(dsn(), 'ORCPT=rfc822;a+2Bb@example.net', 'ORCPT=x400;any+20thing')).toEqual([250, 250]);
    expect(
      await rcptCodes(
        dsn(),
        'ORCPT',
        'ORCPT=a@example.net',
        'ORCPT=;a',
        'ORCPT=rfc822;+0A',
        `ORCPT=rfc822;${'a'.repeat(494)}`,
      ),
    ).toEqual([501, 501, 501, 501, 501]);
  });

  it('RET is FULL or HDRS', async () => {
    expect(await mailCodes(dsn(), 'RET=FULL', 'RET=hdrs', 'RET', 'RET=ALL')).toEqual([250, 250, 501, 501]);
  });

  it('ENVID is up to 100 characters of xtext that stand for printable text', async () => {
    expect(await mailCodes(dsn(), `ENVID=${'a'.repeat(100)}`, 'ENVID=+7E', 'ENVID')).toEqual([250, 250, 501]);
    expect(await mailCodes(dsn(), `ENVID=${'a'.repeat(101)}`, 'ENVID=+7F', 'ENVID=+C3+A9')).toEqual([501, 501, 501]);
  });

  it('a parameter of DSN that comes twice is refused with 501', async () => {
    expect(await mailCodes(dsn(), 'RET=FULL RET=FULL', 'ENVID=a envid=b')).toEqual([501, 501]);
    expect(await rcptCodes(dsn(), 'NOTIFY=NEVER NOTIFY=NEVER', 'ORCPT=a;b ORCPT=a;b')).toEqual([501, 501]);
  });

  it('valid parameters of DSN change no reply', () =>
    withSession(
      async ({ client, codes }) => {
        await codes('EHLO client.example');
        const replies = async (mail: string, rcpt: string): Promise<unknown> => {
          const found = [
            await client.command(`MAIL FROM:<a@example.org>${mail}`),
            await client.command(`RCPT TO:<nobody@example.net>${rcpt}`),
            await client.command(`RCPT TO:<b@example.net>${rcpt}`),
          ];
          await codes('RSET');
          return found;
        };
        expect(await replies(' RET=HDRS ENVID=1', ' NOTIFY=SUCCESS ORCPT=rfc822;c@example.net')).toEqual(
          await replies('', ''),
        );
      },
      {
        extensions: [dsn()],
        prepare: (server) => {
          server.use({
            name: 'users',
            rcpt: ({ path }) => (path.localPart === 'nobody' ? '550 5.1.1 No such user' : undefined),
          });
        },
      },
    ));

  it('ENVID and ORCPT reach the application as they came', () =>
    withSession(
      async ({ codes, finish, messages }) => {
        await codes(
          'EHLO client.example',
          'MAIL FROM:<> ENVID=q+2Bq',
          'RCPT TO:<b@example.net> ORCPT=RFC822;B+2Bc@Example.NET',
          'DATA',
        );
        await finish('x\r\n');
        expect(messages[0]?.mailOptions).toEqual(['ENVID=q+2Bq']);
        expect(messages[0]?.rcptOptions).toEqual([['ORCPT=RFC822;B+2Bc@Example.NET']]);
      },
      { extensions: [dsn()] },
    ));

  it('the lines of MAIL and RCPT have room for the longest parameters of DSN', async () => {
    await expectRoom(dsn(), `RET=FULL ENVID=${'a'.repeat(100)}`);
    await withSession(
      async ({ codes }) => {
        const line = `RCPT TO:<${'a'.repeat(512 - 'RCPT TO:<>'.length)}> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=x;${'a'.repeat(498)}`;
        expect(line.length).toBeGreaterThanOrEqual(1036);
        expect(await codes('EHLO client.example', 'MAIL FROM:<>', line, `${line} `)).toEqual([250, 250, 250, 500]);
      },
      { ...BARE, extensions: [dsn()] },
    );
  });
});

describe('RFC 4865: FUTURERELEASE', () => {
  it('FUTURERELEASE is offered with its bounds', async () => {
    expect(await offered({ extensions: [futureRelease(BOUNDS)] })).toContain('FUTURERELEASE 3600 2035-01-01T00:00:00Z');
  });

  it('HOLDFOR is a number of seconds of up to nine digits', async () => {
    const extension = futureRelease({ ...BOUNDS, maxIntervalSeconds: 999_999_999 });
    expect(await mailCodes(extension, 'HOLDFOR=1', 'HOLDFOR=999999999')).toEqual([250, 250]);
    expect(await mailCodes(extension, 'HOLDFOR', 'HOLDFOR=0', 'HOLDFOR=-1', 'HOLDFOR=1000000000')).toEqual([
      501, 501, 501, 501,
    ]);
  });

  it('HOLDUNTIL is a date with a time and a zone', async () => {
    const extension = futureRelease(BOUNDS);
    expect(
      await mailCodes(extension, 'HOLDUNTIL=2034-05-01T08:00:00Z', 'HOLDUNTIL=2034-05-01T08:00:00.5+02:00'),
    ).toEqual([250, 250]);
    expect(
      await mailCodes(
        extension,
        'HOLDUNTIL',
        'HOLDUNTIL=2034-05-01',
        'HOLDUNTIL=2034-05-01T08:00:00',
        'HOLDUNTIL=20340501T080000Z',
      ),
    ).toEqual([501, 501, 501, 501]);
  });

  it('HOLDUNTIL is a day that its month has', async () => {
    const days = ['2032-02-29', '2034-02-29', '2034-04-31', '2034-13-01'].map((day) => `HOLDUNTIL=${day}T08:00:00Z`);
    expect(await mailCodes(futureRelease(BOUNDS), ...days, 'HOLDUNTIL=2034-06-30T23:59:60Z')).toEqual([
      250, 501, 501, 501, 250,
    ]);
  });

  it('HOLDFOR and HOLDUNTIL exclude each other', async () => {
    expect(await mailCodes(futureRelease(BOUNDS), 'HOLDFOR=1 HOLDUNTIL=2034-05-01T08:00:00Z', 'HOLDFOR=1')).toEqual([
      501, 250,
    ]);
  });

  it('a message is not held beyond the bounds that are offered', async () => {
    expect(
      await mailCodes(
        futureRelease(BOUNDS),
        'HOLDFOR=3601',
        'HOLDFOR=3600',
        'HOLDUNTIL=2035-01-01T00:00:01Z',
        'HOLDUNTIL=2035-01-01T00:00:00Z',
      ),
    ).toEqual([501, 250, 501, 250]);
  });
});

describe('RFC 4954: AUTH', () => {
  const facts = { authMechanisms: ['PLAIN', 'LOGIN'], isAuthenticated: true };

  it('AUTH is offered with its mechanisms, and lengthens the MAIL line by 500', () => {
    const { client, lines } = new Offered([], facts, { ...BARE, pathSyntax: 'lenient' });
    expect(lines).toContain('AUTH PLAIN LOGIN');
    const line = `${LONGEST_MAIL} AUTH=${'a'.repeat(482)}@example.org`;
    expect(client.codes(line, 'RSET', `${line} `)).toEqual([250, 250, 500]);
  });

  it('AUTH= is <> or an address in xtext', () => {
    const session = new Offered([], facts);
    expect(['<>', 'bob@example.com', 'e+3Dmc2@example.com'].map((value) => session.mail(`AUTH=${value}`).code)).toEqual(
      [250, 250, 250],
    );
    expect(
      ['bob', '+2bob@example.com', 'e=mc2@example.com', '<bob@example.com>'].map(
        (value) => session.mail(`AUTH=${value}`).code,
      ),
    ).toEqual([501, 501, 501, 501]);
  });

  it('from a client that is not authenticated AUTH= counts as AUTH=<>', () => {
    const session = new Offered([], { ...facts, isAuthenticated: false });
    expect(session.mail('AUTH=bob@example.com')).toMatchObject({ code: 250, options: ['AUTH=<>'] });
    expect(new Offered([], facts).mail('AUTH=bob@example.com').options).toEqual(['AUTH=bob@example.com']);
  });
});

describe('RFC 6533: addresses of type utf-8', () => {
  it('ORCPT takes an address of type utf-8, in UTF-8 where SMTPUTF8 is offered', async () => {
    const values = [
      `ORCPT=utf-8;${E_ACUTE}@example.net`,
      String.raw`ORCPT=utf-8;\x{E9}@example.net`,
      'ORCPT=utf-8;a+2Bb',
    ];
    expect(await rcptCodes(dsn(), ...values)).toEqual([250, 250, 501]);
    const without = new Offered([dsn()], { isSMTPUTF8Enabled: false });
    expect(values.map((value) => without.rcpt(value).code)).toEqual([501, 250, 501]);
  });
});

describe('RFC 6710: MT-PRIORITY', () => {
  it('MT-PRIORITY is offered with its profile, and lengthens the MAIL line by 15', async () => {
    expect(await offered({ extensions: [mtPriority({ profile: 'MIXER' })] })).toContain('MT-PRIORITY MIXER');
    await expectRoom(mtPriority(), 'MT-PRIORITY=-9');
  });

  it('a priority is a number from -9 to 9, given once', async () => {
    expect(await mailCodes(mtPriority(), 'MT-PRIORITY=-9', 'MT-PRIORITY=0', 'MT-PRIORITY=9')).toEqual([250, 250, 250]);
    expect(
      await mailCodes(
        mtPriority(),
        'MT-PRIORITY',
        'MT-PRIORITY=10',
        'MT-PRIORITY=+1',
        'MT-PRIORITY=-0',
        'MT-PRIORITY=1 MT-PRIORITY=1',
      ),
    ).toEqual([501, 501, 501, 501, 501]);
  });
});

describe('RFC 8689: REQUIRETLS', () => {
  it('REQUIRETLS is offered on TLS only, without a value, and lengthens the MAIL line by 11', () => {
    const { client, lines } = new Offered([requireTLS()], { isSecured: true }, BARE);
    expect(lines).toContain('REQUIRETLS');
    const line = `${LONGEST_MAIL} REQUIRETLS`;
    expect(client.codes('MAIL FROM:<> REQUIRETLS=1', line, 'RSET', `${line} `)).toEqual([501, 250, 250, 500]);
    const clear = new Offered([requireTLS()], { isSecured: false });
    expect(clear.lines).not.toContain('REQUIRETLS');
    expect(clear.mail('REQUIRETLS').code).toBe(555);
  });

  it('a message with REQUIRETLS can be told from others', () => {
    const session = new Offered([requireTLS()], { isSecured: true });
    expect([isTLSRequired(session.envelope('requiretls')), isTLSRequired(session.envelope('SIZE=1'))]).toEqual([
      true,
      false,
    ]);
  });

  it('with REQUIRETLS a report is asked for with header fields only', () => {
    const session = new Offered([requireTLS(), dsn()], { isSecured: true });
    expect(dsnOf(session.envelope('RET=FULL REQUIRETLS')).ret).toBe('HDRS');
  });
});

describe('RFC 9422: LIMITS', () => {
  it('LIMITS tells MAILMAX and RCPTMAX where there are such limits', async () => {
    expect(await offered({ limits: { messagesMax: 999_999, recipientsMax: 100 } })).toContain(
      'LIMITS MAILMAX=999999 RCPTMAX=100',
    );
    expect(await offered({ limits: { messagesMax: 1_000_000, recipientsMax: 1 } })).toContain('LIMITS RCPTMAX=1');
    const none = await offered({ limits: { messagesMax: Infinity, recipientsMax: Infinity } });
    expect(none.filter((line) => line.startsWith('LIMITS'))).toEqual([]);
  });

  it('the limits that are told are those that hold', () =>
    withSession(
      async ({ client, codes, finish }) => {
        expect((await client.command('EHLO client.example')).lines).toContain('LIMITS MAILMAX=1 RCPTMAX=2');
        const rcpt = 'RCPT TO:<b@example.net>';
        expect(await codes('MAIL FROM:<>', rcpt, rcpt, rcpt, 'DATA')).toEqual([250, 250, 250, 452, 354]);
        await finish('x\r\n');
        expect(await codes('MAIL FROM:<>')).toEqual([421]);
      },
      { limits: { messagesMax: 1, recipientsMax: 2 } },
    ));
});
