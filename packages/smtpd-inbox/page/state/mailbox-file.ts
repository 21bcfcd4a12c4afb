/** Several messages as one mbox file. Octets in, octets out. */

/** A message for the file. */
export interface MailboxMessage {
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly receivedAt: string;
  readonly mailFrom: string;
}

/**
 * The pieces of an mbox file, as RFC 4155 describes it, with the lines that begin with `From ` quoted so that they can be told apart and
 * unquoted (mboxrd). Line ends stay as they came.
 */
export function mailboxFile(messages: readonly MailboxMessage[]): Uint8Array<ArrayBuffer>[] {
  const encoder = new TextEncoder();
  return messages.flatMap(({ raw, receivedAt, mailFrom }) => {
    const sender = /^[\x21-\x7e]+$/.test(mailFrom) ? mailFrom : 'MAILER-DAEMON';
    const last = raw.at(-1) === LF ? '\n' : '\n\n';
    return [encoder.encode(`From ${sender} ${formatMailboxTime(receivedAt)}\n`), quoteFrom(raw), encoder.encode(last)];
  });
}

/** As ctime(3) has it, in UTC: `Wed Nov 25 20:00:00 2026`. */
function formatMailboxTime(time: string): string {
  // `Wed, 25 Nov 2026 20:00:00 GMT`
  const [weekday = '', day = '', month = '', year = '', clock = ''] = new Date(time).toUTCString().split(/,? /);
  return `${weekday} ${month} ${day.replace(/^0/, ' ')} ${clock} ${year}`;
}

/** `>` before each line that begins with any number of `>` and then `From `. */
function quoteFrom(raw: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const places: number[] = [];
  for (let at = 0; at >= 0 && at < raw.length;) {
    let word = at;
    while (raw[word] === GREATER) word++;
    if (FROM.every((octet, index) => raw[word + index] === octet)) places.push(at);
    const end = raw.indexOf(LF, at);
    at = end < 0 ? raw.length : end + 1;
  }
  if (places.length === 0) return raw;
  const quoted = new Uint8Array(raw.length + places.length);
  let from = 0;
  for (const [index, place] of places.entries()) {
    quoted.set(raw.subarray(from, place), from + index);
    quoted[place + index] = GREATER;
    from = place;
  }
  quoted.set(raw.subarray(from), from + places.length);
  return quoted;
}

const LF = 0x0a;
const GREATER = 0x3e;
const FROM = Array.from('From ', (letter) => letter.charCodeAt(0));
