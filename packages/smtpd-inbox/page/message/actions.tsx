/** What can be done with a message: take it away as a file, say it again, hand it on. An answer is not among it: nobody is there. */

import { useState } from 'preact/hooks';

import type { Entry, Transcript } from '../../src/api/model.js';
import { address, postJSON } from '../api.js';
import { keysOf } from '../commands/command-table.js';
import { mark, remove } from '../state/actions.js';
import { tell, tellFailure } from '../state/notices.js';
import { Icon, type IconName } from '../ui/icon.js';
import { CopyButton } from '../ui/copy-button.js';
import { messageJSON, messagePath, read } from './message-data.js';
import { ReleaseDialog } from './release-dialog.js';

export function Actions({ entry }: { readonly entry: Entry }) {
  const [isReleasing, setReleasing] = useState(false);
  const isMessage = entry.kind === 'message';
  return (
    <div class="msg-actions" role="group" aria-label="Actions">
      {isMessage ? (
        <>
          <a
            class="msg-button"
            href={address(messagePath(entry.id, 'raw'), { download: 1 })}
            download={`${entry.id}.eml`}
            aria-label="Download as .eml"
            title="Download as .eml"
          >
            <Icon name="download" />
            <span class="msg-button-text">.eml</span>
          </a>
          <CopyButton
            class="msg-button"
            what="as a swaks command"
            text={async () => (await read(messageJSON<Transcript>(entry.id, 'transcript'))).swaks}
          >
            <span class="msg-button-text">swaks</span>
          </CopyButton>
          <ReplayButton entry={entry} />
          <button
            type="button"
            class="msg-button"
            aria-label="Release to a real server"
            title="Release to a real server"
            onClick={() => setReleasing(true)}
          >
            <Icon name="release" />
            <span class="msg-button-text">Release</span>
          </button>
        </>
      ) : null}
      <IconButton
        label={entry.isRead ? 'Mark as unread' : 'Mark as read'}
        icon={entry.isRead ? 'mail' : 'mailOpen'}
        keys={keysOf('toggleRead')}
        onPress={() => void mark([entry.id], !entry.isRead)}
      />
      <IconButton label="Delete" icon="trash" keys={keysOf('remove')} onPress={() => void remove([entry.id])} />
      {isReleasing ? <ReleaseDialog entry={entry} onClose={() => setReleasing(false)} /> : null}
    </div>
  );
}

function ReplayButton({ entry }: { readonly entry: Entry }) {
  const [isRunning, setRunning] = useState(false);
  const replay = async (): Promise<void> => {
    setRunning(true);
    try {
      await postJSON(messagePath(entry.id, 'replay'));
      tell({ kind: 'done', text: 'Said again: it comes as a new message.' });
    } catch (error) {
      tellFailure(error);
    }
    setRunning(false);
  };
  return (
    <button
      type="button"
      class="msg-button"
      aria-label="Replay into this inbox"
      title="Replay into this inbox"
      disabled={isRunning}
      onClick={() => void replay()}
    >
      <Icon name="replay" />
      <span class="msg-button-text">Replay</span>
    </button>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly icon: IconName;
  readonly keys: string | undefined;
  readonly onPress: () => void;
}

function IconButton({ label, icon, keys, onPress }: IconButtonProps) {
  return (
    <button
      type="button"
      class="msg-button msg-button-icon"
      aria-label={label}
      title={keys === undefined ? label : `${label} (${keys})`}
      onClick={onPress}
    >
      <Icon name={icon} />
    </button>
  );
}
