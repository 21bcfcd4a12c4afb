/** A button that puts text on the clipboard and says so. */

import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';

import { Icon } from './icon.js';

interface CopyButtonProps {
  /** What is copied; a function when it has to be fetched first. */
  readonly text: string | (() => Promise<string>);
  /** What is heard: `Copy the code 123456`. */
  readonly label: string;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

export function CopyButton({ text, label, class: className = 'msg-button', children }: CopyButtonProps) {
  const [outcome, setOutcome] = useState<'copied' | 'failed'>();
  useEffect(() => {
    if (outcome === undefined) return;
    const timer = setTimeout(() => {
      setOutcome(undefined);
    }, OUTCOME_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [outcome]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      setOutcome('copied');
    } catch {
      setOutcome('failed');
    }
  };
  const said = outcome === undefined ? '' : outcome === 'copied' ? 'Copied' : 'The clipboard cannot be reached';
  return (
    <>
      <button
        type="button"
        class={className}
        aria-label={label}
        title={said === '' ? label : said}
        onClick={() => void copy()}
      >
        <Icon name={outcome === 'copied' ? 'done' : outcome === 'failed' ? 'warning' : 'copy'} />
        {children}
      </button>
      <span class="visually-hidden" role="status">
        {said}
      </span>
    </>
  );
}

const OUTCOME_MS = 1600;
