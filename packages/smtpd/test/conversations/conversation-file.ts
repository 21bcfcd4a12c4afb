/** Reads a conversation file; `README.md` says how one is written. It plays nothing. */

/** A conversation with all that is expected of it. */
export interface Conversation {
  /** What it shows: the comment at the top. */
  readonly about: string;
  /** Server options as they were written: names and JSON values. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly answers: readonly Answer[];
  /** The ways on which it would go otherwise, with the reason. */
  readonly exceptions: ReadonlyMap<string, string>;
  readonly steps: readonly Step[];
  readonly messages: readonly ExpectedMessage[];
  /** Whether the server closes at the end. */
  readonly isClosed: boolean;
}

/** What the application answers to a question: to every one of its kind, or to one about this address; about a message, for this recipient. */
export interface Answer {
  readonly stage: 'connect' | 'helo' | 'mail' | 'rcpt' | 'data' | 'message' | 'vrfy' | 'expn' | 'etrn';
  readonly address: string | undefined;
  /** The text of a reply. */
  readonly reply: string;
}

/** What is sent in one piece, and the replies that it gets. */
export interface Step {
  /** Each octet is one character. */
  readonly send: string;
  readonly replies: readonly ExpectedReply[];
}

/** One reply: the lines as patterns, or the code alone. */
export type ExpectedReply =
  | { readonly kind: 'lines'; readonly lines: readonly RegExp[]; readonly source: string }
  | { readonly kind: 'code'; readonly code: number };

/** One message that is handed over. */
export interface ExpectedMessage {
  /** `<reverse-path> PARAMETERS <forward-path> PARAMETERS …` */
  readonly envelope: string;
  /** Each octet is one character. */
  readonly data: string;
}

/** Reads the text of a file. */
export function readConversation(text: string): Conversation {
  const about: string[] = [];
  const options: Record<string, unknown> = {};
  const answers: Answer[] = [];
  const exceptions = new Map<string, string>();
  const steps: { send: string; replies: ExpectedReply[]; rows: string[] }[] = [{ send: '', replies: [], rows: [] }];
  const messages: { envelope: string; data: string }[] = [];
  let isClosed = false;
  let isSending = false;
  for (const [index, line] of text.split('\n').entries()) {
    const fail = (reason: string): never => {
      throw new Error(`Line ${String(index + 1)}: ${reason}: ${line}`);
    };
    const mark = line.slice(0, 2);
    const rest = line.slice(3);
    if (line.trim() === '') continue;
    if (line.startsWith('#')) {
      if (steps.length === 1 && steps[0]!.rows.length === 0) about.push(line.replace(/^#+ ?/, ''));
    } else if (line.startsWith('option ')) {
      const match = /^option (?:(\w+)\.)?(\w+) (.+)$/.exec(line) ?? fail('not an option');
      const [, group, name = '', value = ''] = match;
      if (group === undefined) options[name] = JSON.parse(value) as unknown;
      else options[group] = { ...(options[group] as object | undefined), [name]: JSON.parse(value) as unknown };
    } else if (line.startsWith('answer ')) {
      const match =
        /^answer (connect|helo|mail|rcpt|data|message|vrfy|expn|etrn)(?: <(.*?)>)? (\d{3} .*)$/.exec(line) ??
        fail('not an answer');
      answers.push({ stage: match[1] as Answer['stage'], address: match[2], reply: match[3] ?? '' });
    } else if (line.startsWith('except ')) {
      const match = /^except ([^:]+): (.+)$/.exec(line) ?? fail('not an exception');
      exceptions.set(match[1] ?? '', match[2] ?? '');
    } else if (mark === 'C:' || mark === 'C-') {
      if (!isSending) steps.push({ send: '', replies: [], rows: [] });
      isSending = true;
      steps.at(-1)!.send += octetsOf(rest) + (mark === 'C:' ? '\r\n' : '');
    } else if (mark === 'S:') {
      isSending = false;
      const step = steps.at(-1)!;
      step.rows.push(rest);
      if (/^\d{3} \.\.\.$/.test(rest)) {
        if (step.rows.length > 1) fail('a code alone stands alone');
        step.replies.push({ kind: 'code', code: Number(rest.slice(0, 3)) });
        step.rows = [];
      } else if (rest.charAt(3) !== '-') {
        step.replies.push({ kind: 'lines', lines: step.rows.map(patternOf), source: step.rows.join('\n') });
        step.rows = [];
      }
      // What was sent so far is over as soon as a whole reply was expected to it.
    } else if (mark === 'M:') {
      messages.push({ envelope: rest, data: '' });
    } else if (mark === 'D:' || mark === 'D-') {
      const message = messages.at(-1) ?? fail('content without a message');
      message.data += octetsOf(rest) + (mark === 'D:' ? '\r\n' : '');
    } else if (line === 'CLOSED') {
      isClosed = true;
    } else {
      fail('not a line of a conversation');
    }
  }
  const unfinished = steps.find(({ rows }) => rows.length > 0);
  if (unfinished !== undefined) throw new Error(`A reply is not finished: ${unfinished.rows.join(' / ')}`);
  return { about: about.join(' '), options, answers, exceptions, steps, messages, isClosed };
}

/** The octets of a text with escapes: UTF-8, but `\xHH` is one octet. */
function octetsOf(text: string): string {
  return text
    .split(ESCAPE)
    .map((part, index) => (index % 2 === 0 ? Buffer.from(part, 'utf8').toString('latin1') : unescape(part)))
    .join('');
}

function unescape(escape: string): string {
  const repeated = /^\\\{(.+)\*(\d+)\}$/.exec(escape);
  if (repeated !== null) return octetsOf(repeated[1] ?? '').repeat(Number(repeated[2]));
  if (escape.startsWith('\\x')) return String.fromCharCode(Number.parseInt(escape.slice(2), 16));
  return SIMPLE_ESCAPES[escape] ?? escape;
}

/** A line of a reply; `*` stands for any text. */
function patternOf(row: string): RegExp {
  const parts = row.split('*').map((part) => octetsOf(part).replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

const ESCAPE = /(\\x[0-9A-Fa-f]{2}|\\\{.+?\*\d+\}|\\[rntd\\])/;
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { '\\r': '\r', '\\n': '\n', '\\t': '\t', '\\\\': '\\' };
