/** Copies a text, and says that it did. */

import { useEffect, useState } from 'preact/hooks';

import { announcement, tellFailure } from '../state/notices.js';
import { Button } from './button.js';

export function CopyButton({ text, what }: { readonly text: string; readonly what: string }) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = () => {
    copyText(text).then(() => {
      setCopied(true);
      announcement.value = `Copied ${what}.`;
    }, tellFailure);
  };
  return (
    <Button
      label={`Copy ${what}`}
      icon={isCopied ? 'check' : 'copy'}
      look="icon"
      class={isCopied ? 'is-done' : ''}
      onPress={copy}
    />
  );
}

async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch (error) {
    // Beyond this machine the page has no clipboard without TLS.
    throw new Error('The browser does not let this page copy; select the text instead.', { cause: error });
  }
}

const COPIED_MS = 1500;
