import { describe, expect, it } from 'vitest';

import { parseClientName } from '../../src/protocol/client-name.js';
import { COMMAND_PHASES, COMMAND_RULES, type Phase } from '../../src/protocol/command-rules.js';
import { ChunkDecoder } from '../../src/protocol/chunk-decoder.js';
import { DataDecoder } from '../../src/protocol/data-decoder.js';
import { InvariantError } from '../../src/protocol/errors.js';
import { parseMailbox } from '../../src/protocol/path.js';
import {
  assertStep,
  chunkBegun,
  chunkTaken,
  clientNamed,
  clientOf,
  contentBegun,
  envelopeOf,
  formatOptions,
  greetingSent,
  isCommandPhase,
  recipientAccepted,
  securingBegun,
  senderAccepted,
  sessionClosed,
  sessionReopened,
  STEPS,
  transactionEnded,
  type ClientIdentity,
  type Recipient,
  type SessionState,
} from '../../src/protocol/session-state.js';

const client: ClientIdentity = { name: parseClientName('client.example')!, isExtended: true };
const recipient = (address: string): Recipient => ({ path: parseMailbox(address)!, parameters: [] });
const decoder = new DataDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });
const chunkDecoder = new ChunkDecoder({ lineEndings: 'reject', sizeLimitBytes: Infinity });

type In<P extends Phase> = Extract<SessionState, { phase: P }>;
const begun = () =>
  senderAccepted(
    { phase: 'ready', client },
    {
      reversePath: parseMailbox('a@a.example')!,
      parameters: [],
      isInternational: false,
    },
  ) as In<'sender'>;
const addressed = () => recipientAccepted(begun(), recipient('b@b.example')) as In<'recipients'>;
const inChunk = () => chunkBegun(addressed(), chunkDecoder, false) as In<'chunk'>;

/** One state of each phase. */
const STATES: Readonly<Record<Phase, () => SessionState>> = {
  opening: sessionReopened,
  refused: () => ({ phase: 'refused' }),
  start: greetingSent,
  ready: () => clientNamed(client),
  sender: begun,
  recipients: addressed,
  chunks: () => chunkTaken(inChunk()),
  content: () => contentBegun(addressed(), decoder),
  chunk: inChunk,
  securing: securingBegun,
  closed: () => sessionClosed(begun()),
};
const PHASES = Object.keys(STATES) as Phase[];

describe('the states', () => {
  it.each(PHASES)('of the phase %s are of that phase, and have what exists in it', (phase) => {
    const state = STATES[phase]();
    expect(state.phase).toBe(phase);
    const hasClient = !['opening', 'refused', 'start', 'securing'].includes(phase);
    const hasEnvelope = ['sender', 'recipients', 'content', 'chunk', 'chunks'].includes(phase);
    expect(clientOf(state)).toBe(hasClient ? client : undefined);
    expect(envelopeOf(state)?.reversePath.address).toBe(hasEnvelope ? 'a@a.example' : undefined);
    expect(isCommandPhase(phase)).toBe((COMMAND_PHASES as readonly string[]).includes(phase));
  });

  it('of a transaction gather recipients in order', () => {
    const first = addressed();
    const second = recipientAccepted(first, recipient('c@b.example'));
    expect(second.phase).toBe('recipients');
    expect(envelopeOf(second)?.recipients.map(({ path }) => path.address)).toEqual(['b@b.example', 'c@b.example']);
  });

  it('of the chunks of one message share a decoder, and know which is the last', () => {
    const first = chunkBegun(addressed(), chunkDecoder, false) as In<'chunk'>;
    const between = chunkTaken(first) as In<'chunks'>;
    expect(between).toEqual({ phase: 'chunks', client, envelope: first.envelope, decoder: chunkDecoder });
    expect(between.decoder).toBe(chunkDecoder);
    const last = chunkBegun(between, between.decoder, true) as In<'chunk'>;
    expect([first.isLast, last.isLast]).toEqual([false, true]);
    expect(last.decoder).toBe(chunkDecoder);
    expect(last.envelope).toBe(first.envelope);
  });

  it('of two transactions share no recipients', () => {
    expect(envelopeOf(addressed())?.recipients).toHaveLength(1);
    expect(envelopeOf(addressed())?.recipients).toHaveLength(1);
    expect(begun().envelope.recipients).toEqual([]);
  });

  it.each(PHASES)('after the end of a transaction in %s: the client keeps its name and nothing else', (phase) => {
    const state = STATES[phase]();
    const ended = transactionEnded(state);
    if (clientOf(state) === undefined || phase === 'closed') expect(ended).toBe(state);
    else expect(ended).toEqual({ phase: 'ready', client });
  });
});

describe('the steps', () => {
  it('are there for every phase, between phases that there are', () => {
    expect(Object.keys(STEPS).sort()).toEqual([...PHASES].sort());
    for (const next of Object.values(STEPS)) for (const phase of next) expect(PHASES).toContain(phase);
  });

  it.each(PHASES)('from %s are taken as they are written, and no others', (from) => {
    for (const next of PHASES) {
      const step = (): void => {
        assertStep(from, next);
      };
      if (STEPS[from].includes(next)) expect(step).not.toThrow();
      else expect(step, `${from} → ${next}`).toThrow(InvariantError);
    }
  });

  it('lead out of every phase to the end, and out of the end nowhere', () => {
    for (const phase of PHASES) expect(STEPS[phase]).toContain('closed');
    expect(STEPS.closed).toEqual(['closed']);
  });

  it('are no more than the table of commands, the greeting, the handshake, the ends of chunks and messages and the end need', () => {
    const needed = new Set([
      ...['opening start', 'opening refused', 'content ready', 'chunk chunks', 'chunk ready'],
      // TLS before the greeting, and behind STARTTLS.
      ...['opening securing', 'securing opening', 'securing start', 'securing refused'],
    ]);
    for (const phase of PHASES) needed.add(`${phase} closed`);
    for (const phase of COMMAND_PHASES) {
      for (const { in: rules } of Object.values(COMMAND_RULES)) {
        const rule = rules[phase];
        if ('to' in rule && rule.to !== phase) needed.add(`${phase} ${rule.to}`);
      }
    }
    // Those that stay are steps where the state is made anew: RSET, EHLO again, one more recipient.
    for (const phase of ['start', 'ready', 'recipients']) needed.add(`${phase} ${phase}`);
    const there = PHASES.flatMap((from) => STEPS[from].map((next) => `${from} ${next}`));
    expect(there.sort()).toEqual([...needed].sort());
  });
});

describe('formatOptions', () => {
  it('writes parameters as words', () => {
    const parameters = [
      { keyword: 'SIZE', value: '10' },
      { keyword: 'SMTPUTF8', value: undefined },
    ];
    expect(formatOptions(parameters)).toEqual(['SIZE=10', 'SMTPUTF8']);
    expect(formatOptions([])).toEqual([]);
    expect(formatOptions([])).toBe(formatOptions([]));
  });
});
