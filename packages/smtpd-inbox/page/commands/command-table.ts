/**
 * Everything that can be done by key: one table, which the keyboard, the palette, the tooltips and the list of keys read alike.
 */

import {
  exportAll,
  exportMessages,
  mark,
  remove,
  removeAll,
  selectedMessages,
  sendTestMail,
  undo,
} from '../state/actions.js';
import { showDialog } from '../state/dialogs.js';
import { isDrawerOpen, layout } from '../state/layout.js';
import { list, reload } from '../state/mailbox.js';
import { hasSessions, hasSidebar, theme, THEMES } from '../state/preferences.js';
import { closeMessage, narrow, route } from '../state/route.js';
import {
  clearSelection,
  cursorId,
  moveCursor,
  openEntry,
  selectAll,
  selectedIds,
  selectRange,
  targetIds,
  targets,
  toggleSelected,
} from '../state/selection.js';
import { plural } from '../list/entry-text.js';
import { toggleNotifications } from '../state/notifications.js';

/** Something that can be done. */
export interface Command {
  readonly title: string;
  readonly group: (typeof COMMAND_GROUPS)[number];
  /**
   * Keys that do it, each as the browser calls it: `j`, `J` (with shift), `ArrowDown`, `Shift+ArrowDown`, `Mod+k` (Ctrl, or Cmd on a Mac),
   * `g i` (one after the other).
   */
  readonly keys: readonly string[];
  /** Whether it would do something now. Default: always. */
  readonly isPossible?: () => boolean;
  readonly run: () => void;
}

export const COMMAND_GROUPS = ['Move', 'Messages', 'Select', 'List', 'Page'] as const;

const hasTargets = () => targetIds.value.length > 0;
const hasMessages = () => list.value.entries.length > 0;

export const COMMANDS = {
  next: { title: 'Next', group: 'Move', keys: ['j', 'ArrowDown'], run: () => moveCursor({ by: 1 }) },
  previous: { title: 'Previous', group: 'Move', keys: ['k', 'ArrowUp'], run: () => moveCursor({ by: -1 }) },
  pageDown: { title: 'Ten further', group: 'Move', keys: ['PageDown'], run: () => moveCursor({ by: 10 }) },
  pageUp: { title: 'Ten back', group: 'Move', keys: ['PageUp'], run: () => moveCursor({ by: -10 }) },
  first: { title: 'Newest', group: 'Move', keys: ['g g', 'Home'], run: () => moveCursor({ index: 0 }) },
  last: {
    title: 'Oldest that is loaded',
    group: 'Move',
    keys: ['G', 'End'],
    run: () => moveCursor({ index: Infinity }),
  },
  open: {
    title: 'Open',
    group: 'Move',
    keys: ['Enter', 'o'],
    isPossible: () => cursorId.value !== undefined,
    run: () => cursorId.value !== undefined && openEntry(cursorId.value),
  },
  close: { title: 'Close, or back', group: 'Move', keys: ['Escape'], run: goBack },

  toggleRead: { title: 'Mark read or unread', group: 'Messages', keys: ['r'], isPossible: hasTargets, run: toggleRead },
  remove: {
    title: 'Delete',
    group: 'Messages',
    keys: ['#', 'Delete'],
    isPossible: hasTargets,
    run: () => void remove(targetIds.value),
  },
  undo: {
    title: 'Undo deleting',
    group: 'Messages',
    keys: ['u', 'Mod+z'],
    isPossible: () => undo.value !== undefined,
    run: () => undo.value?.(),
  },
  tag: {
    title: 'Tag',
    group: 'Messages',
    keys: ['t'],
    isPossible: hasTargets,
    run: () => showDialog({ kind: 'tags', ids: targetIds.value }),
  },
  save: {
    title: 'Save as file',
    group: 'Messages',
    keys: ['s'],
    isPossible: () => targets.value.some(({ kind }) => kind === 'message'),
    run: () => void exportMessages(selectedIds.value.size > 0 ? selectedMessages() : targets.value),
  },

  select: {
    title: 'Select',
    group: 'Select',
    keys: ['x'],
    isPossible: () => cursorId.value !== undefined,
    run: () => cursorId.value !== undefined && toggleSelected(cursorId.value),
  },
  selectNext: {
    title: 'Select downwards',
    group: 'Select',
    keys: ['J', 'Shift+ArrowDown'],
    run: () => moveCursor({ by: 1 }, true),
  },
  selectPrevious: {
    title: 'Select upwards',
    group: 'Select',
    keys: ['K', 'Shift+ArrowUp'],
    run: () => moveCursor({ by: -1 }, true),
  },
  selectRange: {
    title: 'Select from the last one selected',
    group: 'Select',
    keys: ['X'],
    isPossible: () => cursorId.value !== undefined,
    run: () => cursorId.value !== undefined && selectRange(cursorId.value),
  },
  selectAll: {
    title: 'Select all that is loaded',
    group: 'Select',
    keys: ['Mod+a'],
    isPossible: hasMessages,
    run: selectAll,
  },

  search: { title: 'Search', group: 'List', keys: ['/'], run: focusSearch },
  goAll: { title: 'Go to all mail', group: 'List', keys: ['g i'], run: () => narrow({ query: '' }) },
  goUnread: {
    title: 'Go to unread mail',
    group: 'List',
    keys: ['g u'],
    run: () => narrow({ ...route.value, query: 'is:unread' }),
  },
  sessions: {
    title: 'Show or hide sessions without a message',
    group: 'List',
    keys: ['g s'],
    run: () => (hasSessions.value = !hasSessions.value),
  },
  reload: { title: 'Look again', group: 'List', keys: ['.'], run: () => void reload() },
  markAllRead: {
    title: 'Mark all that is loaded as read',
    group: 'List',
    keys: ['I'],
    isPossible: hasMessages,
    run: () =>
      void mark(
        list.value.entries.flatMap(({ id, isRead }) => (isRead ? [] : [id])),
        true,
      ),
  },
  removeAll: { title: 'Delete all', group: 'List', keys: [], isPossible: hasMessages, run: askToRemoveAll },
  exportMbox: {
    title: 'Export as mbox',
    group: 'List',
    keys: [],
    isPossible: hasMessages,
    run: () => exportAll('mbox', route.value),
  },
  exportZip: {
    title: 'Export as zip of .eml',
    group: 'List',
    keys: [],
    isPossible: hasMessages,
    run: () => exportAll('zip', route.value),
  },
  importFiles: { title: 'Import .eml, .mbox or .zip', group: 'List', keys: [], run: chooseFiles },

  palette: { title: 'All commands', group: 'Page', keys: ['Mod+k'], run: () => showDialog({ kind: 'palette' }) },
  keys: { title: 'Keys', group: 'Page', keys: ['?'], run: () => showDialog({ kind: 'keys' }) },
  connect: { title: 'Connect a program', group: 'Page', keys: ['g c'], run: () => showDialog({ kind: 'connect' }) },
  newInbox: { title: 'New inbox', group: 'Page', keys: ['n'], run: () => showDialog({ kind: 'newInbox' }) },
  faults: { title: 'Faults', group: 'Page', keys: ['g f'], run: () => showDialog({ kind: 'faults' }) },
  webhooks: { title: 'Webhooks', group: 'Page', keys: ['g w'], run: () => showDialog({ kind: 'webhooks' }) },
  settings: { title: 'Settings and server', group: 'Page', keys: ['g ,'], run: () => showDialog({ kind: 'settings' }) },
  sidebar: { title: 'Show or hide inboxes', group: 'Page', keys: ['b'], run: toggleSidebar },
  theme: { title: 'Change colours: system, light, dark', group: 'Page', keys: ['g t'], run: nextTheme },
  notifications: {
    title: 'Turn notifications on or off',
    group: 'Page',
    keys: [],
    run: () => void toggleNotifications(),
  },
  sendTestMail: { title: 'Send a test mail', group: 'Page', keys: [], run: () => void sendTestMail() },
} as const satisfies Readonly<Record<string, Command>>;

export type CommandName = keyof typeof COMMANDS;

/** The keys of a command as they are shown; absent for one without. */
export function keysOf(name: CommandName): string | undefined {
  const [first] = COMMANDS[name].keys;
  return first === undefined ? undefined : formatKeys(first);
}

/** Keys for people: `Mod+k` is `Ctrl K`, `J` is `Shift J`. */
export function formatKeys(keys: string): string {
  return keys
    .split(/[ +]/)
    .map((key) => KEY_NAMES[key] ?? (/^[A-Z]$/.test(key) ? `Shift ${key}` : key.toUpperCase()))
    .join(' ');
}

function focusSearch(): void {
  const box = document.getElementById('search');
  if (box instanceof HTMLInputElement) {
    box.focus();
    box.select();
  }
}

/** Puts the focus where the keys of the list are understood. */
export function focusList(): void {
  document.getElementById('mail-list')?.focus({ preventScroll: true });
}

/** One step back: what is selected, the message, the search. */
function goBack(): void {
  if (selectedIds.value.size > 0) clearSelection();
  else if (route.value.messageId !== undefined) {
    closeMessage();
    focusList();
  } else if (route.value.query !== '') narrow({ inbox: route.value.inbox, query: '' });
}

function toggleRead(): void {
  const isAnyUnread = targets.value.some(({ isRead }) => !isRead);
  void mark(targetIds.value, isAnyUnread);
}

function askToRemoveAll(): void {
  const { query, inbox } = route.value;
  const { entries, older } = list.value;
  const count =
    older === undefined ? plural(entries.length, 'message') : `more than ${plural(entries.length, 'message')}`;
  const where =
    query !== '' ? ' that the search finds' : inbox === undefined ? '' : ` in ${inbox === '' ? 'no inbox' : inbox}`;
  showDialog({
    kind: 'confirm',
    question: {
      title: query === '' ? 'Delete all mail?' : 'Delete what was found?',
      text: `This deletes ${count}${where}. It can be undone for ten seconds.`,
      yes: 'Delete all',
      run: () => void removeAll({ query, inbox }),
    },
  });
}

function chooseFiles(): void {
  document.getElementById('import-files')?.click();
}

function toggleSidebar(): void {
  if (layout.value === 'three') hasSidebar.value = !hasSidebar.value;
  else isDrawerOpen.value = !isDrawerOpen.value;
}

function nextTheme(): void {
  theme.value = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? 'system';
}

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const KEY_NAMES: Readonly<Record<string, string>> = {
  Mod: isMac ? '⌘' : 'Ctrl',
  ArrowDown: '↓',
  ArrowUp: '↑',
  PageDown: 'Page down',
  PageUp: 'Page up',
  Escape: 'Esc',
  Enter: 'Enter',
  Delete: 'Del',
  Home: 'Home',
  End: 'End',
  Shift: 'Shift',
};
