/** What the reader can do with mail. What is certain to happen is shown at once; what failed is told, and the list is asked for again. */

import { signal } from '@preact/signals';

import type { Deletion, Entry } from '../../src/api/model.js';
import {
  address,
  deleteAll,
  deleteMessages,
  getOctets,
  importFile,
  markMessages,
  reasonOf,
  removeInbox,
  restoreDeletion,
  sendMail,
  tagMessages,
  type Selection,
} from '../api.js';
import { expectChange, list, reload, showChanged, showRemoved } from './mailbox.js';
import { mailboxFile } from './mailbox-file.js';
import { tell, tellFailure } from './notices.js';
import { closeMessage, narrow, route } from './route.js';
import { clearSelection, cursorId, openEntry, selectedIds } from './selection.js';
import { countsMayHaveChanged, loadInboxes } from './server-facts.js';

/** How the last deletion is undone; absent when there is none, or it was. */
export const undo = signal<(() => void) | undefined>(undefined);

/** Does something with the server, and looks again when it failed. */
async function attempt(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    tellFailure(error);
    await reload();
  }
}

/** Marks messages as read, or as unread. */
export async function mark(ids: readonly string[], isRead: boolean): Promise<void> {
  if (ids.length === 0) return;
  await attempt(async () => {
    showChanged(ids, (entry) => ({ ...entry, isRead }));
    for (const some of portions(ids)) {
      expectChange(some);
      await markMessages(some, isRead);
    }
    countsMayHaveChanged();
  });
}

/** Adds tags to messages, and takes others away. */
export async function tag(
  ids: readonly string[],
  { add = [], remove = [] }: { readonly add?: readonly string[]; readonly remove?: readonly string[] },
): Promise<void> {
  const change = (entry: Entry): Entry => ({
    ...entry,
    tags: [...new Set([...entry.tags, ...add])].filter((each) => !remove.includes(each)).sort(),
  });
  await attempt(async () => {
    showChanged(ids, change);
    for (const some of portions(ids)) await tagMessages(some, { add: [...add], remove: [...remove] });
  });
}

/** Deletes messages; ten seconds long one press brings them back. Where one of them was open, the next one is. */
export async function remove(ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const next = neighbourOf(ids);
  const isOpenGone = route.value.messageId !== undefined && ids.includes(route.value.messageId);
  showRemoved(ids);
  clearSelection();
  cursorId.value = next;
  if (isOpenGone && next === undefined) closeMessage();
  else if (isOpenGone && next !== undefined) openEntry(next);
  await offerUndo(deleteInPortions(ids), ids.length);
}

async function deleteInPortions(ids: readonly string[]): Promise<readonly Deletion[]> {
  const deletions: Deletion[] = [];
  for (const some of portions(ids)) deletions.push(await deleteMessages(some));
  return deletions;
}

/** Deletes everything that is listed, and what was not loaded of it. */
export async function removeAll(selection: Selection): Promise<void> {
  await attempt(async () => {
    const deletion = await deleteAll(selection);
    clearSelection();
    closeMessage();
    await reload();
    await offerUndo(Promise.resolve([deletion]), deletion.ids.length);
  });
}

/** Offers to undo a deletion at once, also before the server has answered: whoever changes their mind does so early. */
async function offerUndo(deleting: Promise<readonly Deletion[]>, count: number): Promise<void> {
  if (count === 0) return;
  const run = () => {
    withdraw();
    void attempt(async () => {
      for (const { id } of await deleting) await restoreDeletion(id);
      await reload();
      countsMayHaveChanged();
    });
  };
  const text = count === 1 ? 'Deleted 1 message.' : `Deleted ${count.toLocaleString('en')} messages.`;
  const dismiss = tell({ kind: 'done', text, action: { label: 'Undo', run } });
  const withdraw = () => {
    if (undo.value === run) undo.value = undefined;
    dismiss();
  };
  undo.value = run;
  try {
    await deleting;
  } catch (error) {
    withdraw();
    tellFailure(error);
    await reload();
  }
  countsMayHaveChanged();
}

/** What stands below the first of them, or above when nothing does. */
function neighbourOf(ids: readonly string[]): string | undefined {
  const { entries } = list.value;
  const gone = new Set(ids);
  const first = entries.findIndex(({ id }) => gone.has(id));
  if (first < 0) return undefined;
  return (entries.slice(first).find(({ id }) => !gone.has(id)) ?? entries[first - 1])?.id;
}

/** Takes an inbox away, with its mail. */
export async function dropInbox(name: string): Promise<void> {
  await attempt(async () => {
    await removeInbox(name);
    if (route.value.inbox === name) narrow({ query: route.value.query });
    await loadInboxes();
    countsMayHaveChanged();
    tell({ kind: 'done', text: `The inbox ${name} is gone.` });
  });
}

/** Puts a mail into the inbox that says what can be seen. */
export async function sendTestMail(): Promise<void> {
  await attempt(async () => {
    await sendMail({
      from: 'Inbox <inbox@smtpd.test>',
      to: ['You <you@smtpd.test>'],
      subject: 'It works',
      text: TEST_TEXT,
      html: TEST_HTML,
    });
  });
}

/** Brings mail in from files. */
export async function importFiles(files: Iterable<File>): Promise<void> {
  let taken = 0;
  for (const file of files) {
    const contentType = contentTypeOf(file.name);
    if (contentType === undefined) {
      tellFailure(new Error(`${file.name}: only .eml, .mbox and .zip can be imported.`));
      continue;
    }
    try {
      await importFile(file, contentType);
      taken++;
    } catch (error) {
      tellFailure(new Error(`${file.name}: ${reasonOf(error)}`));
    }
  }
  if (taken > 0) tell({ kind: 'done', text: taken === 1 ? 'Imported 1 file.' : `Imported ${String(taken)} files.` });
}

function contentTypeOf(fileName: string): string | undefined {
  return IMPORTED[fileName.slice(fileName.lastIndexOf('.') + 1).toLowerCase()];
}

/** Saves what is listed as one file. */
export function exportAll(format: 'mbox' | 'zip', { query, inbox }: Selection): void {
  save(address('export', { format, q: query || undefined, inbox }), '');
}

/** Saves messages: one as .eml, several as one .mbox. */
export async function exportMessages(entries: readonly Entry[]): Promise<void> {
  try {
    const messages = [];
    for (const { id, receivedAt, envelope } of entries) {
      const raw = await getOctets(`messages/${encodeURIComponent(id)}/raw`);
      messages.push({ raw, receivedAt, mailFrom: envelope.mailFrom });
    }
    const [only] = messages;
    const isOne = messages.length === 1 && only !== undefined;
    const file = new Blob(isOne ? [only.raw] : mailboxFile(messages), {
      type: isOne ? 'message/rfc822' : 'application/mbox',
    });
    const url = URL.createObjectURL(file);
    save(url, isOne ? `${entries[0]?.id ?? 'message'}.eml` : 'messages.mbox');
    // The browser has begun to save it by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    tellFailure(error);
  }
}

function save(url: string, fileName: string): void {
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
}

/** Opens a message as read: somebody looks at it. */
export function markOpened(entry: Entry): void {
  if (!entry.isRead && entry.kind === 'message') void mark([entry.id], true);
}

/** Whether something is selected that can be saved: a session has no octets. */
export function selectedMessages(): readonly Entry[] {
  return list.value.entries.filter(({ id, kind }) => kind === 'message' && selectedIds.value.has(id));
}

/** As many as the server takes at once. */
function* portions(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += PORTION) yield ids.slice(at, at + PORTION);
}

const PORTION = 1000;
const IMPORTED: Readonly<Record<string, string>> = {
  eml: 'message/rfc822',
  mbox: 'application/mbox',
  zip: 'application/zip',
};
const TEST_TEXT = `This mail was made by the inbox itself.

What your program sends to the SMTP port comes in here in the same way: whoever it is for, nobody else gets it.
`;
const TEST_HTML = `<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><title>It works</title></head>
  <body style="font-family: sans-serif; line-height: 1.5; max-width: 40em">
    <h1 style="font-size: 1.3em">It works</h1>
    <p>This mail was made by the inbox itself.</p>
    <p>What your program sends to the SMTP port comes in here in the same way: whoever it is for, nobody else gets it.</p>
  </body>
</html>
`;
