// Transition table: turns a readable table of state × byte class into the array that a decoder steps through. It is not a
// decoder and holds no state. In the walk it lies beneath the line, data and chunk decoders and the data encoder; the
// readable tables are what tests and the diagrams read, so what is drawn is what runs.

/** For each state and each byte class: the next state, and what is done with the octet. A final state has no row. */
export type TransitionTable<State extends string, Class extends string, Action extends string> = Readonly<
  Partial<Record<State, Readonly<Record<Class, readonly [next: State, action: Action]>>>>
>;

/** The names of a machine, each in the order of its numbers, and its table. */
export interface Machine<State extends string, Class extends string, Action extends string> {
  readonly states: readonly State[];
  readonly classes: readonly Class[];
  readonly actions: readonly Action[];
  readonly transitions: TransitionTable<State, Class, Action>;
}

/**
 * The table as one array: `cells[(state << 2) | class]` is `(action << 3) | next`, all by their numbers. There is room
 * for eight states, four classes and thirty-two actions.
 *
 * @example
 * ```ts
 * const cells = packTransitions({
 *   states: ['OFF', 'ON'],
 *   classes: ['PUSH'],
 *   actions: ['click'],
 *   transitions: { OFF: { PUSH: ['ON', 'click'] }, ON: { PUSH: ['OFF', 'click'] } },
 * });
 * cells[0]; // 1: from OFF, a PUSH leads to ON
 * ```
 */
export function packTransitions<State extends string, Class extends string, Action extends string>(
  machine: Machine<State, Class, Action>,
): Uint8Array {
  const { states, classes, actions, transitions } = machine;
  const cells = new Uint8Array(states.length << 2);
  states.forEach((state, stateNumber) => {
    const row = transitions[state];
    if (row === undefined) return;
    classes.forEach((byteClass, classNumber) => {
      const [next, action] = row[byteClass];
      cells[(stateNumber << 2) | classNumber] = (actions.indexOf(action) << 3) | states.indexOf(next);
    });
  });
  return cells;
}

/**
 * The class number of each of the 256 octets: those named have a class of their own, all others have `other`.
 *
 * @example
 * ```ts
 * classifyOctets({ named: { [0x0d]: 0, [0x0a]: 1 }, other: 2 })[0x0a]; // 1
 * ```
 */
export function classifyOctets(classes: {
  readonly named: Readonly<Record<number, number>>;
  readonly other: number;
}): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => classes.named[octet] ?? classes.other);
}
