/** A link out of a mail: it opens elsewhere, tells the other side nothing of us, and says where it really leads. */

import type { ComponentChildren } from 'preact';

import { linkTarget } from './link-target.js';

interface MailLinkProps {
  readonly url: string;
  readonly text?: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

export function MailLink({ url, text, class: className, children }: MailLinkProps) {
  const { isFollowable, host } = linkTarget(url, text);
  if (!isFollowable) {
    return (
      <span class={className} title={`Not followed: ${host}`}>
        {children}
      </span>
    );
  }
  return (
    <a class={className} href={url.trim()} target="_blank" rel="noopener noreferrer nofollow" title={url}>
      {children}
    </a>
  );
}
