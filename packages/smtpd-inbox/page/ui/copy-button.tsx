/** A button that puts text on the clipboard and says so. The text may have to be fetched, and what the button shows is its caller's. */

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { APIError } from '../api.js';
import { announcement, tellFailure } from '../state/notices.js';
import { Icon } from './icon.js';

interface CopyButtonProps {
  /** What is copied; a function when it has to be fetched first. */
  readonly text: string | (() => Promise<string>);
  /** What is heard of it, behind `Copy`: `the code 123456`. */
  readonly what: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

export function CopyButton({ text, what, class: className = 'button button-icon', children }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => setOutcome(undefined), OUTCOME_MS);
    return () => clearTimeout(timer);
  }, [outcome]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      setOutcome('copied');
      announcement.value = `Copied ${what}.`;
    } catch (error) {
      setOutcome('failed');
      tellFailure(error instanceof APIError ? error : new Error(NO_CLIPBOARD, { cause: error }));
    }
  };
  return (
    <button
      type="button"
      class={`${className} ${outcome === 'copied' ? 'is-done' : ''}`}
      aria-label={`Copy ${what}`}
      title={`Copy ${what}`}
      onClick={() => void copy()}
    >
      <Icon name={outcome === 'copied' ? 'check' : outcome === 'failed' ? 'warning' : 'copy'} />
      {children}
    </button>
  );
}

/** Beyond the own machine browsers give a page that came without TLS no clipboard. */
const NO_CLIPBOARD = 'The browser does not let this page copy; select the text instead.';
const OUTCOME_MS = 1500;
