/**
 * Which URLs may be called. Whoever runs the inbox lists them when it is started; nobody else can: not a web page that reaches the API, and
 * no mail. The list is empty by default, and then nothing is called at all, the machine itself included.
 *
 *     http://localhost:3000            this origin: scheme, host and port exactly
 *     https://ci.example/hooks/mail    this path, and what is below it
 *     loopback                         every port of this machine: localhost, 127.0.0.0/8, [::1]
 */

import { ExchangeError } from './exchange-error.js';

/** A list of URLs. */
export class WebhookURLs {
  readonly #allowsLoopback: boolean;
  readonly #prefixes: readonly URL[];

  /** @throws {@link ExchangeError} `EXCHANGE_BAD_OPTION` for an entry that is no URL */
  constructor(entries: readonly string[]) {
    this.#allowsLoopback = entries.includes(LOOPBACK);
    this.#prefixes = entries
      .filter((entry) => entry !== LOOPBACK)
      .map((entry) => parseURL(entry, 'EXCHANGE_BAD_OPTION'));
  }

  /**
   * @returns the URL, when it may be called
   * @throws {@link ExchangeError} `EXCHANGE_BAD_OPTION` for what is no URL of a webhook, `EXCHANGE_NOT_ALLOWED` for one that is not listed
   */
  check(text: string): URL {
    const url = parseURL(text, 'EXCHANGE_BAD_OPTION');
    if (this.#allowsLoopback && isLoopback(url.hostname)) return url;
    if (this.#prefixes.some((prefix) => isBelow(url, prefix))) return url;
    throw new ExchangeError(
      'EXCHANGE_NOT_ALLOWED',
      `${url.origin} may not be called: whoever starts the inbox has to list it among the webhook URLs that are allowed`,
    );
  }
}

function parseURL(text: string, code: 'EXCHANGE_BAD_OPTION'): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new ExchangeError(code, `${JSON.stringify(text.slice(0, 200))} is no URL: write http://localhost:3000/hook`);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ExchangeError(code, `A webhook is called by http: or https:, not by ${url.protocol}`);
  }
  // The text is not repeated: it has a password in it.
  if (url.username !== '' || url.password !== '') {
    throw new ExchangeError(code, 'The URL of a webhook has no user and no password: its secret signs the calls');
  }
  return url;
}

/** The parser of URLs has taken `..` out of the path, and knows all the ways to write an address. */
function isBelow(url: URL, prefix: URL): boolean {
  if (url.origin !== prefix.origin) return false;
  const folder = prefix.pathname.endsWith('/') ? prefix.pathname : `${prefix.pathname}/`;
  return url.pathname === prefix.pathname || url.pathname.startsWith(folder);
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

const LOOPBACK = 'loopback';
