/** The delivery of content: every server sees every piece, the slowest says how fast, nobody is left hanging, and nothing wrong leaves. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import type { ContentTransfer, TransferReceiver } from '../../../src/client/content-transfer.js';
import { deliverContent, type DeliveryTarget } from '../../../src/handlers/proxy/content-delivery.js';
import { ContentPass } from '../../../src/protocol/content-pass.js';
import { Reply, type SMTPReplyError } from '../../../src/protocol/reply.js';
import { slabs } from '../../../src/protocol/slabs.js';
import { MessageBody } from '../../../src/server/message-body.js';
import { turns } from '../../server/support.js';

const PIECES = ['a', 'b', 'c', 'd'].map((text) => Buffer.from(text));
const OK = new Reply(250, '2.0.0', 'OK');

/** A source that notes how far it was read. */
class Source implements AsyncIterable<Uint8Array> {
  readsBegun = 0;
  isReturned = false;
  readonly #pieces: readonly Uint8Array[];
  readonly #failure: Error | undefined;

  constructor(pieces: readonly Uint8Array[] = PIECES, failure?: Error) {
    this.#pieces = pieces;
    this.#failure = failure;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return {
      next: () => {
        const value = this.#pieces[this.readsBegun];
        this.readsBegun += 1;
        if (value !== undefined) return Promise.resolve({ done: false, value });
        if (this.#failure !== undefined) return Promise.reject(this.#failure);
        return Promise.resolve({ done: true, value: undefined });
      },
      return: () => {
        this.isReturned = true;
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }
}

/** A server that takes content at a pace of its own, and says yes at its end. */
class Target implements ContentTransfer, DeliveryTarget {
  text = '';
  outcome: 'open' | readonly Reply[] | { readonly error: unknown } = 'open';
  hasRoom = true;
  receiver!: TransferReceiver;
  readonly #onPiece: (target: Target) => void;

  /** @param onPiece - may take the room away, and give it back later */
  constructor(onPiece: (target: Target) => void = () => undefined) {
    this.#onPiece = onPiece;
  }

  readonly begin = (receiver: TransferReceiver): ContentTransfer => {
    this.receiver = receiver;
    return this;
  };

  readonly onReplies = (replies: readonly Reply[]): void => {
    this.outcome = replies;
  };

  readonly onFailure = (error: unknown): void => {
    this.outcome = { error };
  };

  write(bytes: Uint8Array): boolean {
    this.text += Buffer.from(bytes).toString();
    this.#onPiece(this);
    return this.hasRoom;
  }

  end(): void {
    this.receiver.onReplies([OK]);
  }

  giveUp(reason: unknown): void {
    this.receiver.onFailure(reason);
  }

  makeRoom(): void {
    this.hasRoom = true;
    this.receiver.onRoom();
  }
}

/** One that has no room after each piece, until it is told. */
function fullTarget(): Target {
  return new Target((target) => {
    target.hasRoom = false;
  });
}

function deliver(body: AsyncIterable<Uint8Array>, targets: readonly DeliveryTarget[], hopsMax = 100): void {
  const front = Buffer.alloc(0);
  deliverContent(body, { pass: new ContentPass({ front, headerEnd: front, lineEndings: 'reject' }), hopsMax }, targets);
}

describe('memory for content', () => {
  it.each([
    [true, true, true],
    [true, false, false],
    [false, true, false],
    [true, undefined, false],
  ])('of servers that have let go (%s, %s) is used again: %s', (first, second, isUsedAgain) => {
    const body = new MessageBody(() => undefined);
    deliver(
      body,
      [first, second].map((hasLetGo) => Object.assign(new Target(), hasLetGo === undefined ? {} : { hasLetGo })),
    );
    const chunk = slabs.take();
    body.push(chunk.fill(0x61));
    const next = slabs.take();
    expect(next.buffer === chunk.buffer).toBe(isUsedAgain);
    slabs.give(next);
  });
});

describe('several servers', () => {
  it('get every piece, whatever the pace of each', async () => {
    const paces = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(paces, async (turnsBetween) => {
        const source = new Source();
        const targets = turnsBetween.map(
          (count) =>
            new Target((target) => {
              target.hasRoom = count === 0;
              if (count > 0) void turns(count).then(() => target.makeRoom());
            }),
        );
        deliver(source, targets);
        await turns(40);
        expect(targets.map(({ text, outcome }) => [text, outcome])).toEqual(targets.map(() => ['abcd', [OK]]));
        expect(source.readsBegun).toBe(PIECES.length + 1);
      }),
      { numRuns: 30 },
    );
  });

  it('go at the pace of the slowest: the source is not asked before each has room', async () => {
    const source = new Source();
    const [fast, slow] = [new Target(), fullTarget()];
    deliver(source, [fast, slow]);
    await turns(3);
    expect([source.readsBegun, fast.text, slow.text]).toEqual([1, 'a', 'a']);
    slow.makeRoom();
    await turns(3);
    expect([source.readsBegun, fast.text, slow.text]).toEqual([2, 'ab', 'ab']);
  });

  it('of which one leaves between two pieces: it does not hold the others up, and gets no more', async () => {
    const source = new Source();
    const [leaving, staying] = [fullTarget(), new Target()];
    deliver(source, [leaving, staying]);
    await turns(3);
    leaving.receiver.onFailure(new Error('The connection is lost'));
    await turns(10);
    expect([leaving.text, staying.text, staying.outcome]).toEqual(['a', 'abcd', [OK]]);
  });

  it('of which one refuses before the end: the others get all of it', async () => {
    const refusing: Target = new Target(({ receiver, text }) => {
      if (text === 'ab') receiver.onReplies([new Reply(552, undefined, 'Too much')]);
    });
    const staying = new Target();
    deliver(new Source(), [refusing, staying]);
    await turns(10);
    expect([refusing.text, staying.text]).toEqual(['ab', 'abcd']);
    expect(refusing.outcome).toMatchObject([{ code: 552 }]);
  });

  it('of which one cannot even begin: the others get all of it', async () => {
    const failure = new Error('The connection was lost before');
    const [failing, staying] = [new Target(), new Target()];
    const begin = (): ContentTransfer => {
      throw failure;
    };
    deliver(new Source(), [{ begin, onReplies: failing.onReplies, onFailure: failing.onFailure }, staying]);
    await turns(10);
    expect([failing.outcome, staying.text]).toEqual([{ error: failure }, 'abcd']);
  });

  it('all of which have left let the source go', async () => {
    const source = new Source();
    const targets = [fullTarget(), fullTarget()];
    deliver(source, targets);
    await turns(3);
    targets[0]!.receiver.onFailure(new Error('Lost'));
    await turns(3);
    expect(source.isReturned).toBe(false);
    targets[1]!.receiver.onFailure(new Error('Lost'));
    await turns(3);
    expect([source.isReturned, source.readsBegun]).toEqual([true, 2]);
  });

  it('all hear of it when the source throws', async () => {
    const failure = new Error('The client has left');
    const targets = [new Target(), new Target(), new Target()];
    deliver(new Source(PIECES.slice(0, 2), failure), targets);
    await turns(10);
    expect(targets.map(({ text, outcome }) => [text, outcome])).toEqual(targets.map(() => ['ab', { error: failure }]));
  });
});

describe('content that must not go on', () => {
  it.each([
    ['has a bare LF', 'Subject: x\r\n\r\nab\ncd', 100, '550 5.6.11'],
    ['has been through more servers than it may', 'Received: a\r\nReceived: b\r\n\r\nab', 1, '554 5.4.6'],
  ])('because it %s is given up before the piece that it is in leaves', async (_, content, hopsMax, expected) => {
    const source = new Source([Buffer.from('Subject: y\r\n'), Buffer.from(content), Buffer.from('more')]);
    const target = new Target();
    deliver(source, [target], hopsMax);
    await turns(10);
    expect(target.text).toBe('Subject: y\r\n');
    const { error } = target.outcome as { error: SMTPReplyError };
    expect(`${String(error.reply.code)} ${error.reply.enhanced ?? ''}`).toBe(expected);
    expect(source.isReturned).toBe(true);
  });
});

describe('the body of a message', () => {
  it('is handed on in the turn in which it comes', () => {
    const body = new MessageBody(() => undefined);
    const target = new Target();
    deliver(body, [target]);
    body.push(Buffer.from('ab'));
    expect(target.text).toBe('ab');
    body.push(Buffer.from('cd'));
    body.end();
    expect([target.text, target.outcome, body.isLeft]).toEqual(['abcd', [OK], true]);
  });

  it('waits for room, is full at some time, and has room again when it was taken', () => {
    let roomCount = 0;
    const body = new MessageBody(() => {
      roomCount += 1;
    });
    const target = fullTarget();
    deliver(body, [target]);
    body.push(Buffer.from('a'));
    body.push(Buffer.from('b'));
    expect([target.text, body.isFull]).toEqual(['a', false]);
    body.push(Buffer.alloc(65_536, 'c'));
    body.end();
    expect([target.text, body.isFull]).toEqual(['a', true]);
    target.makeRoom();
    expect([target.text, body.isFull, roomCount]).toEqual(['ab', true, 0]);
    target.makeRoom();
    expect([target.text.length, body.isFull, roomCount, target.outcome]).toEqual([65_538, false, 1, 'open']);
    target.makeRoom();
    expect(target.outcome).toEqual([OK]);
  });

  it('that will not be complete is told to one that has no room, too', () => {
    const body = new MessageBody(() => undefined);
    const target = fullTarget();
    deliver(body, [target]);
    body.push(Buffer.from('a'));
    const failure = new Error('The client has left');
    body.fail(failure);
    expect(target.outcome).toEqual({ error: failure });
  });

  it('is read once', () => {
    const body = new MessageBody(() => undefined);
    deliver(body, [new Target()]);
    expect(() => {
      deliver(body, [new Target()]);
    }).toThrow(TypeError);
  });
});
