/** What a client hears of what happened upstream. */

import { describe, expect, it } from 'vitest';

import {
  SMTPConnectionError,
  SMTPNotOfferedError,
  SMTPRefusedError,
  type ConnectionErrorCode,
} from '../../../src/client/client-errors.js';
import { factsOfFailure, relayedReply, replyOfFailure } from '../../../src/handlers/proxy/upstream-reply.js';
import { UsageError } from '../../../src/protocol/errors.js';
import { Reply, SMTPReplyError } from '../../../src/protocol/reply.js';

function failed(code: ConnectionErrorCode, reply?: Reply): SMTPConnectionError {
  return new SMTPConnectionError(code, 'It failed', { stage: 'RCPT', reply });
}

describe('a reply of the next server', () => {
  it.each([
    new Reply(250, '2.1.5', 'OK'),
    new Reply(251, undefined, 'Moved'),
    new Reply(450, '4.2.0', ['Greylisted', 'come back']),
    new Reply(552, undefined, ''),
  ])('is passed on as it is: %s', (reply) => {
    expect(relayedReply(reply)).toBe(reply);
  });

  it('421 becomes 451, with the same words: it is not we who leave', () => {
    expect(relayedReply(new Reply(421, '4.3.2', ['Going', 'down']))).toEqual(
      new Reply(451, '4.3.2', ['Going', 'down']),
    );
    expect(relayedReply(new Reply(421, undefined, 'Down'))).toEqual(new Reply(451, undefined, 'Down'));
  });
});

describe('a failure', () => {
  it.each<[unknown, string]>([
    [failed('SMTPD_CONNECT_FAILED'), '451 4.4.1 Error: the next server cannot be reached; try again later'],
    [failed('SMTPD_CONNECTION_LOST'), '451 4.4.2 Error: the connection to the next server was lost; try again later'],
    [failed('SMTPD_CONNECTION_LOST', new Reply(421, '4.3.2', 'Bye')), '451 4.3.2 Bye'],
    [failed('SMTPD_CONNECTION_LOST', new Reply(552, '5.3.4', 'Too big')), '552 5.3.4 Too big'],
    [failed('SMTPD_ABORTED'), '451 4.4.2 Error: the connection to the next server was lost; try again later'],
    [failed('SMTPD_SERVER_SILENT'), '451 4.4.2 Error: the next server did not answer in time; try again later'],
    [failed('SMTPD_SERVER_FAULT'), '451 4.5.0 Error: the next server cannot be understood; try again later'],
    [failed('SMTPD_TLS_FAILED'), '451 4.7.5 Error: there is no TLS to the next server; try again later'],
    [
      new SMTPRefusedError('connect', new Reply(554, undefined, 'No')),
      '451 4.4.1 Error: the next server turns us away; try again later',
    ],
    [new SMTPNotOfferedError('DSN', new Reply(555, '5.5.4', 'No DSN')), '555 5.5.4 No DSN'],
    [new SMTPReplyError(550, '5.1.2', 'No such domain'), '550 5.1.2 No such domain'],
    [new SMTPReplyError(421, '4.1.2', 'Away'), '451 4.1.2 Away'],
    [new UsageError('SMTPD_BAD_COMMAND', 'No address'), '553 5.1.3 Error: this address cannot be passed on'],
  ])('has a reply of its own: %s', (error, expected) => {
    expect(replyOfFailure(error, 'envelope')?.toString()).toBe(expected);
  });

  it.each([new Error('Ours'), new TypeError('Ours, too'), 'text', undefined])(
    '%s is none of the next server',
    (error) => {
      expect(replyOfFailure(error, 'envelope')).toBeUndefined();
    },
  );

  it('of our own, behind the envelope, is none of the client', () => {
    expect(replyOfFailure(new UsageError('SMTPD_BAD_COMMAND', 'Out of turn'), 'content')).toBeUndefined();
  });

  it('the log has the stage and the last words', () => {
    expect(factsOfFailure(failed('SMTPD_CONNECTION_LOST', new Reply(421, '4.3.2', 'Bye')))).toEqual({
      code: 'SMTPD_CONNECTION_LOST',
      stage: 'RCPT',
      reason: 'It failed: 421 4.3.2 Bye',
    });
    expect(factsOfFailure(new Error('Else'))).toEqual({ reason: 'Else' });
    expect(factsOfFailure('text')).toEqual({ reason: 'text' });
  });
});
