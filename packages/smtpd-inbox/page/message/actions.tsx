/** What can be done with a message: take it away as a file, say it again, hand it on. An answer is not among it: nobody is there. */

import { useState } from 'preact/hooks';

import type { Entry, Transcript } from '../../src/api/model.js';
import { address, getJSON, postJSON } from '../api.js';
import { CopyButton } from './copy-button.js';
import { Icon } from './icon.js';
import { messagePath } from './message-data.js';
import { ReleaseDialog } from './release-dialog.js';

export function Actions({ entry }: { readonly entry: Entry }) {
  const [replay, setReplay] = useState<'running' | 'done' | { readonly reason: string }>();
  const [isReleasing, setReleasing] = useState(false);
  const replayNow = async (): Promise<void> => {
    setReplay('running');
    try {
      await postJSON(messagePath(entry.id, 'replay'));
      setReplay('done');
    } catch (error) {
      setReplay({ reason: error instanceof Error ? error.message : String(error) });
    }
  };
  const said =
    replay === 'done' ? 'Said again: a new message has come.' : typeof replay === 'object' ? replay.reason : '';
  return (
    <>
      <div class="msg-actions" role="group" aria-label="Actions">
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
          label="Copy as a swaks command"
          text={async () => (await getJSON<Transcript>(messagePath(entry.id, 'transcript'))).swaks}
        >
          <span class="msg-button-text">swaks</span>
        </CopyButton>
        <button
          type="button"
          class="msg-button"
          aria-label="Replay into this inbox"
          title="Replay into this inbox"
          disabled={replay === 'running'}
          onClick={() => void replayNow()}
        >
          <Icon name={replay === 'done' ? 'done' : typeof replay === 'object' ? 'warning' : 'replay'} />
          <span class="msg-button-text">Replay</span>
        </button>
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
      </div>
      <p class={typeof replay === 'object' ? 'msg-action-said msg-action-failed' : 'msg-action-said'} role="status">
        {said}
      </p>
      {isReleasing ? <ReleaseDialog entry={entry} onClose={() => setReleasing(false)} /> : null}
    </>
  );
}
