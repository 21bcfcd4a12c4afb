/** How to make a program send its mail here, at any time. */

import { sendTestMail } from '../state/actions.js';
import { info } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Modal } from '../ui/modal.js';
import { Connect } from '../welcome/connect.js';

export function ConnectDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Modal title="Connect a program" size="large" onClose={onClose}>
      {info.value === undefined ? <p>The server does not answer.</p> : <Connect info={info.value} />}
      <div class="modal-foot">
        <Button
          label="Send a test mail"
          icon="send"
          onPress={() => {
            void sendTestMail();
            onClose();
          }}
        />
      </div>
    </Modal>
  );
}
