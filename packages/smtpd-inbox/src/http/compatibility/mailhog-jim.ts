/** MailHog's Jim, the chaos monkey, as faults of the board. */

import type { NewFault } from '../../api/model.js';
import type { FaultBoard } from '../../faults/fault-board.js';

/** Jim’s settings, in MailHog’s words: chances from 0 to 1, speeds in octets a second. What is left out is 0. */
export type JimSettings = Readonly<Record<keyof typeof DEFAULTS, number>>;

/** Jim, when he is there. */
export class MailHogJim {
  readonly #board: FaultBoard;
  #settings: JimSettings | undefined;
  #faultIds: readonly string[] = [];

  constructor(board: FaultBoard) {
    this.#board = board;
  }

  /** `undefined` when he is not there. */
  get settings(): JimSettings | undefined {
    return this.#settings;
  }

  /** Lets him in, or tells him what to do now. @throws FaultError for a chance that cannot be; then nothing has changed */
  set(given: Partial<JimSettings> = DEFAULTS): void {
    const settings = Object.fromEntries(
      Object.keys(DEFAULTS).map((name) => [name, given[name as keyof JimSettings] ?? 0]),
    ) as unknown as JimSettings;
    const added: string[] = [];
    try {
      for (const fault of faultsOf(settings)) added.push(this.#board.add(fault).id);
    } catch (error) {
      for (const id of added) this.#board.remove(id);
      throw error;
    }
    this.remove();
    this.#settings = settings;
    this.#faultIds = added;
  }

  /** Sends him away. */
  remove(): void {
    for (const id of this.#faultIds) this.#board.remove(id);
    this.#faultIds = [];
    this.#settings = undefined;
  }
}

function faultsOf(settings: JimSettings): readonly NewFault[] {
  const { AcceptChance, DisconnectChance, LinkSpeedAffect, LinkSpeedMin, LinkSpeedMax } = settings;
  const cut = { disconnect: 'insteadOfReply' } as const;
  const faults: readonly NewFault[] = [
    { stage: 'connect', ...cut, probability: 1 - AcceptChance },
    { stage: 'auth', code: 535, probability: settings.RejectAuthChance },
    { stage: 'mail', code: 550, probability: settings.RejectSenderChance },
    { stage: 'rcpt', code: 550, probability: settings.RejectRecipientChance },
    // He looks at a connection whenever something comes; a fault looks at each stage.
    ...(['helo', 'mail', 'rcpt', 'message'] as const).map((stage) => ({
      stage,
      ...cut,
      probability: DisconnectChance,
    })),
    {
      stage: 'data',
      throttleBytesPerSecond: Math.max(1, Math.round((LinkSpeedMin + LinkSpeedMax) / 2)),
      probability: LinkSpeedAffect,
    },
  ];
  return faults.filter(({ probability }) => probability !== 0);
}

/** What he does when nobody tells him. */
const DEFAULTS = Object.freeze({
  DisconnectChance: 0.005,
  AcceptChance: 0.99,
  LinkSpeedAffect: 0.1,
  LinkSpeedMin: 1_024,
  LinkSpeedMax: 10_240,
  RejectSenderChance: 0.05,
  RejectRecipientChance: 0.05,
  RejectAuthChance: 0.05,
});
