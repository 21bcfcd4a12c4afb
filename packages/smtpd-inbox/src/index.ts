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
