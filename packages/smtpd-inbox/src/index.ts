/** The public names of `smtpd-inbox`. */

export type * from './api/model.js';
export { FaultError } from './faults/check-fault.js';
export { FaultBoard, type FaultBoardOptions, type FaultRequest } from './faults/fault-board.js';
export {
  FaultyChannel,
  LIMITS_FOR_FAULTS,
  playFaults,
  playMessageFault,
  type MessageInPlay,
  type PlayFaultsOptions,
} from './faults/play-faults.js';
export { parseRecipientFault } from './faults/recipient-faults.js';
export { MailReader, type MailReaderOptions } from './mail/mail-reader.js';
export type { MailSummary, PartContent, ReadMail } from './mail/read-mail.js';
export { startInbox, type InboxServer } from './inbox-server.js';
export { InboxUsageError, type InboxOptions } from './inbox-options.js';
export { startPOP3, type POP3Login, type POP3Options, type POP3Server } from './pop3/start-pop3.js';
export { formatSearch, parseSearch, type ParsedSearch, type SearchFault } from './search/search-syntax.js';
export { composeMail, type ComposedMail, type ComposeOptions } from './exchange/compose.js';
export { EXCHANGE_ERROR_CODES, ExchangeError, type ExchangeErrorCode } from './exchange/exchange-error.js';
export {
  withWireLineEnds,
  type ImportedMessage,
  type ImportItem,
  type ImportLimits,
  type SkippedItem,
} from './exchange/import-item.js';
export { readMailFolder } from './exchange/maildir.js';
export { readMbox, writeMbox, type MboxMessage, type MboxOptions } from './exchange/mbox.js';
export { Releaser, type ReleaserOptions } from './exchange/release.js';
export { replay, type ReplayOptions } from './exchange/replay.js';
export type { StoredMail } from './exchange/send-stored.js';
export { DEFAULT_WEBHOOK_LIMITS, Webhooks, type WebhookLimits, type WebhooksOptions } from './exchange/webhooks.js';
export { readZip, writeZip, type ZipLimits, type ZippedMessage } from './exchange/zip.js';
