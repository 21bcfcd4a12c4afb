/** Where a link of a mail really leads, for people to see before they follow it. */

/** A link's target. */
export interface LinkTarget {
  /** Whether the page lets people follow it: http, https and mailto. */
  readonly isFollowable: boolean;
  /** The host; of a mailto the address; otherwise the scheme, such as `javascript:`. */
  readonly host: string;
  /** Whether the link's text names another host than the one it leads to. */
  readonly isMisleading: boolean;
}

/**
 * @param url as it stands in the mail
 * @param text what people see of it
 */
export function linkTarget(url: string, text = ''): LinkTarget {
  let target;
  try {
    target = new URL(url.trim());
  } catch {
    return {
      isFollowable: false,
      host: url.trim() === '' ? 'no address' : url.trim().slice(0, 80),
      isMisleading: false,
    };
  }
  if (target.protocol === 'mailto:') return { isFollowable: true, host: target.pathname, isMisleading: false };
  if (target.protocol !== 'http:' && target.protocol !== 'https:') {
    return { isFollowable: false, host: target.protocol, isMisleading: false };
  }
  const named = hostNamedIn(text);
  return {
    isFollowable: true,
    host: target.host,
    isMisleading: named !== undefined && withoutWWW(named) !== withoutWWW(target.hostname),
  };
}

/** The host that a text claims when it looks like an address: `https://bank.example/login`, `www.bank.example`. */
function hostNamedIn(text: string): string | undefined {
  const shown = /^\s*(?:https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+\p{L}{2,})(?::\d+)?(?:[/?#]\S*)?\s*$/iu.exec(text)?.[1];
  if (shown === undefined) return undefined;
  try {
    return new URL(`http://${shown}/`).hostname;
  } catch {
    return undefined;
  }
}

function withoutWWW(host: string): string {
  return host.replace(/^www\./, '');
}
