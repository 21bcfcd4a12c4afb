/** What the options of listening mean: from settings to the options of a server, and the hook that knows its users. */

import {
  anyAuth,
  NetworkSet,
  OPEN_MECHANISMS,
  parseListenAddress,
  passwordAuth,
  PASSWORD_MECHANISMS,
  UsageError,
  type AuthOptions,
  type Hook,
  type SMTPServerOptions,
  type TLSMode,
  type TLSOptions,
} from '../index.js';
import { usageError } from './command-error.js';
import { givenLimits } from './limit-options.js';
import { numberOf, switchOf, textOf, textsOf } from './options.js';
import { originOf, type Settings } from './settings.js';

/** What a server is made with. */
export interface ListeningSettings {
  /** Only what was said, so that a class that knows nothing of an option is not given it. */
  readonly serverOptions: SMTPServerOptions;
  /** Who may authenticate. */
  readonly hooks: readonly Hook[];
}

/**
 * Understands the settings.
 *
 * @param addresses - where the server will listen
 * @throws CommandError with exit code 2 for a value that cannot work, or settings that contradict each other
 */
export function listeningSettings(settings: Settings, addresses: readonly string[]): ListeningSettings {
  const { options } = settings;
  const hostname = textOf(options, 'hostname');
  const earlyInput = textOf(options, 'early-input');
  const greetingDelayMs = numberOf(options, 'greeting-delay');
  const limits = givenLimits(options);
  const isLMTP = switchOf(options, 'lmtp');
  const users = usersOf(settings);
  const tls = tlsOptions(settings, users === 'any');
  const auth = authOptions(settings, { users, tlsMode: tls?.mode ?? 'off', addresses });
  return {
    serverOptions: {
      ...(hostname === undefined ? {} : { hostname }),
      ...(isLMTP === undefined ? {} : { protocol: isLMTP ? 'lmtp' : 'smtp' }),
      ...(tls === undefined ? {} : { tls }),
      ...(auth === undefined ? {} : { auth }),
      // The option table lets no other value through.
      ...(earlyInput === undefined ? {} : { earlyInput: earlyInput as 'tolerate' | 'refuse' }),
      ...(greetingDelayMs === undefined ? {} : { greetingDelayMs }),
      ...networks(settings, 'proxy-protocol', 'proxyProtocol'),
      ...networks(settings, 'xclient', 'xclient'),
      ...networks(settings, 'xforward', 'xforward'),
      ...(Object.keys(limits).length === 0 ? {} : { limits }),
    },
    hooks: users === undefined ? [] : [users === 'any' ? anyAuth() : knownUsers(settings, users)],
  };
}

function tlsOptions(settings: Settings, takesAnybody: boolean): TLSOptions | undefined {
  const { options } = settings;
  const certFile = textOf(options, 'tls-cert');
  const keyFile = textOf(options, 'tls-key');
  if (certFile !== undefined && keyFile === undefined)
    throw usageError(`${originOf(settings, 'tls-cert')} needs --tls-key, the file with the private key`);
  if (keyFile !== undefined && certFile === undefined)
    throw usageError(`${originOf(settings, 'tls-key')} needs --tls-cert, the file with the certificate`);
  // Whoever names a certificate wants it to be shown.
  const mode = textOf(options, 'tls') ?? (certFile === undefined ? undefined : 'offer');
  if (mode === undefined) return undefined;
  return {
    // The option table lets no other value through.
    mode: mode as TLSMode,
    ...(certFile === undefined || keyFile === undefined ? {} : { certFile, keyFile }),
    // EXTERNAL needs a certificate of the client; anybody's will do.
    ...(takesAnybody && mode !== 'off' ? { clientCertificates: 'request' } : {}),
  };
}

// ---- AUTH -----------------------------------------------------------------------------------------------------------

/** Passwords by user name, or anybody; `undefined` when nobody may authenticate. */
type Users = ReadonlyMap<string, string> | 'any' | undefined;

function usersOf(settings: Settings): Users {
  const given = textsOf(settings.options, 'auth');
  if (given.length === 0) return undefined;
  const label = originOf(settings, 'auth');
  if (given.includes('any')) {
    if (given.length > 1) throw usageError(`${label} is any, or the users that there are, not both`);
    return 'any';
  }
  return new Map(
    given.map((text) => {
      const colon = text.indexOf(':');
      // What was typed may be a password, so it is not repeated.
      if (colon <= 0 || colon === text.length - 1) throw usageError(`${label} is user:password, or any`);
      return [text.slice(0, colon), text.slice(colon + 1)];
    }),
  );
}

function knownUsers(settings: Settings, users: ReadonlyMap<string, string>): Hook {
  try {
    return passwordAuth(Object.fromEntries(users));
  } catch (error) {
    if (error instanceof UsageError) throw usageError(`${originOf(settings, 'auth')}: ${error.message}`);
    throw error;
  }
}

function authOptions(
  settings: Settings,
  server: { readonly users: Users; readonly tlsMode: TLSMode; readonly addresses: readonly string[] },
): AuthOptions | undefined {
  const { users, tlsMode, addresses } = server;
  const isRequired = switchOf(settings.options, 'auth-required') ?? false;
  if (users === undefined) {
    if (isRequired)
      throw usageError(`${originOf(settings, 'auth-required')} needs --auth user:password, or --auth any`);
    return undefined;
  }
  const isAllowed = switchOf(settings.options, 'auth-plaintext');
  const plaintext = (isAllowed ?? isForThisMachineOnly(settings, addresses)) ? 'always' : 'tls';
  if (users === 'any' && plaintext === 'tls' && tlsMode === 'off') {
    throw usageError(
      `${originOf(settings, 'auth')}: any takes passwords as they come, and without TLS others could read them; add --tls, or --auth-plaintext to allow it`,
    );
  }
  return {
    mode: isRequired ? 'require' : 'offer',
    plaintext,
    mechanisms: users === 'any' ? OPEN_MECHANISMS : PASSWORD_MECHANISMS,
  };
}

/** What never leaves the machine, nobody else can read. Behind a proxy the clients are elsewhere. */
function isForThisMachineOnly({ options }: Settings, addresses: readonly string[]): boolean {
  if (textsOf(options, 'proxy-protocol').length > 0 || textsOf(options, 'xclient').length > 0) return false;
  return addresses.map(parseListenAddress).every((address) => {
    if ('path' in address) return true;
    if (!('port' in address)) return false;
    const host = address.host ?? '';
    return (
      host === 'localhost' || LOOPBACK.has({ address: host, port: 0, family: host.includes(':') ? 'IPv6' : 'IPv4' })
    );
  });
}

// ---- Networks -------------------------------------------------------------------------------------------------------

function networks<Key extends 'proxyProtocol' | 'xclient' | 'xforward'>(
  settings: Settings,
  name: string,
  key: Key,
): Partial<Record<Key, readonly string[]>> {
  const given = textsOf(settings.options, name);
  if (given.length === 0) return {};
  try {
    NetworkSet.parse(given);
  } catch (error) {
    if (error instanceof UsageError) throw usageError(`${originOf(settings, name)}: ${error.message}`);
    throw error;
  }
  return { [key]: given } as Partial<Record<Key, readonly string[]>>;
}

const LOOPBACK = NetworkSet.parse('loopback');
