/** The dialog that is open. */

import { closeDialog, dialog } from '../state/dialogs.js';
import { ConfirmDialog } from './confirm-dialog.js';
import { ConnectDialog } from './connect-dialog.js';
import { FaultsDialog } from './faults-dialog.js';
import { InboxDialog, NewInboxDialog } from './inbox-dialogs.js';
import { KeysDialog } from './keys-dialog.js';
import { Palette } from './palette.js';
import { SettingsDialog } from './settings-dialog.js';
import { TagsDialog } from './tags-dialog.js';
import { WebhooksDialog } from './webhooks-dialog.js';

export function Dialogs() {
  const open = dialog.value;
  switch (open?.kind) {
    case undefined:
      return null;
    case 'keys':
      return <KeysDialog onClose={closeDialog} />;
    case 'palette':
      return <Palette onClose={closeDialog} />;
    case 'settings':
      return <SettingsDialog onClose={closeDialog} />;
    case 'faults':
      return <FaultsDialog onClose={closeDialog} />;
    case 'webhooks':
      return <WebhooksDialog onClose={closeDialog} />;
    case 'connect':
      return <ConnectDialog onClose={closeDialog} />;
    case 'newInbox':
      return <NewInboxDialog onClose={closeDialog} />;
    case 'inbox':
      return <InboxDialog key={open.name} name={open.name} onClose={closeDialog} />;
    case 'tags':
      return <TagsDialog ids={open.ids} onClose={closeDialog} />;
    case 'confirm':
      return <ConfirmDialog question={open.question} onClose={closeDialog} />;
  }
}
