/** The public names of `smtpd-inbox/client`. */

export type * from '../api/model.js';
export { Attachment } from './attachment.js';
export { InboxError, NoMessageError } from './client-errors.js';
export type { ConnectionOptions } from './connection.js';
export { InboxClient, type InboxClientOptions } from './inbox-client.js';
export { InboxFault, InboxFaults, type FaultDetails } from './inbox-faults.js';
export { InboxMessage } from './inbox-message.js';
export { IsolatedInbox, type SMTPSettings } from './isolated-inbox.js';
export {
  MailView,
  type CallOptions,
  type ImportContent,
  type ImportResult,
  type ImportType,
  type ListOptions,
  type MessageReference,
  type MessagesOptions,
  type PageOptions,
  type WaitOptions,
} from './mail-view.js';
export type { MessageCriteria } from './message-criteria.js';
export { MessageHeaders } from './message-headers.js';
