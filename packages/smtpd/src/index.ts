/** The public names of `smtpd`, and nothing else. */

export { SMTPServer, type CloseOptions } from './server/server.js';
export { SMTPChannel } from './server/channel.js';
export { DebuggingServer, type DebuggingFormat, type DebuggingServerOptions } from './handlers/debugging-server.js';
export { PureProxy, type RecipientRoute } from './handlers/pure-proxy.js';
export type { ProxyOnlyOptions, PureProxyOptions, RouteRequest } from './handlers/proxy/proxy-options.js';
export {
  MailmanProxy,
  type MailmanMapOptions,
  type MailmanOptions,
  type MailmanProxyOptions,
} from './handlers/mailman-proxy.js';
export type { MailmanRecipient, MailmanRole } from './handlers/mailman/mailman-address.js';
export type { MailmanAnswer, MailmanDirectory } from './handlers/mailman/mailman-directory.js';
export type { MailmanRESTOptions } from './handlers/mailman/mailman-rest-directory.js';
export { parseRoute, type Route, type RouteText } from './handlers/proxy/routes.js';
export type { UpstreamOptions } from './handlers/proxy/upstream-options.js';
export {
  formatDestination,
  parseDestination,
  type Destination,
  type HostDestination,
  type MXDestination,
  type UnixDestination,
} from './client/destination.js';
export type { MXResolver } from './client/mx-lookup.js';
export { forward, type ForwardHook, type ForwardOptions } from './handlers/forward.js';
export { Maildir, type MaildirField, type MaildirOptions } from './handlers/maildir.js';
export { Sink, type SinkOptions, type SinkTotals } from './handlers/sink.js';
export type { MessageRecord } from './handlers/json-format.js';
export type { OddityName } from './handlers/oddities.js';
export { SMTPClient, type CallOptions } from './client/client.js';
export {
  SMTPConnectionError,
  SMTPNotOfferedError,
  SMTPRefusedError,
  type ConnectionErrorCode,
  type RecipientOutcome,
} from './client/client-errors.js';
export {
  DEFAULT_CLIENT_WAITS,
  type ClientAuthOptions,
  type ClientTLSOptions,
  type ClientWaits,
  type SMTPClientOptions,
} from './client/client-options.js';
export type { ContentForm, MessageContent } from './client/content-source.js';
export {
  SMTPClientPool,
  type Lease,
  type PoolDestination,
  type PoolOptions,
  type TransactionStart,
} from './client/pool.js';
export type { OutgoingMessage, SendResult, SendRules } from './client/send-message.js';
export type { ConnectTarget } from './net/outgoing-connection.js';
export type { ClientPhase, ServerFault } from './protocol/client-session.js';
export type { ReplyFault } from './protocol/reply-decoder.js';
export { ServerCapabilities } from './protocol/server-capabilities.js';
export type { ChannelOptions, ChannelOwner } from './server/channel-context.js';
export type { AuthAnswer, AuthOptions, CompleteAuthOptions } from './server/authentication.js';
export { anyAuth, OPEN_MECHANISMS, passwordAuth, PASSWORD_MECHANISMS } from './server/auth-hooks.js';
export { NetworkSet } from './server/networks.js';
export { SharedLimits } from './server/shared-limits.js';
export { makeSCRAMCredentials } from './server/scram-credentials.js';
export type { CompleteOptions, SMTPServerOptions } from './server/server-options.js';
export type { CompleteTLSOptions, TLSMode, TLSOptions } from './server/tls-options.js';
export type { KeyPairSource } from './server/tls-certificates.js';
export { formatBoundAddress, parseListenAddress } from './server/listen-address.js';
export { listenFailure } from './server/listen-failure.js';
export { defaultLogger, silentLogger, type Logger } from './server/logger.js';
export {
  defineHook,
  type AddressRequest,
  type AuthRequest,
  type DataRequest,
  type HeloRequest,
  type Hook,
  type HookRequest,
  type MailRequest,
  type MessageRequest,
  type RcptRequest,
  type RecipientVerdicts,
} from './server/hooks.js';
export { MessageAbortedError } from './server/message-body.js';
export { MessageEnvelope, ReceivedMessage, StreamedMessage } from './server/received-message.js';
export { SessionInfo, type EnvelopeInfo, type Identity } from './server/session-info.js';
export type { Awaitable, MessageVerdict, Verdict } from './server/verdict.js';
export type { DisconnectReason, SMTPServerEvents } from './server/watch.js';
export { systemClock, type Clock } from './net/clock.js';
export {
  openListener,
  type BoundAddress,
  type ListenAddress,
  type Listener,
  type ListenerOptions,
} from './net/listener.js';
export { openSocketTransport } from './net/socket-transport.js';
export { openTLS, type OpenTLS } from './server/server-tls.js';
export type { PeerCertificate, TLSFacts } from './net/tls-facts.js';
export type { EndpointAddress, TLSHandshake, Transport, TransportReceiver } from './net/transport.js';
export type { ClientAttributeName, ClientAttributes } from './protocol/client-attributes.js';
export { ERROR_CODES, InvariantError, UsageError, type ErrorCode } from './protocol/errors.js';
export type { ProxyEndpoint, ProxyHeader, ProxyTLSFacts, ProxyTLV } from './protocol/proxy-header.js';
export type {
  CredentialAnswer,
  CredentialRequest,
  SASLMechanismName,
  SCRAMCredentials,
} from './protocol/sasl/mechanism.js';
export { etrn } from './protocol/extensions/etrn.js';
export {
  defineExtension,
  type Extension,
  type OfferFacts,
  type OfferNarrowing,
  type ParameterDefinition,
  type ParametersJudge,
  type ParsedParameter,
  type VerbDefinition,
  type VerbRequest,
  type VerbSession,
  type VerbVerdict,
} from './protocol/extension.js';
export { submitterOf } from './protocol/extensions/auth.js';
export {
  deliverBy,
  deliverByOf,
  type DeliverByOptions,
  type DeliverByRequest,
} from './protocol/extensions/delivery-by.js';
export {
  dsn,
  dsnOf,
  type DSNRequest,
  type NotifyCondition,
  type OriginalRecipient,
} from './protocol/extensions/dsn.js';
export type { EnvelopeOptions } from './protocol/extensions/envelope-options.js';
export {
  futureRelease,
  futureReleaseOf,
  type FutureRelease,
  type FutureReleaseOptions,
} from './protocol/extensions/future-release.js';
export { mtPriority, priorityOf, type MTPriorityOptions } from './protocol/extensions/mt-priority.js';
export { isTLSRequired, requireTLS } from './protocol/extensions/require-tls.js';
export { decodeXtext, encodeXtext } from './protocol/extensions/xtext.js';
export { DEFAULT_LIMITS, LIMIT_NOTES, type LimitNote, type Limits } from './protocol/limits.js';
export { unknownOptions, type KnownOptions } from './protocol/unknown-options.js';
export type { LineEndings } from './protocol/data-decoder.js';
export type { Parameter } from './protocol/parameters.js';
export type { Path } from './protocol/path.js';
export { parseReply, Reply, SMTPReplyError } from './protocol/reply.js';
export type { ContentFacts, Violation } from './protocol/session-events.js';
export type { Recipient } from './protocol/session-state.js';
