/** Mail for a large inbox: each message another one, made of words that are as common and as rare as those of a language. */
import { once } from 'node:events';
import { connect } from 'node:net';

/** Of 20,000 words few are common, most are rare. These are in a few messages of 100,000 each. */
export const RARE_WORDS = Array.from({ length: 1_000 }, (_, index) => `w${18_000 + index}`);

const SESSIONS = 20;

/** Sends `count` messages by several sessions, each with all its commands in one write. */
export async function fillInbox(port, count) {
  const random = randomFrom(1);
  let next = 0;
  await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const replies = repliesOf(socket);
      await replies.next('2');
      const say = async (text, ...wanted) => {
        socket.write(text);
        for (const each of wanted) await replies.next(each);
      };
      await say('EHLO load.example.test\r\n', '2');
      while (next < count) {
        const number = (next += 1);
        const envelope = `MAIL FROM:<s${number % 100}@a.example>\r\nRCPT TO:<r${number}@b.example>\r\nDATA\r\n`;
        await say(envelope, '2', '2', '3');
        await say(`${messageOf(number, random)}.\r\n`, '2');
      }
      await say('QUIT\r\n', '2');
      socket.destroy();
    }),
  );
}

/** `half0` and `half1` are in every other message, by turns; `always` is in all but a few; one of 5,000 has an attachment. */
function messageOf(number, random) {
  const words = Array.from({ length: 120 }, () => `w${Math.floor(20_000 ** random())}`);
  const paragraph = Array.from({ length: 12 }, (_, line) => words.slice(line * 10, line * 10 + 10).join(' ')).join(
    '\r\n',
  );
  const header = [
    `From: Sender ${number % 100} <s${number % 100}@a.example>`,
    `To: r${number}@b.example`,
    `Subject: Number ${number} ${number % 1_000 === 2 ? 'seldom' : 'always'} half${number % 2}`,
    'Date: Wed, 25 Nov 2026 12:00:00 +0000',
    `Message-ID: <${number}@a.example>`,
    `X-Number: ${number}`,
    'MIME-Version: 1.0',
  ];
  if (number % 5_000 !== 3)
    return [...header, 'Content-Type: text/plain; charset=utf-8', '', paragraph, ''].join('\r\n');
  return [
    ...header,
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain; charset=utf-8',
    '',
    paragraph,
    '--b',
    'Content-Type: application/pdf',
    'Content-Disposition: attachment; filename=report.pdf',
    '',
    '%PDF-',
    '--b--',
    '',
  ].join('\r\n');
}

/** The replies of a socket, one after the other; each is to be of a class. */
function repliesOf(socket) {
  const heads = [];
  let left = '';
  let wake = () => undefined;
  let error;
  const end = (reason) => {
    error ??= reason;
    wake();
  };
  socket.on('error', end);
  socket.on('close', () => end(new Error('The server closed the connection')));
  socket.on('data', (octets) => {
    const lines = (left + octets.toString('latin1')).split('\r\n');
    left = lines.pop();
    // RFC 5321 §4.2.1: a hyphen says that more lines follow.
    for (const line of lines) if (line[3] !== '-') heads.push(line);
    wake();
  });
  return {
    async next(wanted) {
      while (heads.length === 0) {
        if (error !== undefined) throw error;
        await new Promise((resolve) => {
          wake = resolve;
        });
      }
      const head = heads.shift();
      if (head[0] !== wanted) throw new Error(`The server said ${head}`);
    },
  };
}

/** The same numbers each time (a linear congruential generator). */
function randomFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
