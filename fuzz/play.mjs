/** Plays one session against a server and the model, and says what is wrong. */

import { ReferenceModel, UnsureError } from './reference-model.mjs';

/**
 * @param {object} session as `grammar.mjs` makes it
 * @param {{ configuration: object, connect: () => Connection, takeDeliveries: () => Promise<object[]> }} target
 * @returns {Promise<{ problems: string[], isUnsure: boolean, handshakes: number }>}
 */
export async function play(session, { configuration, connect, takeDeliveries }) {
  const model = new ReferenceModel(configuration);
  const connection = connect();
  const problems = [];
  let isUnsure = false;
  let handshakes = 0;
  const awaitReplies = async () => {
    const isThere = () => connection.isClosed || connection.replyCount >= model.replies.length;
    if (!(await connection.until(isThere, PATIENCE_MS))) {
      problems.push(`A reply is missing: ${connection.replyCount} came, ${model.replies.length} are due`);
    }
  };
  const secureWhenDue = async () => {
    if (!model.isSecuring || problems.length > 0) return;
    if (await connection.secure()) handshakes += 1;
    else problems.push('The handshake fails');
    model.secured();
  };
  await secureWhenDue();
  await awaitReplies();
  for (const packet of session.packets) {
    if (model.isClosed || problems.length > 0) break;
    try {
      model.receive(packet);
    } catch (error) {
      if (!(error instanceof UnsureError)) throw error;
      isUnsure = true;
      break;
    }
    await connection.write(packet);
    if (!session.isEager) await awaitReplies();
    await secureWhenDue();
  }
  const isReset = session.end === 'reset' || isUnsure;
  if (isReset) {
    connection.destroy();
  } else {
    // Whoever half-closes hears the rest: all that is due, and nothing else.
    connection.end();
  }
  if (!(await connection.until(() => connection.isClosed, PATIENCE_MS))) {
    problems.push('The connection does not close');
    connection.destroy();
  }
  problems.push(...replyProblems(connection.received, model.replies, { isCutOff: isReset }));
  problems.push(...(await deliveryProblems(takeDeliveries, model.deliveries, { isCutOff: isReset })));
  return { problems, isUnsure, handshakes };
}

/** A transaction as every client sends it: it works, whatever was before. */
export function cleanSession(configuration) {
  const { options } = configuration;
  const hello = `${options.protocol === 'lmtp' ? 'LHLO' : 'EHLO'} clean.example\r\n`;
  const startTLS = ['offer', 'require'].includes(options.tls?.mode) ? [hello, 'STARTTLS\r\n'] : [];
  const auth = options.auth === undefined ? [] : ['AUTH PLAIN AGFsaWNlAHNlY3JldA==\r\n'];
  return {
    configuration: configuration.name,
    packets: [
      ...startTLS,
      hello,
      ...auth,
      'MAIL FROM:<clean1@a.example>\r\n',
      'RCPT TO:<clean2@b.example>\r\n',
      'DATA\r\n',
      'Subject: clean\r\n\r\n..\r\nHello\r\n.\r\n',
      'QUIT\r\n',
    ],
    isEager: false,
    end: 'halfClose',
  };
}

function replyProblems(received, expected, { isCutOff }) {
  const problems = [];
  const lines = received.split('\r\n');
  const rest = lines.pop();
  if (rest !== '' && !isCutOff) problems.push(`Octets without a line end: ${JSON.stringify(rest)}`);
  const replies = [];
  let open;
  for (const line of lines) {
    if (line.length + 2 > 512) problems.push(`A reply line of ${line.length + 2} octets`);
    const match = /^([2-5][0-5][0-9])([ -])([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (match === null || (open !== undefined && open.code !== match[1])) {
      problems.push(`Not a reply line: ${JSON.stringify(line)}`);
      continue;
    }
    open ??= { code: match[1], text: '' };
    open.text += `${match[3]}\n`;
    if (match[2] === '-') continue;
    replies.push(open);
    open = undefined;
  }
  if (open !== undefined && !isCutOff) problems.push('A reply of several lines has no last one');
  for (const [index, { code, says }] of expected.entries()) {
    const reply = replies[index];
    if (reply === undefined) {
      if (!isCutOff) problems.push(`Reply ${index} is missing: ${code}`);
      break;
    }
    if (Number(reply.code) !== code) {
      problems.push(`Reply ${index} is ${reply.code} ${JSON.stringify(reply.text)}, not ${code}`);
      break;
    }
    if (says !== undefined && isPlain(says) && !reply.text.includes(says)) {
      problems.push(
        `Reply ${index} answers something else: ${JSON.stringify(reply.text)}, not about ${JSON.stringify(says)}`,
      );
      break;
    }
  }
  if (replies.length > expected.length) {
    problems.push(
      `${replies.length - expected.length} replies too many: ${JSON.stringify(replies.slice(expected.length))}`,
    );
  }
  return problems;
}

/** Text that stays as it is on its way into a reply line. */
function isPlain(text) {
  return /^[ -~]*$/.test(text) && text.length < 300;
}

async function deliveryProblems(takeDeliveries, expected, { isCutOff }) {
  const delivered = await takeDeliveries();
  const problems = [];
  for (const [index, delivery] of delivered.entries()) {
    const due = expected[index];
    if (due === undefined) problems.push(`Delivered, and should not be: ${JSON.stringify(delivery)}`);
    else if (JSON.stringify(delivery) !== JSON.stringify(due)) {
      problems.push(`Delivered ${JSON.stringify(delivery)} instead of ${JSON.stringify(due)}`);
    }
  }
  if (delivered.length < expected.length && !isCutOff) {
    problems.push(`Not delivered: ${JSON.stringify(expected.slice(delivered.length))}`);
  }
  return problems;
}

/** When a reply has not come by then it is missing. */
const PATIENCE_MS = 10_000;
