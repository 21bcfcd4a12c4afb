/** What the routes work with. */

import type { MailStore } from 'smtpd-store';

import type { Info, ReleaseResult } from '../api/model.js';
import type { InboxDirectory } from '../capture/inbox-directory.js';
import type { Releaser } from '../exchange/release.js';
import type { StoredMail } from '../exchange/send-stored.js';
import type { Webhooks } from '../exchange/webhooks.js';
import type { FaultBoard } from '../faults/fault-board.js';
import type { DNSLookup, SuppliedKey } from '../mail/authentication.js';
import type { MailReader } from '../mail/mail-reader.js';

/** The parts of an inbox, as the API needs them. */
export interface InboxServices {
  readonly store: MailStore;
  readonly reader: MailReader;
  readonly directory: InboxDirectory;
  readonly faults: FaultBoard;
  readonly webhooks: Webhooks;
  /** Sends a message to this inbox's own SMTP. */
  readonly replay: (mail: StoredMail, signal: AbortSignal) => Promise<ReleaseResult>;
  /** Absent: nobody allowed it. */
  readonly releaser: Releaser | undefined;
  /** Absent: DNS is not asked. */
  readonly resolver: DNSLookup | undefined;
  /** Public DKIM keys that were handed in. */
  readonly dkimKeys: readonly SuppliedKey[];
  /** Whether pictures and styles of other servers may be loaded for a mail when its reader asks for it. */
  readonly mayLoadRemoteContent: boolean;
  readonly info: () => Info;
  readonly now: () => Date;
}
