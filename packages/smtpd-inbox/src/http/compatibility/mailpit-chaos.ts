/** Mailpit's chaos, as faults of the board: three triggers, each with a code and a probability in per cent. */

import type { FaultStage } from '../../api/model.js';
import type { FaultBoard } from '../../faults/fault-board.js';

/** A trigger, in Mailpit’s words. */
export interface ChaosTrigger {
  readonly ErrorCode: number;
  /** 0 to 100. */
  readonly Probability: number;
}

/** All of them. */
export type ChaosTriggers = Readonly<Record<TriggerName, ChaosTrigger>>;

/** The triggers, and the faults that they are. */
export class MailpitChaos {
  readonly #board: FaultBoard;
  #triggers: ChaosTriggers = DEFAULTS;
  readonly #faultIds = new Map<TriggerName, string>();

  constructor(board: FaultBoard) {
    this.#board = board;
  }

  /** As they are; one whose fault was taken away elsewhere is off. */
  get triggers(): ChaosTriggers {
    const there = new Set(this.#board.list().map(({ id }) => id));
    const current = (name: TriggerName): ChaosTrigger => {
      const id = this.#faultIds.get(name);
      const isThere = id !== undefined && there.has(id);
      return isThere ? this.#triggers[name] : { ErrorCode: this.#triggers[name].ErrorCode, Probability: 0 };
    };
    return {
      Sender: current('Sender'),
      Recipient: current('Recipient'),
      Authentication: current('Authentication'),
    };
  }

  /**
   * Sets all triggers; those that are not given are off.
   *
   * @throws FaultError for a code or a probability that cannot be; then nothing has changed
   */
  set(given: Partial<Record<TriggerName, Partial<ChaosTrigger>>>): void {
    const triggers = Object.fromEntries(
      TRIGGER_NAMES.map((name) => {
        const { ErrorCode = 0, Probability = 0 } = given[name] ?? {};
        return [name, { ErrorCode: ErrorCode === 0 ? DEFAULTS[name].ErrorCode : ErrorCode, Probability }];
      }),
    ) as unknown as ChaosTriggers;
    const added = new Map<TriggerName, string>();
    try {
      for (const name of TRIGGER_NAMES) {
        const { ErrorCode: code, Probability } = triggers[name];
        if (Probability === 0) continue;
        added.set(name, this.#board.add({ stage: STAGES[name], code, probability: Probability / 100 }).id);
      }
    } catch (error) {
      for (const id of added.values()) this.#board.remove(id);
      throw error;
    }
    for (const id of this.#faultIds.values()) this.#board.remove(id);
    this.#faultIds.clear();
    for (const [name, id] of added) this.#faultIds.set(name, id);
    this.#triggers = triggers;
  }
}

type TriggerName = 'Sender' | 'Recipient' | 'Authentication';
const TRIGGER_NAMES: readonly TriggerName[] = ['Sender', 'Recipient', 'Authentication'];
const STAGES: Readonly<Record<TriggerName, FaultStage>> = { Sender: 'mail', Recipient: 'rcpt', Authentication: 'auth' };
const DEFAULTS: ChaosTriggers = Object.freeze({
  Sender: { ErrorCode: 451, Probability: 0 },
  Recipient: { ErrorCode: 451, Probability: 0 },
  Authentication: { ErrorCode: 535, Probability: 0 },
});
