/**
 * Who may ask: the names of this server (DNS rebinding), the origin of whoever asks, and the password or token where one is set.
 *
 * Every request passes here after its path was decoded and routed, whatever the path is: no spelling of a path leads around it.
 */

import { isIP } from 'node:net';

import { isSameSecret } from '../capture/secret.js';
import { APIError } from './api-error.js';

/** Who may ask. */
export interface AccessOptions {
  /** Host names under which the server may be asked, besides IP addresses and `localhost`. `*` stands for one label or more. */
  readonly hosts: readonly string[];
  /** Origins of other pages that may use the API, such as `https://tools.example`. */
  readonly origins: readonly string[];
  /** For browsers (Basic, any user name) and for programs. */
  readonly password: string | undefined;
  /** For programs: `Authorization: Bearer …`. */
  readonly token: string | undefined;
}

/** What of a request is looked at. */
export interface Asked {
  readonly method: string;
  readonly headers: Headers;
  /** A page is navigated to, or belongs to one: an asset. It changes nothing and tells nothing. */
  readonly isPage: boolean;
  /** A WebSocket is opened: no browser protects it but by its Origin. */
  readonly isUpgrade?: boolean;
}

/** Decides who may ask. */
export class AccessGuard {
  readonly #hosts: readonly RegExp[];
  readonly #origins: ReadonlySet<string>;
  readonly #password: string | undefined;
  readonly #token: string | undefined;

  constructor({ hosts, origins, password, token }: AccessOptions) {
    this.#hosts = hosts.map(hostPattern);
    this.#origins = new Set(origins);
    this.#password = password;
    this.#token = token;
  }

  /** @throws {@link APIError} `FORBIDDEN_HOST`, `FORBIDDEN_ORIGIN` or `UNAUTHORIZED` */
  check(asked: Asked): void {
    this.#checkHost(asked.headers.get('host') ?? '');
    this.#checkOrigin(asked);
    this.#checkCredentials(asked.headers.get('authorization'));
  }

  /** The origin to be named in `Access-Control-Allow-Origin`; `undefined` for none. */
  corsOrigin(headers: Headers): string | undefined {
    const origin = headers.get('origin');
    return origin !== null && this.#origins.has(origin) ? origin : undefined;
  }

  #checkHost(host: string): void {
    const name = hostNameOf(host);
    // Nobody can make a browser believe that another name's page is an IP address's, or localhost's.
    if (name !== undefined && (name === 'localhost' || isIP(name) !== 0)) return;
    if (name !== undefined && this.#hosts.some((pattern) => pattern.test(name))) return;
    throw new APIError('FORBIDDEN_HOST', 'This is no name of this server; start it with --http-host NAME to allow it');
  }

  #checkOrigin({ method, headers, isPage, isUpgrade = false }: Asked): void {
    const origin = headers.get('origin');
    if (origin !== null) {
      if (this.#isOurs(origin, headers.get('host') ?? '') || this.#origins.has(origin)) return;
      throw new APIError('FORBIDDEN_ORIGIN', 'Pages of other origins may not use this API');
    }
    // A browser that sends no Origin with a request still says where it comes from.
    const site = headers.get('sec-fetch-site');
    if (site === null || site === 'same-origin' || site === 'none') return;
    if (isPage && method === 'GET' && !isUpgrade && headers.get('sec-fetch-mode') === 'navigate') return;
    throw new APIError('FORBIDDEN_ORIGIN', 'Pages of other origins may not use this API');
  }

  #isOurs(origin: string, host: string): boolean {
    return origin === `http://${host}` || origin === `https://${host}`;
  }

  #checkCredentials(authorization: string | null): void {
    if (this.#password === undefined && this.#token === undefined) return;
    const [scheme = '', value = ''] = (authorization ?? '').split(' ', 2);
    if (this.#token !== undefined && scheme.toLowerCase() === 'bearer' && isSameSecret(value, this.#token)) return;
    if (this.#password !== undefined && scheme.toLowerCase() === 'basic') {
      const given = Buffer.from(value, 'base64').toString('utf8');
      if (isSameSecret(given.slice(given.indexOf(':') + 1), this.#password)) return;
    }
    throw new APIError('UNAUTHORIZED', 'A password is needed (HTTP Basic, any user name), or a token (Bearer)');
  }
}

/** The name in a Host header, in lower case and without port and brackets; `undefined` when it is none. */
function hostNameOf(host: string): string | undefined {
  const match = HOST.exec(host);
  return match === null ? undefined : (match[1] ?? match[2])?.toLowerCase().replace(/\.$/, '');
}

function hostPattern(text: string): RegExp {
  const parts = text
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[\\^$.+?()[\]{}|/-]/g, '\\$&'));
  return new RegExp(`^${parts.join('[a-z0-9_.-]+')}$`);
}

// RFC 9110 §7.2: a name or an address, and maybe a port.
const HOST = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9_.-]+))(?::\d{1,5})?$/;
