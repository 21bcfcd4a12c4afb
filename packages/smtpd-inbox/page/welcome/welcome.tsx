/** What stands in place of the list as long as there is no mail at all. */

import { sendTestMail } from '../state/actions.js';
import { showDialog } from '../state/dialogs.js';
import { info } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Connect } from './connect.js';

export function Welcome() {
  return (
    <section class="welcome" aria-labelledby="welcome-title" tabIndex={0}>
      <div class="welcome-content">
        <h2 id="welcome-title">No mail yet</h2>
        <p>
          Whatever a program sends to this server is kept and shown here, and goes no further. Mail appears by itself;
          nothing has to be reloaded.
        </p>
        {info.value === undefined ? null : <Connect info={info.value} />}
        <p class="welcome-actions">
          <Button label="Send a test mail" icon="send" look="main" onPress={() => void sendTestMail()} />
          <Button label="New inbox" icon="plus" onPress={() => showDialog({ kind: 'newInbox' })} />
        </p>
      </div>
    </section>
  );
}
