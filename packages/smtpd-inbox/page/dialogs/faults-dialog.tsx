/** Faults: what the server does wrong on purpose, so that a program meets it before the world does it. */

import { useState } from 'preact/hooks';

import type { Fault, FaultStage, NewFault } from '../../src/api/model.js';
import { createFault, listFaults, removeFault } from '../api.js';
import { plural } from '../list/entry-text.js';
import { inboxes } from '../state/server-facts.js';
import { Button } from '../ui/button.js';
import { Failure } from '../ui/failure.js';
import { Modal } from '../ui/modal.js';
import { describeFault } from './fault-text.js';
import { RecordForm, type Filled } from './record-form.js';
import { useLive } from './use-live.js';

export function FaultsDialog({ onClose }: { readonly onClose: () => void }) {
  const { value: faults, fault: problem, refusal, change } = useLive(listFaults);
  return (
    <Modal title="Faults" size="large" onClose={onClose}>
      <p class="modal-intro">
        The server answers as said here, once, a number of times or always, so that a program meets it before the world
        does it.
      </p>
      <Failure text={problem} />
      {faults === undefined ? null : (
        <FaultList faults={faults} onRemove={(id) => void change(() => removeFault(id))} />
      )}
      <FaultForm refusal={refusal} onAdd={(fault) => change(() => createFault(fault))} />
    </Modal>
  );
}

function FaultList({
  faults,
  onRemove,
}: {
  readonly faults: readonly Fault[];
  readonly onRemove: (id: string) => void;
}) {
  if (faults.length === 0) return <p class="nothing">No faults: every mail is taken.</p>;
  return (
    <ul class="records" aria-label="Faults">
      {faults.map((fault) => (
        <li key={fault.id} class="record">
          <code class="record-kind">{fault.stage.toUpperCase()}</code>
          <span class="record-text">{describeFault(fault)}</span>
          <span class="record-count">{plural(fault.hits, 'hit')}</span>
          <Button label="Remove the fault" icon="trash" look="icon" onPress={() => onRemove(fault.id)} />
        </li>
      ))}
    </ul>
  );
}

interface FaultFormProps {
  readonly refusal: string | undefined;
  /** @returns whether it was added */
  readonly onAdd: (fault: NewFault) => Promise<boolean>;
}

function FaultForm({ refusal, onAdd }: FaultFormProps) {
  const [stage, setStage] = useState<FaultStage>(FIRST_STAGE);
  const add = async (filled: Filled) => {
    const isAdded = await onAdd(faultOf(filled));
    if (isAdded) setStage(FIRST_STAGE);
    return isAdded;
  };
  return (
    <RecordForm title="New fault" submit="Add the fault" refusal={refusal} onAdd={add}>
      <label class="field">
        <span>At</span>
        <select name="stage" value={stage} onChange={(event) => setStage(event.currentTarget.value as FaultStage)}>
          {STAGES.map(([value, text]) => (
            <option
              key={value}
              value={value}
              // What an emptied form shows.
              ref={(option) => void option?.toggleAttribute('selected', value === FIRST_STAGE)}
            >
              {text}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        <span>Reply code</span>
        <input name="code" type="number" min="400" max="559" placeholder="None" list="fault-codes" />
      </label>
      <label class="field field-wide">
        <span>Reply text</span>
        <input name="text" type="text" placeholder="4.2.2 Mailbox full" autocomplete="off" />
      </label>
      <label class="field">
        <span>Connection</span>
        <select name="disconnect">
          <option value="">Stays</option>
          <option value="insteadOfReply">Cut instead of the reply</option>
          <option value="afterReply">Cut after the reply</option>
          <option value="inContent">Cut in the middle of the content</option>
          <option value="afterTaking">Cut once the message is kept</option>
        </select>
      </label>
      <label class="field">
        <span>Delay (ms)</span>
        <input name="delayMs" type="number" min="0" max="600000" placeholder="0" />
      </label>
      <label class="field" hidden={stage !== 'data'}>
        <span>Content at most (B/s)</span>
        <input
          name="throttleBytesPerSecond"
          type="number"
          min="1"
          placeholder="As it comes"
          disabled={stage !== 'data'}
        />
      </label>
      <label class="field">
        <span>Times</span>
        <input name="times" type="number" min="1" placeholder="Always" />
      </label>
      <label class="field">
        <span>Of a hundred</span>
        <input name="percent" type="number" min="0.01" max="100" step="any" placeholder="100" />
      </label>
      <label class="field">
        <span>Only to (part of an address)</span>
        <input name="to" type="text" autocomplete="off" />
      </label>
      <label class="field">
        <span>Only from</span>
        <input name="from" type="text" autocomplete="off" />
      </label>
      <label class="field">
        <span>Only in the inbox</span>
        <select name="inbox">
          <option value="">Any</option>
          {inboxes.value.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <datalist id="fault-codes">
        {[421, 450, 451, 452, 535, 550, 552, 554].map((code) => (
          <option key={code} value={code} />
        ))}
      </datalist>
    </RecordForm>
  );
}

function faultOf(filled: Filled): NewFault {
  const figure = (name: string) => {
    const value = filled(name);
    return value === undefined ? undefined : Number(value);
  };
  const percent = figure('percent');
  const fault = {
    stage: filled('stage') ?? FIRST_STAGE,
    code: figure('code'),
    text: filled('text'),
    disconnect: filled('disconnect'),
    delayMs: figure('delayMs'),
    throttleBytesPerSecond: figure('throttleBytesPerSecond'),
    times: figure('times'),
    probability: percent === undefined ? undefined : percent / 100,
    to: filled('to'),
    from: filled('from'),
    inbox: filled('inbox'),
  };
  // What nobody filled in is left out; the form offers only what the server knows.
  return Object.fromEntries(Object.entries(fault).filter(([, value]) => value !== undefined)) as NewFault;
}

const FIRST_STAGE = 'rcpt';
const STAGES: readonly (readonly [FaultStage, string])[] = [
  ['connect', 'The greeting'],
  ['helo', 'EHLO or HELO'],
  ['starttls', 'STARTTLS'],
  ['auth', 'AUTH'],
  ['mail', 'MAIL FROM'],
  ['rcpt', 'RCPT TO'],
  ['data', 'DATA'],
  ['message', 'The end of the content'],
];
