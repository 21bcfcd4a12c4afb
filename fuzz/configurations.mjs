/** The servers that are fuzzed: their options, by name. Everything that waits is long, so that no outcome depends on time. */

/** Bounds that a short session meets. */
const SMALL_LIMITS = {
  discardedLineBytesMax: 3_000,
  continuationLengthBytesMax: 600,
  contentLineBytesMax: 150,
  errorsMax: 4,
  idleCommandsMax: 6,
  refusalsMax: 3,
  recipientsMax: 3,
  messagesMax: 2,
};

/** Failed logins neither cost time nor count for the next session. */
const AUTH_LIMITS = { authFailureDelayMs: Infinity, authFailuresPerAddressMax: Infinity, authFailuresMax: 3 };

const AUTH = { plaintext: 'always', mechanisms: ['PLAIN', 'LOGIN'] };
const AUTH_ON_TLS = { ...AUTH, plaintext: 'tls' };

/**
 * `options` are those of `SMTPServer`; `isStreaming` takes messages with `streamMessage`, `isAsync` answers a turn later, `isBatching`
 * asks about recipients together. `needsLockstep`: what happens depends on what came together, so a client waits for each reply. With
 * `tls` it needs both lockstep and a socket.
 */
const CONFIGURATIONS = {
  usual: { options: {} },
  small: { options: { dataSizeLimit: 300, limits: SMALL_LIMITS } },
  streaming: { isStreaming: true, options: { dataSizeLimit: 2_000 } },
  smallStreaming: { isStreaming: true, isAsync: true, options: { dataSizeLimit: 300, limits: SMALL_LIMITS } },
  lmtp: { options: { protocol: 'lmtp' } },
  smallLMTP: { isAsync: true, options: { protocol: 'lmtp', dataSizeLimit: 300, limits: SMALL_LIMITS } },
  normalizing: { options: { lineEndings: 'normalize', dataSizeLimit: 500 } },
  preserving: { isAsync: true, options: { lineEndings: 'preserve', dataSizeLimit: null } },
  decoding: { options: { decodeData: true, lineEndings: 'preserve' } },
  strict: { isAsync: true, options: { pathSyntax: 'strict', enableSMTPUTF8: false } },
  batching: { isBatching: true, isAsync: true, options: { limits: { recipientsMax: 4, refusalsMax: 4 } } },
  plain: {
    options: {
      disabledExtensions: ['SIZE', '8BITMIME', 'SMTPUTF8', 'PIPELINING', 'CHUNKING', 'BINARYMIME', 'HELP', 'LIMITS'],
    },
  },
  impatient: { needsLockstep: true, options: { earlyInput: 'refuse' } },
  impatientPlain: {
    needsLockstep: true,
    options: { earlyInput: 'refuse', disabledExtensions: ['PIPELINING', 'BINARYMIME'] },
  },
  auth: { needsLockstep: true, options: { auth: { ...AUTH, mode: 'offer' }, limits: AUTH_LIMITS } },
  authFirst: {
    needsLockstep: true,
    options: { auth: { ...AUTH, mode: 'require' }, limits: { ...SMALL_LIMITS, ...AUTH_LIMITS, errorsMax: 8 } },
  },
  tls: { options: { tls: { mode: 'offer' }, auth: { ...AUTH_ON_TLS, mode: 'offer' }, limits: AUTH_LIMITS } },
  tlsFirst: {
    isAsync: true,
    options: {
      tls: { mode: 'require' },
      auth: { ...AUTH_ON_TLS, mode: 'require' },
      limits: { ...SMALL_LIMITS, ...AUTH_LIMITS, errorsMax: 8, idleCommandsMax: 12 },
    },
  },
  impatientTLS: {
    options: {
      tls: { mode: 'offer' },
      auth: { ...AUTH, mode: 'require' },
      earlyInput: 'refuse',
      limits: AUTH_LIMITS,
    },
  },
  lmtpTLS: {
    isStreaming: true,
    options: { protocol: 'lmtp', tls: { mode: 'offer' }, dataSizeLimit: 300, limits: SMALL_LIMITS },
  },
  implicitTLS: {
    isAsync: true,
    options: {
      tls: { mode: 'implicit' },
      auth: { ...AUTH_ON_TLS, mode: 'offer' },
      limits: { ...SMALL_LIMITS, ...AUTH_LIMITS },
    },
  },
};

/** The names of all configurations. */
export const CONFIGURATION_NAMES = Object.keys(CONFIGURATIONS);

/** A configuration, complete. */
export function configurationOf(name) {
  const {
    options,
    isStreaming = false,
    isAsync = false,
    isBatching = false,
    needsLockstep = false,
  } = CONFIGURATIONS[name];
  const needsSocket = options.tls !== undefined;
  return {
    name,
    options: { hostname: 'mx.fuzz.example', ...options },
    isStreaming,
    isAsync,
    isBatching,
    needsLockstep: needsLockstep || needsSocket,
    needsSocket,
  };
}
