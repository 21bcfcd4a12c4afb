/**
 * Listening to a signal for a short while, again and again, as whoever asks something on behalf of one session does. An `AbortSignal` is an
 * event target, and a listener that comes and goes with each command costs more than the command; here a signal has one listener for good.
 */

/**
 * Calls back once when a signal is aborted. Of one that is aborted already nothing is heard.
 *
 * @returns what ends the listening
 */
export function onAbort(signal: AbortSignal | undefined, listener: () => void): () => void {
  if (signal === undefined) return ignore;
  let listeners = LISTENERS.get(signal);
  if (listeners === undefined) {
    listeners = listenTo(signal);
    LISTENERS.set(signal, listeners);
  }
  // The same function may be given twice.
  const entry = { listener };
  listeners.push(entry);
  return () => {
    // As a rule it is the last one. A set, which shrinks each time it becomes empty, would cost several times as much.
    if (listeners.at(-1) === entry) listeners.pop();
    else if (listeners.includes(entry)) listeners.splice(listeners.indexOf(entry), 1);
  };
}

function listenTo(signal: AbortSignal): Listeners {
  const listeners: Listeners = [];
  signal.addEventListener(
    'abort',
    () => {
      for (let entry = listeners.shift(); entry !== undefined; entry = listeners.shift()) entry.listener();
    },
    { once: true },
  );
  return listeners;
}

function ignore(): void {
  // Nobody listens.
}

type Listeners = { readonly listener: () => void }[];

const LISTENERS = new WeakMap<AbortSignal, Listeners>();
