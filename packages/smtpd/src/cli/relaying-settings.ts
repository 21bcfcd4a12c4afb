/** What the options of passing mail on mean: from settings to the options of a proxy. */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

import {
  NetworkSet,
  parseRoute,
  UsageError,
  type ClientTLSOptions,
  type ProxyOnlyOptions,
  type PureProxyOptions,
  type UpstreamOptions,
} from '../index.js';
import { messageOf, usageError } from './command-error.js';
import { switchOf, textOf, textsOf } from './options.js';
import { originOf, type Settings } from './settings.js';

/** What a proxy is made with, besides what every server is. */
export type RelayingSettings = ProxyOnlyOptions & Pick<PureProxyOptions, 'lineEndings'>;

/**
 * Understands the settings.
 *
 * @param remoteWord - where mail goes for which there is no route, as it was typed; `undefined`: as the settings say
 * @param where - `mayLeadNowhere`: the command has other mail to take
 * @throws CommandError with exit code 2
 */
export function relayingSettings(
  settings: Settings,
  remoteWord: string | undefined,
  { mayLeadNowhere }: { readonly mayLeadNowhere: boolean } = { mayLeadNowhere: false },
): RelayingSettings {
  const { options } = settings;
  const remote = remoteWord ?? textOf(options, 'remote');
  const routes = routesOf(settings);
  if (!mayLeadNowhere && remote === undefined && Object.keys(routes).length === 0) {
    throw usageError('Say where mail goes: an address such as mail.example.org:25, or --route DOMAIN=ADDRESS');
  }
  if (remote !== undefined)
    checkRoute(remote, remoteWord === undefined ? originOf(settings, 'remote') : 'remote address');
  const networks = textsOf(options, 'allow-networks');
  checkNetworks(settings, networks);
  const isOpen = switchOf(options, 'open');
  const addReceived = switchOf(options, 'received');
  const addPeer = switchOf(options, 'x-peer');
  const hops = textOf(options, 'hops');
  return {
    ...(remote === undefined ? {} : { remoteAddress: remote }),
    routes,
    // The option table lets no other value through.
    ...choice(settings, 'balance', 'balance', { 'in-order': 'inOrder', 'least-busy': 'leastBusy' } as const),
    ...choice(settings, 'mixed', 'mixed', { defer: 'defer', split: 'split' } as const),
    ...choice(settings, 'identify', 'identify', {
      none: 'none',
      xforward: 'xforward',
      xclient: 'xclient',
      'proxy-header': 'proxyHeader',
    } as const),
    ...choice(settings, 'line-endings', 'lineEndings', { reject: 'reject', normalize: 'normalize' } as const),
    upstream: upstreamOf(settings, [...Object.values(routes), ...(remote === undefined ? [] : [remote])]),
    ...(networks.length === 0 ? {} : { allowNetworks: networks }),
    ...(isOpen === undefined ? {} : { open: isOpen }),
    ...(addReceived === undefined ? {} : { addReceived }),
    ...(addPeer === undefined ? {} : { addPeer }),
    ...(hops === undefined ? {} : { hopsMax: Number(hops) }),
  };
}

function routesOf(settings: Settings): Readonly<Record<string, string>> {
  const label = originOf(settings, 'route');
  const routes: Record<string, string> = {};
  for (const text of textsOf(settings.options, 'route')) {
    const equals = text.indexOf('=');
    if (equals <= 0) throw usageError(`${label} is DOMAIN=DESTINATION, not "${text}"`);
    const domain = text.slice(0, equals);
    if (Object.hasOwn(routes, domain))
      throw usageError(`${label}: ${domain} has two routes; put their destinations into one, with a comma`);
    const to = text.slice(equals + 1);
    checkRoute(to, label);
    routes[domain] = to;
  }
  return routes;
}

function checkRoute(text: string, label: string): void {
  try {
    parseRoute(text);
  } catch (error) {
    if (error instanceof UsageError) throw usageError(`${label}: ${error.message}`);
    throw error;
  }
}

function checkNetworks(settings: Settings, networks: readonly string[]): void {
  try {
    NetworkSet.parse(networks);
  } catch (error) {
    if (error instanceof UsageError) throw usageError(`${originOf(settings, 'allow-networks')}: ${error.message}`);
    throw error;
  }
}

function upstreamOf(settings: Settings, destinations: readonly string[]): UpstreamOptions {
  const { options } = settings;
  const mode = textOf(options, 'upstream-tls') as ClientTLSOptions['mode'] | undefined;
  const verify = switchOf(options, 'upstream-verify');
  const caFile = textOf(options, 'upstream-ca');
  const connections = textOf(options, 'upstream-connections');
  const auth = textOf(options, 'upstream-auth');
  const ca = caFile === undefined ? undefined : readCA(settings, caFile);
  checkVerification(settings, destinations);
  const isTLSSet = mode !== undefined || verify !== undefined || ca !== undefined;
  return {
    ...(isTLSSet
      ? {
          tls: {
            mode: mode ?? 'opportunistic',
            ...(verify === undefined ? {} : { verify }),
            ...(ca === undefined ? {} : { ca }),
          },
        }
      : {}),
    ...(connections === undefined ? {} : { connectionsMax: Number(connections) }),
    ...(auth === undefined ? {} : { auth: credentialsOf(settings, auth) }),
  };
}

/** Whoever says how a certificate is to be checked believes that it is. */
function checkVerification(settings: Settings, destinations: readonly string[]): void {
  const { options } = settings;
  const mode = textOf(options, 'upstream-tls') ?? 'opportunistic';
  const verify = switchOf(options, 'upstream-verify');
  const hasTLSFirst = destinations.some((text) =>
    parseRoute(text).destinations.some((each) => each.kind === 'host' && each.isImplicitTLS),
  );
  const isSecured = mode !== 'off' || hasTLSFirst;
  if (verify === true && !isSecured) {
    throw usageError(`${originOf(settings, 'upstream-verify')}: there is no certificate without TLS, which is off`);
  }
  const isChecked = isSecured && (verify ?? (mode !== 'opportunistic' || hasTLSFirst));
  if (options.has('upstream-ca') && !isChecked) {
    throw usageError(
      `${originOf(settings, 'upstream-ca')}: no certificate is checked; say --upstream-tls require, too`,
    );
  }
}

function readCA(settings: Settings, file: string): string {
  const label = originOf(settings, 'upstream-ca');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw usageError(`${label}: ${messageOf(error)}`);
  }
  try {
    new X509Certificate(text);
  } catch {
    // A handshake would leave out what is none, and trust nobody.
    throw usageError(`${label}: there is no certificate in PEM in ${file}`);
  }
  return text;
}

function credentialsOf(settings: Settings, text: string): { readonly user: string; readonly password: string } {
  const colon = text.indexOf(':');
  // What was typed is a password, so it is not repeated.
  if (colon <= 0 || colon === text.length - 1)
    throw usageError(`${originOf(settings, 'upstream-auth')} is user:password`);
  return { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

function choice<Key extends string, Value>(
  { options }: Settings,
  name: string,
  key: Key,
  values: Readonly<Record<string, Value>>,
): Partial<Record<Key, Value>> {
  const text = textOf(options, name);
  const value = text === undefined ? undefined : values[text];
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<Key, Value>>);
}
