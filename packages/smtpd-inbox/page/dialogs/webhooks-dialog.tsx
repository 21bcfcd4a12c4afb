/** Webhooks: addresses that are called when mail comes. */

import { createWebhook, listWebhooks, removeWebhook } from '../api.js';
import { Button } from '../ui/button.js';
import { Failure } from '../ui/failure.js';
import { Modal } from '../ui/modal.js';
import { RecordForm, type Filled } from './record-form.js';
import { useLive } from './use-live.js';

export function WebhooksDialog({ onClose }: { readonly onClose: () => void }) {
  const { value: webhooks, fault, refusal, change } = useLive(listWebhooks);
  const add = (filled: Filled) => {
    const [query, secret] = [filled('query'), filled('secret')];
    const webhook = {
      url: filled('url') ?? '',
      ...(query === undefined ? {} : { query }),
      ...(secret === undefined ? {} : { secret }),
    };
    return change(() => createWebhook(webhook));
  };
  return (
    <Modal title="Webhooks" size="large" onClose={onClose}>
      <p class="modal-intro">Each address is sent a POST when a message comes, and again for a while when it fails.</p>
      <Failure text={fault} />
      {webhooks?.length === 0 ? <p class="nothing">No webhooks.</p> : null}
      <ul class="records" aria-label="Webhooks">
        {webhooks?.map(({ id, url, query, hasSecret, delivered, failed, pending, lastError }) => (
          <li key={id} class="record">
            <span class="record-text">
              <code>{url}</code>
              {query === undefined ? null : <span> for {query}</span>}
              {hasSecret ? <span>, signed</span> : null}
              {lastError === undefined ? null : <span class="record-error">{lastError}</span>}
            </span>
            <span class="record-count">
              {delivered.toLocaleString('en')} delivered, {failed.toLocaleString('en')} failed,{' '}
              {pending.toLocaleString('en')} pending
            </span>
            <Button
              label={`Remove the webhook ${url}`}
              icon="trash"
              look="icon"
              onPress={() => void change(() => removeWebhook(id))}
            />
          </li>
        ))}
      </ul>
      <RecordForm title="New webhook" submit="Add the webhook" refusal={refusal} onAdd={add}>
        <label class="field field-wide">
          <span>Address</span>
          <input name="url" type="url" required placeholder="http://127.0.0.1:3000/mail" autocomplete="off" />
        </label>
        <label class="field field-wide">
          <span>Only for mail that this search finds</span>
          <input name="query" type="text" placeholder="to:ann has:attachment" autocomplete="off" />
        </label>
        <label class="field field-wide">
          <span>Secret for the signature</span>
          <input name="secret" type="password" autocomplete="off" />
        </label>
      </RecordForm>
    </Modal>
  );
}
