/** Messages for the page to show, as the API gives them: made by hand, so that a test says what it expects in its own words. */

import type {
  Authentication,
  Compatibility,
  Difference,
  Entry,
  Finding,
  Message,
  Part,
  ReleaseResult,
  Transcript,
} from '../../../src/api/model.js';

/** A message with all that the API says of it. */
export interface Sample {
  readonly message: Message;
  readonly raw: Uint8Array;
  /** Part number to its decoded octets. */
  readonly partOctets: ReadonlyMap<string, Uint8Array>;
  readonly transcript: Transcript;
  readonly lint: readonly Finding[];
  readonly accessibility: readonly Finding[];
  readonly compatibility: Compatibility;
  readonly authentication: Authentication;
  readonly difference: Difference;
  readonly release: ReleaseResult;
  /** What the document of the frame would fetch from elsewhere. */
  readonly remoteContent: number;
}

/** What a test says of a message; the rest is plain. */
export interface SampleOf extends Partial<Omit<Sample, 'message' | 'raw'>> {
  readonly entry?: Partial<Entry>;
  readonly message?: Partial<Omit<Message, 'entry'>>;
  readonly raw?: string | Uint8Array;
}

/** A message that came in clear from one person to another, changed by what a test says of it. */
export function sampleMessage(id: string, of: SampleOf = {}): Sample {
  const raw =
    of.raw instanceof Uint8Array
      ? of.raw
      : Buffer.from(of.raw ?? 'From: ann@a.example\r\nTo: bob@b.example\r\nSubject: Plain\r\n\r\nHello\r\n', 'latin1');
  const entry: Entry = {
    id,
    kind: 'message',
    inbox: '',
    receivedAt: '2026-11-20T09:30:00.000Z',
    sizeBytes: raw.length,
    isRead: false,
    tags: [],
    envelope: { mailFrom: 'ann@a.example', rcptTos: ['bob@b.example'], mailOptions: [], rcptOptions: [[]] },
    session: { peer: { address: '127.0.0.1', port: 40_000 }, clientName: 'client.example', protocol: 'ESMTP' },
    ...(of.entry?.kind === 'session' ? {} : { subject: 'Plain' }),
    from: ['Ann <ann@a.example>'],
    to: ['bob@b.example'],
    cc: [],
    attachmentNames: [],
    ...of.entry,
  };
  return {
    raw,
    message: {
      entry,
      headers: headersOf(raw),
      parts: [textPart(raw.length)],
      links: [],
      codes: [],
      faults: [],
      ...of.message,
    },
    partOctets: of.partOctets ?? new Map(),
    transcript: of.transcript ?? {
      lines: [
        { from: 'server', atMs: 0.6, text: '220 inbox.example ESMTP' },
        { from: 'client', atMs: 1.1, text: 'QUIT' },
      ],
      swaks: '',
    },
    lint: of.lint ?? [],
    accessibility: of.accessibility ?? [],
    compatibility: of.compatibility ?? {
      supported: 1,
      partly: 0,
      unsupported: 0,
      features: [],
      dataDate: '2026-11-01',
    },
    authentication: of.authentication ?? { state: 'off', checks: [] },
    difference: of.difference ?? { sections: [] },
    release: of.release ?? { recipients: [] },
    remoteContent: of.remoteContent ?? 0,
  };
}

/** The fields of a header, with the lines where they begin. */
function headersOf(raw: Uint8Array): Message['headers'] {
  const fields: Message['headers'] = [];
  const lines = Buffer.from(raw).toString('latin1').split('\n');
  for (const [at, text] of lines.entries()) {
    const line = text.replace(/\r$/, '');
    if (line === '') break;
    const last = fields.at(-1);
    if (/^[ \t]/.test(line) && last !== undefined) {
      last.value += line;
      last.raw += `\r\n${line}`;
      continue;
    }
    const colon = line.indexOf(':');
    const value = line.slice(colon + 1).trim();
    fields.push({ name: line.slice(0, colon), value, raw: line, line: at + 1 });
  }
  return fields;
}

function textPart(end: number): Part {
  return { number: '0', contentType: 'text/plain', sizeBytes: 7, start: 0, end, role: 'text' };
}
