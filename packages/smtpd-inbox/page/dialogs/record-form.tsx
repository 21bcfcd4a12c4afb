/** The form that adds to a list of the server's: empty again once it was added. */

import type { ComponentChildren } from 'preact';

import { Failure } from '../ui/failure.js';

/** What was filled in, by the name of its field; `undefined` for nothing. */
export type Filled = (name: string) => string | undefined;

interface RecordFormProps {
  readonly title: string;
  /** What its button says. */
  readonly submit: string;
  /** Why the server did not take it. */
  readonly refusal: string | undefined;
  /** @returns whether it was added */
  readonly onAdd: (filled: Filled) => Promise<boolean>;
  readonly children: ComponentChildren;
}

export function RecordForm({ title, submit, refusal, onAdd, children }: RecordFormProps) {
  const add = async (form: HTMLFormElement) => {
    if (await onAdd(filledIn(new FormData(form)))) form.reset();
  };
  return (
    <form
      class="panel-form"
      aria-label={title}
      onSubmit={(event) => {
        event.preventDefault();
        void add(event.currentTarget);
      }}
    >
      <h3>{title}</h3>
      <div class="fields">{children}</div>
      <Failure text={refusal} />
      <div class="modal-foot">
        <button type="submit" class="button button-main">
          <span>{submit}</span>
        </button>
      </div>
    </form>
  );
}

function filledIn(form: FormData): Filled {
  return (name) => {
    const value = form.get(name);
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined;
  };
}
