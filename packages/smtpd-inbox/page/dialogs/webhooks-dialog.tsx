/** Webhooks: addresses that are called when mail comes. */

import { useState } from 'preact/hooks';

import { createWebhook, listWebhooks, removeWebhook } from '../api.js';
import { Button } from '../ui/button.js';
import { Modal } from '../ui/modal.js';
import { useLive } from './use-live.js';

export function WebhooksDialog({ onClose }: { readonly onClose: () => void }) {
  const { value: webhooks, fault, refresh } = useLive(listWebhooks);
  const [refusal, setRefusal] = useState<string>();
  const attempt = async (act: () => Promise<unknown>) => {
    try {
      await act();
      setRefusal(undefined);
      await refresh();
      return true;
    } catch (error) {
      setRefusal(error instanceof Error ? error.message : String(error));
      return false;
    }
  };
  const add = async (form: HTMLFormElement) => {
    const fields = new FormData(form);
    const text = (name: string) => {
      const value = fields.get(name);
      return typeof value === 'string' ? value.trim() : '';
    };
    const webhook = {
      url: text('url'),
      ...(text('query') === '' ? {} : { query: text('query') }),
      ...(text('secret') === '' ? {} : { secret: text('secret') }),
    };
    if (await attempt(() => createWebhook(webhook))) form.reset();
  };
  return (
    <Modal title="Webhooks" size="large" onClose={onClose}>
      <p class="modal-intro">Each address is sent a POST when a message comes, and again for a while when it fails.</p>
      {fault === undefined ? null : (
        <p class="fault-text" role="alert">
          {fault}
        </p>
      )}
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
              onPress={() => void attempt(() => removeWebhook(id))}
            />
          </li>
        ))}
      </ul>
      <form
        class="panel-form"
        aria-label="New webhook"
        onSubmit={(event) => {
          event.preventDefault();
          void add(event.currentTarget);
        }}
      >
        <h3>New webhook</h3>
        <div class="fields">
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
        </div>
        {refusal === undefined ? null : (
          <p class="fault-text" role="alert">
            {refusal}
          </p>
        )}
        <div class="modal-foot">
          <button type="submit" class="button button-main">
            <span>Add the webhook</span>
          </button>
        </div>
      </form>
    </Modal>
  );
}
