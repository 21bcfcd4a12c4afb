/** Asks before something is done that is more than one press should do. */

import type { Question } from '../state/dialogs.js';
import { Button } from '../ui/button.js';
import { Modal } from '../ui/modal.js';

export function ConfirmDialog({ question, onClose }: { readonly question: Question; readonly onClose: () => void }) {
  const { title, text, yes, run } = question;
  return (
    <Modal title={title} size="small" onClose={onClose}>
      <p>{text}</p>
      <div class="modal-foot">
        <Button label="Cancel" onPress={onClose} />
        <Button
          label={yes}
          look="danger"
          onPress={() => {
            onClose();
            run();
          }}
        />
      </div>
    </Modal>
  );
}
