/**
 * What the API speaks of, as JSON Schema and as types: one definition for the server that checks, the OpenAPI document that describes,
 * the client and the page that read. No behaviour.
 */

import { Type, type Static, type TSchema } from 'typebox';

const Text = Type.String();
const Count = Type.Integer({ minimum: 0 });
const Time = Type.String({ format: 'date-time' });
const ListOf = <Item extends TSchema>(item: Item) => Type.Array(item);

/** An inbox's name. `''` is the inbox of everybody. */
export const InboxName = Type.String({ pattern: '^[a-z0-9][a-z0-9-]{0,62}$', description: 'An inbox’s name.' });

/** The envelope, as the client gave it. */
export const Envelope = Type.Object({
  mailFrom: Type.String({ description: 'The reverse-path’s address; empty for the null reverse-path.' }),
  rcptTos: ListOf(Text),
  mailOptions: ListOf(Text),
  rcptOptions: ListOf(ListOf(Text)),
});
export type Envelope = Static<typeof Envelope>;

/** What was known of the connection. */
export const Session = Type.Object({
  peer: Type.Object({ address: Text, port: Count }),
  /** Our end, where it is a network address. */
  local: Type.Optional(Type.Object({ address: Text, port: Count })),
  clientName: Type.Optional(Type.String({ description: 'What the client called itself in HELO, EHLO or LHLO.' })),
  protocol: Type.Optional(Type.String({ description: 'The keyword of RFC 3848, such as ESMTPSA.' })),
  tls: Type.Optional(
    Type.Object({
      version: Text,
      cipher: Text,
      serverName: Type.Optional(Text),
      alpn: Type.Optional(Text),
      clientCertificate: Type.Optional(
        Type.Object({
          isVerified: Type.Boolean(),
          verifyError: Type.Optional(Text),
          commonName: Type.Optional(Text),
          subjectAltNames: ListOf(Text),
          fingerprint256: Text,
        }),
      ),
    }),
  ),
  identity: Type.Optional(Type.Object({ user: Text, mechanism: Text, authorizationIdentity: Type.Optional(Text) })),
  /** How it ended; only of a session without a message. */
  end: Type.Optional(Text),
});
export type Session = Static<typeof Session>;

/** A row of the list: a message, or a session that ended in none. */
export const Entry = Type.Object({
  id: Text,
  kind: Type.Enum(['message', 'session']),
  inbox: Type.String({ description: 'The inbox it is in; empty for the inbox of everybody.' }),
  receivedAt: Time,
  sizeBytes: Count,
  isRead: Type.Boolean(),
  tags: ListOf(Text),
  envelope: Envelope,
  session: Session,
  subject: Type.Optional(Text),
  /** From, To and Cc as the header has them, decoded: `Ann Onym <ann@a.example>`. */
  from: ListOf(Text),
  to: ListOf(Text),
  cc: ListOf(Text),
  /** The Date field as it stands. */
  date: Type.Optional(Text),
  /** The Message-ID field, with its brackets. */
  messageId: Type.Optional(Text),
  /** The beginning of the text. */
  preview: Type.Optional(Text),
  /** The names of the attachments; `''` for one without. */
  attachmentNames: ListOf(Text),
  /** Why the message could not be read to its end. Its octets are there all the same. */
  parseFault: Type.Optional(Text),
});
export type Entry = Static<typeof Entry>;

export const Page = Type.Object({
  entries: ListOf(Entry),
  /** The place for `before` that gives the next part; absent at the end. */
  older: Type.Optional(Text),
  /** The place for `after` that gives what comes later. */
  newer: Text,
});
export type Page = Static<typeof Page>;

/** A header field. */
export const HeaderField = Type.Object({
  name: Text,
  /** Unfolded, encoded words decoded. */
  value: Text,
  /** The whole field as it stands, name and folds included, without its last line end; each octet one character. */
  raw: Text,
  /** The line of the message where it begins, from 1. */
  line: Type.Integer({ minimum: 1 }),
});
export type HeaderField = Static<typeof HeaderField>;

/** A node of the MIME tree. */
export const Part = Type.Object({
  /** `'1'`, `'1.2'`; `'0'` for the message itself (RFC 3501’s numbers). */
  number: Text,
  /** The number of what it is in; absent for the message itself. */
  parent: Type.Optional(Text),
  /** In lower case, such as `text/html`. */
  contentType: Text,
  charset: Type.Optional(Text),
  encoding: Type.Optional(Text),
  disposition: Type.Optional(Type.Enum(['inline', 'attachment'])),
  fileName: Type.Optional(Text),
  /** Without its brackets. */
  contentId: Type.Optional(Text),
  /** The URL that the HTML may refer to it by (RFC 2557). */
  contentLocation: Type.Optional(Text),
  /** Octets when decoded. */
  sizeBytes: Count,
  /** Where it stands in the message, header included: the first octet, and the one behind the last. */
  start: Count,
  end: Count,
  /** What it is for whoever reads the mail. */
  role: Type.Enum(['container', 'text', 'html', 'attachment', 'related', 'message']),
});
export type Part = Static<typeof Part>;

/** A link in the text or the HTML. */
export const Link = Type.Object({
  url: Text,
  /** What stands between `<a>` and `</a>`, or the `alt` of the picture there; the URL itself in plain text. */
  text: Text,
  in: Type.Enum(['text', 'html', 'header']),
  /** The line of the decoded text or HTML, from 1. */
  line: Type.Integer({ minimum: 1 }),
});
export type Link = Static<typeof Link>;

/** A one-time code. */
export const Code = Type.Object({
  code: Text,
  /** The words around it. */
  context: Text,
  in: Type.Enum(['subject', 'text', 'html']),
  /** From 0 to 1: how sure it is that this is what a person has to type. */
  confidence: Type.Number({ minimum: 0, maximum: 1 }),
});
export type Code = Static<typeof Code>;

/** A message, read. */
export const Message = Type.Object({
  entry: Entry,
  /** The decoded text; absent when there is none. */
  text: Type.Optional(Text),
  /** The decoded HTML as it came, unclean; absent when there is none. */
  html: Type.Optional(Text),
  headers: ListOf(HeaderField),
  parts: ListOf(Part),
  links: ListOf(Link),
  codes: ListOf(Code),
  /** What went wrong while it was read, for people; empty for a message that is as it should be. */
  faults: ListOf(Text),
});
export type Message = Static<typeof Message>;

/** A line of the conversation. */
export const TranscriptLine = Type.Object({
  from: Type.Enum(['client', 'server', 'event']),
  /** Milliseconds since the connection. */
  atMs: Type.Number({ minimum: 0 }),
  text: Text,
});
export type TranscriptLine = Static<typeof TranscriptLine>;

export const Transcript = Type.Object({
  lines: ListOf(TranscriptLine),
  /** The same as a `swaks` command line that says it again. */
  swaks: Text,
});
export type Transcript = Static<typeof Transcript>;

/** Something a strict receiver would say. */
export const Finding = Type.Object({
  /** Stable, such as `missing-date`. */
  rule: Text,
  severity: Type.Enum(['error', 'warning', 'note']),
  /** What is wrong and what to do. */
  text: Text,
  /** The source, such as `RFC 5322 §3.6`. */
  source: Text,
  /** The line of the message (raw), of the HTML or of the text; absent when it is about the whole. */
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  in: Type.Enum(['raw', 'html', 'text', 'envelope']),
});
export type Finding = Static<typeof Finding>;

/** What mail programs make of the HTML. */
export const Compatibility = Type.Object({
  /** Shares of the tested programs, from 0 to 1; together 1. */
  supported: Type.Number(),
  partly: Type.Number(),
  unsupported: Type.Number(),
  features: ListOf(
    Type.Object({
      /** The name at caniemail, such as `css-display-flex`. */
      slug: Text,
      title: Text,
      url: Text,
      /** Lines of the HTML where it stands, from 1. */
      lines: ListOf(Type.Integer({ minimum: 1 })),
      /** Programs that do not support it, or only in part, such as `Outlook (Windows)`. */
      unsupported: ListOf(Text),
      partly: ListOf(Text),
      notes: ListOf(Text),
    }),
  ),
  /** The day of the data. */
  dataDate: Text,
});
export type Compatibility = Static<typeof Compatibility>;

/** What SPF, DKIM, DMARC and ARC say. */
export const Authentication = Type.Object({
  /** `off`: DNS is not allowed and no key was supplied; `missing`: the package `mailauth` is not installed. */
  state: Type.Enum(['done', 'off', 'missing']),
  checks: ListOf(
    Type.Object({
      method: Type.Enum(['spf', 'dkim', 'dmarc', 'arc']),
      /** As in Authentication-Results (RFC 8601): `pass`, `fail`, `none`, `temperror`, … */
      result: Text,
      text: Text,
      domain: Type.Optional(Text),
      selector: Type.Optional(Text),
    }),
  ),
});
export type Authentication = Static<typeof Authentication>;

/** Two messages compared. */
export const Difference = Type.Object({
  /** The other one; absent when there is none of the same kind before it. */
  other: Type.Optional(Entry),
  /** Line by line: `same`, `added` (only in this one), `removed` (only in the other). */
  sections: ListOf(
    Type.Object({
      part: Type.Enum(['headers', 'text', 'html']),
      lines: ListOf(Type.Object({ kind: Type.Enum(['same', 'added', 'removed']), text: Text })),
      /** Why the lines could not be matched as they should; absent when they were. */
      note: Type.Optional(Text),
    }),
  ),
});
export type Difference = Static<typeof Difference>;

export const Counts = Type.Object({
  messages: Count,
  unread: Count,
  bytes: Count,
  inboxes: Type.Record(Text, Type.Object({ messages: Count, unread: Count, bytes: Count })),
});
export type Counts = Static<typeof Counts>;

/** What the server is and where. */
export const Info = Type.Object({
  version: Text,
  /** Where SMTP is spoken. */
  smtp: ListOf(Type.Object({ host: Text, port: Count, tls: Type.Enum(['off', 'offer', 'require', 'implicit']) })),
  /** Absent when it is off. */
  pop3: Type.Optional(Type.Object({ host: Text, port: Count })),
  auth: Type.Enum(['off', 'any', 'users']),
  /** Of what is kept and of one message. 0: there is no bound. */
  limits: Type.Object({
    messagesMax: Type.Integer(),
    bytesMax: Type.Integer(),
    ageMsMax: Type.Optional(Type.Integer()),
    messageBytesMax: Type.Integer(),
  }),
  /** What a user turned on. */
  can: Type.Object({
    release: Type.Boolean(),
    remoteContent: Type.Boolean(),
    dns: Type.Boolean(),
    recipientFaults: Type.Boolean(),
    keeps: Type.Boolean({ description: 'Whether the mail outlives the process.' }),
  }),
  /** Domain behind the inboxes’ names. */
  inboxDomain: Text,
});
export type Info = Static<typeof Info>;

/** Messages that were deleted together. */
export const Deletion = Type.Object({ id: Text, ids: ListOf(Text), restorableUntil: Time });
export type Deletion = Static<typeof Deletion>;

/** An inbox of one’s own. */
export const Inbox = Type.Object({
  name: InboxName,
  /** Behind any local part: `@k3f9.inbox.test`. */
  addressSuffix: Text,
  /** Behind any local part, in any domain: `ann+k3f9@a.example`. */
  tag: Text,
  user: Text,
  password: Text,
  createdAt: Time,
  /** When it and its mail go; absent for never. */
  expiresAt: Type.Optional(Time),
});
export type Inbox = Static<typeof Inbox>;

export const NewInbox = Type.Object(
  {
    name: Type.Optional(InboxName),
    /** Seconds until it goes. Default: never. */
    ttlSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
  },
  { additionalProperties: false },
);
export type NewInbox = Static<typeof NewInbox>;

/** Why a message is not the one that was waited for. */
export const NearMiss = Type.Object({ entry: Entry, reasons: ListOf(Text) });
export type NearMiss = Static<typeof NearMiss>;

export const WaitResult = Type.Object({
  entry: Entry,
  /** For `after`: what comes next. */
  cursor: Text,
});
export type WaitResult = Static<typeof WaitResult>;

/** An error. */
export const Problem = Type.Object({
  error: Type.Object({
    /** Stable, such as `NOT_FOUND`. */
    code: Text,
    /** What is wrong and what to do. */
    message: Text,
    /** Only of a wait that came to nothing. */
    nearMisses: Type.Optional(ListOf(NearMiss)),
    cursor: Type.Optional(Text),
  }),
});
export type Problem = Static<typeof Problem>;

/** What happens, as the live events tell it: the event’s name is `kind`. */
export const LiveEvent = Type.Union([
  Type.Object({ kind: Type.Literal('added'), entry: Entry }),
  Type.Object({ kind: Type.Literal('changed'), ids: ListOf(Text) }),
  Type.Object({ kind: Type.Literal('deleted'), ids: ListOf(Text) }),
  Type.Object({ kind: Type.Literal('restored'), ids: ListOf(Text) }),
  /** Inboxes or webhooks are others now, or another thing that a machine at the same store has changed. */
  Type.Object({ kind: Type.Literal('settings'), key: Text }),
  /** Events were lost: look again. */
  Type.Object({ kind: Type.Literal('missed') }),
]);
export type LiveEvent = Static<typeof LiveEvent>;

/** Where in a session a fault happens. */
export const FaultStage = Type.Enum(['connect', 'helo', 'starttls', 'auth', 'mail', 'rcpt', 'data', 'message']);
export type FaultStage = Static<typeof FaultStage>;

const faultProperties = {
  stage: FaultStage,
  /** The reply’s code; absent: none, only what else is said here. */
  code: Type.Optional(Type.Integer({ minimum: 400, maximum: 559 })),
  /** The reply’s text, such as `4.2.2 Mailbox full`. */
  text: Type.Optional(Text),
  /** Milliseconds before the reply. */
  delayMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 600_000 })),
  /** Octets a second at which content is taken; only at `data`. */
  throttleBytesPerSecond: Type.Optional(Type.Integer({ minimum: 1 })),
  /** The connection is cut: instead of the reply, behind it, in the middle of the content, or once the message is kept. */
  disconnect: Type.Optional(Type.Enum(['insteadOfReply', 'afterReply', 'inContent', 'afterTaking'])),
  /** Of a hundred times, how many. Default: 1, which is always. */
  probability: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
  /** How often it happens. Absent: until it is taken away. */
  times: Type.Optional(Type.Integer({ minimum: 1 })),
  /** Only for recipients with this text in their address. */
  to: Type.Optional(Text),
  /** Only for senders with this text in their address. */
  from: Type.Optional(Text),
  /** Only for this inbox (by AUTH user or recipient). */
  inbox: Type.Optional(Text),
};
export const NewFault = Type.Object(faultProperties, { additionalProperties: false });
export type NewFault = Static<typeof NewFault>;
export const Fault = Type.Object({ id: Text, ...faultProperties, hits: Count });
export type Fault = Static<typeof Fault>;

export const NewWebhook = Type.Object(
  {
    /** http or https. */
    url: Text,
    /** Only messages that this search finds. */
    query: Type.Optional(Text),
    /** Signs each call: `X-Smtpd-Signature: sha256=<HMAC in hex>`. */
    secret: Type.Optional(Text),
  },
  { additionalProperties: false },
);
export type NewWebhook = Static<typeof NewWebhook>;
export const Webhook = Type.Object({
  id: Text,
  url: Text,
  query: Type.Optional(Text),
  hasSecret: Type.Boolean(),
  delivered: Count,
  failed: Count,
  /** Calls under way or waiting for another try. */
  pending: Count,
  lastError: Type.Optional(Text),
});
export type Webhook = Static<typeof Webhook>;

/** A mail to be made and put into the inbox. */
export const NewMail = Type.Object(
  {
    from: Text,
    to: Type.Array(Text, { minItems: 1 }),
    cc: Type.Optional(ListOf(Text)),
    bcc: Type.Optional(ListOf(Text)),
    subject: Type.Optional(Text),
    text: Type.Optional(Text),
    html: Type.Optional(Text),
    headers: Type.Optional(Type.Record(Text, Text)),
    attachments: Type.Optional(
      ListOf(
        Type.Object(
          { fileName: Text, contentType: Type.Optional(Text), contentBase64: Text, contentId: Type.Optional(Text) },
          { additionalProperties: false },
        ),
      ),
    ),
  },
  { additionalProperties: false },
);
export type NewMail = Static<typeof NewMail>;

export const Release = Type.Object(
  {
    /** Default: the recipients of the envelope. */
    to: Type.Optional(Type.Array(Text, { minItems: 1 })),
    /** Default: the sender of the envelope. */
    from: Type.Optional(Text),
  },
  { additionalProperties: false },
);
export type Release = Static<typeof Release>;
export const ReleaseResult = Type.Object({
  recipients: ListOf(Type.Object({ address: Text, isAccepted: Type.Boolean(), reply: Text })),
  /** The reply after the content; absent when no recipient was taken. */
  reply: Type.Optional(Text),
});
export type ReleaseResult = Static<typeof ReleaseResult>;
