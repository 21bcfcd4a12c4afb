/** Hands a message on to a real server, and shows what that server said to each recipient. */

import { useState } from 'preact/hooks';

import type { Entry, ReleaseResult } from '../../src/api/model.js';
import { postJSON, reasonOf } from '../api.js';
import { info } from '../state/server-facts.js';
import { Icon } from '../ui/icon.js';
import { Modal } from '../ui/modal.js';
import { messagePath } from './message-data.js';

interface ReleaseDialogProps {
  readonly entry: Entry;
  readonly onClose: () => void;
}

export function ReleaseDialog({ entry, onClose }: ReleaseDialogProps) {
  return (
    <Modal title="Release to a real server" onClose={onClose}>
      {info.value === undefined ? (
        <p>The server does not answer.</p>
      ) : info.value.can.release ? (
        <ReleaseForm entry={entry} />
      ) : (
        <p>
          This inbox hands nothing on. To let it, start it with the server to release to, and with the recipients it may
          release to.
        </p>
      )}
    </Modal>
  );
}

function ReleaseForm({ entry }: { readonly entry: Entry }) {
  const [to, setTo] = useState(entry.envelope.rcptTos.join('\n'));
  const [from, setFrom] = useState(entry.envelope.mailFrom);
  const [outcome, setOutcome] = useState<'running' | { readonly reason: string } | ReleaseResult>();
  const recipients = to.split(/[\s,;]+/).filter((address) => address !== '');
  const release = async (): Promise<void> => {
    setOutcome('running');
    try {
      setOutcome(await postJSON<ReleaseResult>(messagePath(entry.id, 'release'), { to: recipients, from }));
    } catch (error) {
      setOutcome({ reason: reasonOf(error) });
    }
  };
  return (
    <form
      class="msg-release"
      onSubmit={(event) => {
        event.preventDefault();
        void release();
      }}
    >
      <label class="field">
        <span>Sender</span>
        <input
          type="text"
          value={from}
          placeholder="Empty for the null reverse-path"
          spellcheck={false}
          onInput={(event) => {
            setFrom(event.currentTarget.value);
          }}
        />
      </label>
      <label class="field">
        <span>Recipients, one a line</span>
        <textarea
          rows={Math.min(Math.max(recipients.length + 1, 3), 10)}
          value={to}
          spellcheck={false}
          onInput={(event) => {
            setTo(event.currentTarget.value);
          }}
        />
      </label>
      <button type="submit" class="button button-main" disabled={outcome === 'running' || recipients.length === 0}>
        <Icon name="release" />
        {outcome === 'running' ? 'Releasing…' : 'Release'}
      </button>
      <div role="status">{outcome === undefined || outcome === 'running' ? null : <Outcome outcome={outcome} />}</div>
    </form>
  );
}

function Outcome({ outcome }: { readonly outcome: { readonly reason: string } | ReleaseResult }) {
  if ('reason' in outcome) {
    return (
      <p class="msg-end">
        <Icon name="error" />
        <span>{outcome.reason}</span>
      </p>
    );
  }
  return (
    <>
      <ul class="msg-replies">
        {outcome.recipients.map(({ address, isAccepted, reply }) => (
          <li key={address}>
            <span class={isAccepted ? 'msg-result msg-result-good' : 'msg-result msg-result-bad'}>
              {isAccepted ? 'taken' : 'refused'}
            </span>
            <span class="msg-wrap">{address}</span>
            <code class="msg-wrap">{reply}</code>
          </li>
        ))}
      </ul>
      {outcome.reply === undefined ? (
        <p>No recipient was taken: the content was not sent.</p>
      ) : (
        <p>
          After the content: <code class="msg-wrap">{outcome.reply}</code>
        </p>
      )}
    </>
  );
}
