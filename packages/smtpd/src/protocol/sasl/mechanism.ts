/**
 * What a SASL mechanism is (RFC 4422), for both sides: values that go from step to step. A step says what to send or whom to ask,
 * and carries the function that takes the answer; there is no exchange object whose methods could be called out of turn.
 *
 * Pure: what needs keys or randomness comes in as {@link SASLCrypto}, synchronous. What a peer sends wrong is a step of kind
 * `refused` or `failed`, never an exception. Base64, `334`, `235` and `*` are not here; they belong to the AUTH command.
 *
 * Each mechanism has one file; `mechanisms.ts` lists them.
 */

/** The hash functions of SCRAM. */
export type SCRAMHash = 'SHA-1' | 'SHA-256';

/** What the mechanisms need of a crypto library. Synchronous. */
export interface SASLCrypto {
  /** Printable ASCII without a comma, made from this many random octets. */
  readonly randomText: (lengthBytes: number) => string;
  readonly hash: (algorithm: SCRAMHash, data: Uint8Array) => Uint8Array;
  readonly hmac: (algorithm: SCRAMHash | 'MD5', key: Uint8Array, data: Uint8Array) => Uint8Array;
  /** PBKDF2 with HMAC; as many octets as the hash has. */
  readonly pbkdf2: (algorithm: SCRAMHash, password: Uint8Array, salt: Uint8Array, iterations: number) => Uint8Array;
  /** Whether both are the same, in a time that does not tell where they differ. */
  readonly isEqual: (a: Uint8Array, b: Uint8Array) => boolean;
}

/** What ties an exchange to the TLS session around it (RFC 9266 §2). */
export interface ChannelBinding {
  readonly type: 'tls-exporter';
  readonly data: Uint8Array;
}

/** The names of the mechanisms of this package. */
export type SASLMechanismName =
  | 'SCRAM-SHA-256-PLUS'
  | 'SCRAM-SHA-1-PLUS'
  | 'SCRAM-SHA-256'
  | 'SCRAM-SHA-1'
  | 'EXTERNAL'
  | 'OAUTHBEARER'
  | 'XOAUTH2'
  | 'PLAIN'
  | 'LOGIN'
  | 'CRAM-MD5';

// ---- The server's side --------------------------------------------------------------------------------------------------

/** Who a client has shown itself to be. */
export interface Identity {
  /** Prepared with SASLprep, or as the application's answer says. */
  readonly user: string;
  /** Whom the user acts for, which the application has granted; `undefined`: for themselves. */
  readonly authorizationIdentity: string | undefined;
  readonly mechanism: SASLMechanismName;
}

/** A user name and a password came; the application says whether they are right. Answer with {@link VerifiedAnswer}. */
export interface PasswordRequest {
  readonly kind: 'password';
  readonly mechanism: 'PLAIN' | 'LOGIN';
  readonly user: string;
  readonly password: string;
  readonly authorizationIdentity: string | undefined;
}

/** A user name came; the application hands out what is stored. Answer with {@link PasswordAnswer} or {@link SCRAMAnswer}. */
export interface SecretRequest {
  readonly kind: 'secret';
  readonly mechanism: SASLMechanismName;
  readonly user: string;
  readonly authorizationIdentity: string | undefined;
  /** The hash of the credentials; `undefined` (CRAM-MD5): only a password will do. */
  readonly hash: SCRAMHash | undefined;
}

/** An access token came; the application says whether it is good, and for whom. Answer with {@link VerifiedAnswer}. */
export interface TokenRequest {
  readonly kind: 'token';
  readonly mechanism: 'XOAUTH2' | 'OAUTHBEARER';
  /** The name that the client goes by. OAUTHBEARER allows none; then the answer says it. */
  readonly user: string | undefined;
  readonly token: string;
  /** Where the client believes to be, when it says so (OAUTHBEARER). A host that is not this server is to be refused. */
  readonly host: string | undefined;
  readonly port: number | undefined;
  readonly authorizationIdentity: undefined;
}

/**
 * The client wants to be known by what lies outside, its certificate. The application says who that is: answer with a
 * {@link VerifiedAnswer}, naming the user unless the authorization identity does.
 */
export interface ExternalRequest {
  readonly kind: 'external';
  readonly mechanism: 'EXTERNAL';
  readonly user: undefined;
  readonly authorizationIdentity: string | undefined;
}

/** What the application is asked. */
export type CredentialRequest = PasswordRequest | SecretRequest | TokenRequest | ExternalRequest;

/** What every answer may say about the user. */
export interface Grant {
  /** The name that the user goes by here, when it is not the one that was sent. */
  readonly user?: string;
  /**
   * That the user may act for this identity. It must be named when a request has an authorization identity other than the user;
   * without, such a request is refused.
   */
  readonly authorizationIdentity?: string;
}

/** The password, token or certificate is right. */
export interface VerifiedAnswer extends Grant {
  readonly verified: true;
}

/** The stored password. */
export interface PasswordAnswer extends Grant {
  readonly password: string;
}

/** What a server stores of a password for SCRAM (RFC 5802 §3); it cannot be used to log in. Text is base64. */
export interface SCRAMCredentials<Octets extends Uint8Array | string = Uint8Array | string> {
  readonly salt: Octets;
  readonly iterations: number;
  readonly storedKey: Octets;
  readonly serverKey: Octets;
}

/** The stored credentials for the hash that was asked for. */
export interface SCRAMAnswer extends Grant, SCRAMCredentials {}

/**
 * What the application answers. `undefined` is no: wrong password, bad token, unknown user.
 *
 * For a `secret`, an unknown user goes on to the end like a known one, with a made-up salt that stays the same, and fails there.
 * Nothing but the time of PBKDF2 tells them apart, and that only when passwords are stored and not {@link SCRAMCredentials}.
 */
export type CredentialAnswer = VerifiedAnswer | PasswordAnswer | SCRAMAnswer;

/**
 * Why a client is refused.
 *
 * - `credentials`: wrong, or unknown
 * - `authorization`: right, but may not act for whom it asked
 * - `initialResponse`: the server begins, and the client did
 * - `malformed`: not a message of this mechanism
 * - `unsupported`: a mandatory extension, or channel binding that the mechanism cannot have
 * - `channelBinding`: another TLS session than ours
 * - `downgrade`: somebody has hidden our -PLUS mechanisms from the client
 * - `misanswered`: the application's answer does not fit its question; the client is not to blame
 */
export type Refusal =
  | 'credentials'
  | 'authorization'
  | 'initialResponse'
  | 'malformed'
  | 'unsupported'
  | 'channelBinding'
  | 'downgrade'
  | 'misanswered';

/** What a server does next. */
export type ServerStep = ServerChallenge | ServerQuestion | ServerAccepted | ServerRefused;

/** Send this and wait for the client. */
export interface ServerChallenge {
  readonly kind: 'challenge';
  readonly data: Uint8Array;
  readonly respond: (data: Uint8Array) => ServerStep;
}

/** Ask the application. */
export interface ServerQuestion {
  readonly kind: 'ask';
  readonly request: CredentialRequest;
  readonly answer: (answer: CredentialAnswer | undefined) => ServerStep;
}

/** The client is who it says. */
export interface ServerAccepted {
  readonly kind: 'accepted';
  readonly identity: Identity;
}

/** It is not, or nobody can tell. */
export interface ServerRefused {
  readonly kind: 'refused';
  readonly reason: Refusal;
}

/** What is the same for all exchanges of a session. */
export interface ServerContext {
  readonly crypto: SASLCrypto;
  /** The server's name, for the challenge of CRAM-MD5. */
  readonly hostname: string;
  /** A secret of the server that stays the same: salts of users who do not exist are made from it. */
  readonly stableKey: Uint8Array;
  /** Of SCRAM, for passwords and for users who do not exist. Give the number that the stored credentials have. */
  readonly iterations: number;
  /** `undefined`: there is no TLS, or none that can be bound to. */
  readonly channelBinding: ChannelBinding | undefined;
  /** Whether this session's EHLO reply offered a -PLUS mechanism. */
  readonly isPlusOffered: boolean;
  /** What a client with a bad token is told. */
  readonly oauth: OAuthHints;
}

/** Where a client can get a better token (RFC 7628 §3.2.2). */
export interface OAuthHints {
  readonly scope: string | undefined;
  /** An https URL of an OpenID Provider Configuration document. */
  readonly openidConfiguration: string | undefined;
}

/** The server's side of a mechanism. */
export interface ServerMechanism {
  readonly name: SASLMechanismName;
  /** The password or the token travels readable: only under TLS. */
  readonly isPlaintext: boolean;
  /** Only with `channelBinding` in the context. */
  readonly needsChannelBinding: boolean;
  /** Only when the client has shown a certificate. */
  readonly needsClientCertificate: boolean;
  /** The client speaks first. To a mechanism of which the server does, an initial response is an error, save LOGIN. */
  readonly isClientFirst: boolean;
  /** `undefined`: the client gave no initial response; an empty one is an empty array. */
  readonly start: (context: ServerContext, initial: Uint8Array | undefined) => ServerStep;
}

// ---- The client's side --------------------------------------------------------------------------------------------------

/** What a client has to show. */
export type ClientCredentials =
  | {
      readonly kind: 'password';
      readonly user: string;
      readonly password: string;
      /** To act for another; LOGIN and CRAM-MD5 cannot. */
      readonly authorizationIdentity?: string;
    }
  | {
      readonly kind: 'token';
      readonly user: string;
      readonly token: string;
      /** Where the client is connected to, for OAUTHBEARER. */
      readonly host?: string;
      readonly port?: number;
    }
  | { readonly kind: 'external'; readonly authorizationIdentity?: string };

/** What a client knows when it starts. */
export interface ClientContext {
  readonly crypto: SASLCrypto;
  readonly credentials: ClientCredentials;
  /** `undefined`: there is no TLS, or none that can be bound to. */
  readonly channelBinding: ChannelBinding | undefined;
  /** Whether the server's EHLO reply offered a -PLUS mechanism. */
  readonly isPlusOffered: boolean;
}

/** What a client does next. */
export type ClientStep = ClientTurn | ClientFailed;

/** Send this and wait for the server. */
export interface ClientTurn {
  readonly kind: 'response';
  /** `undefined`, only at the start: the server speaks first. */
  readonly data: Uint8Array | undefined;
  /**
   * Whether a 235 may be believed now: the server has shown everything that the mechanism asks of it. A mechanism that asks nothing is
   * content when the client has said all; SCRAM asks for a signature.
   */
  readonly isServerVerified: boolean;
  /** Why the server is about to refuse, as it told (XOAUTH2, OAUTHBEARER). */
  readonly serverError: string | undefined;
  readonly respond: (challenge: Uint8Array) => ClientStep;
}

/** Cancel the exchange with `*`. */
export interface ClientFailed {
  readonly kind: 'failed';
  /**
   * - `malformed`: not a message of this mechanism, or one too many
   * - `unsupported`: a mandatory extension, or more iterations than we do for anybody
   * - `unverified`: the server does not know the password, or is not the one we are talking to
   * - `refused`: the server says why it refuses
   */
  readonly reason: 'malformed' | 'unsupported' | 'unverified' | 'refused';
  readonly detail: string;
}

/** The client's side of a mechanism. */
export interface ClientMechanism {
  readonly name: SASLMechanismName;
  /** The kind of credentials it takes. */
  readonly credentials: ClientCredentials['kind'];
  /** The password or the token travels readable: only under TLS. */
  readonly isPlaintext: boolean;
  /** Only with `channelBinding` in the context. */
  readonly needsChannelBinding: boolean;
  /**
   * Begins.
   *
   * @throws {@link UsageError} `SMTPD_BAD_OPTION` when the credentials are of another kind, or cannot be sent
   */
  readonly start: (context: ClientContext) => ClientStep;
}
