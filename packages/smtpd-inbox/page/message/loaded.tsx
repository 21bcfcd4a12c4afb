/** Shows what is being read once it is there, and why it is not when it cannot be. */

import type { ComponentChildren } from 'preact';

import type { Loading } from './message-data.js';

interface LoadedProps<Value> {
  readonly of: Loading<Value>;
  /** What it is, for the sentence that says that it could not be read: `the headers`. */
  readonly what: string;
  readonly children: (value: Value) => ComponentChildren;
}

export function Loaded<Value>({ of, what, children }: LoadedProps<Value>) {
  switch (of.state) {
    case 'loading':
      return (
        <p class="msg-empty msg-waiting" role="status">
          Reading {what}…
        </p>
      );
    case 'failed':
      return (
        <div class="msg-empty" role="alert">
          <p>
            There is no reading {what}: {of.reason}
          </p>
          <button type="button" class="msg-button" onClick={of.retry}>
            Try again
          </button>
        </div>
      );
    case 'ready':
      return <>{children(of.value)}</>;
  }
}
