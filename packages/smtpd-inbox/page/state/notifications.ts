/** New mail told by the system, for those who asked for it; the page's title and its picture in the tab. */

import { effect } from '@preact/signals';

import type { Entry } from '../../src/api/model.js';
import icon from '../assets/icon.svg';
import unreadIcon from '../assets/icon-unread.svg';
import { senderOf, subjectOf } from '../list/entry-text.js';
import { announcement, tellFailure } from './notices.js';
import { hasNotifications } from './preferences.js';
import { openEntry } from './selection.js';
import { counts } from './server-facts.js';

/** Turns notifications on, if the reader and the browser allow it, or off. */
export async function toggleNotifications(): Promise<void> {
  if (hasNotifications.value) {
    hasNotifications.value = false;
    return;
  }
  // Beyond this machine a browser has none without TLS.
  const permission = 'Notification' in globalThis ? await Notification.requestPermission() : 'denied';
  hasNotifications.value = permission === 'granted';
  if (permission !== 'granted') tellFailure(new Error('The browser does not allow notifications for this page.'));
}

let waiting: Entry[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** Tells of new mail: what comes within a moment together. */
export function tellOfMail(entry: Entry): void {
  if (entry.kind !== 'message') return;
  waiting.push(entry);
  timer ??= setTimeout(() => {
    const entries = waiting;
    waiting = [];
    timer = undefined;
    tellTogether(entries);
  }, TOGETHER_MS);
}

function tellTogether(entries: readonly Entry[]): void {
  const [first] = entries;
  if (first === undefined) return;
  const title = entries.length === 1 ? senderOf(first) : `${String(entries.length)} new messages`;
  announcement.value = entries.length === 1 ? `New message from ${senderOf(first)}: ${subjectOf(first)}` : `${title}.`;
  const isWanted = hasNotifications.value && document.hidden && 'Notification' in globalThis;
  if (!isWanted || Notification.permission !== 'granted') return;
  const notification = new Notification(title, { body: subjectOf(first), tag: 'smtpd-inbox', icon });
  notification.onclick = () => {
    focus();
    openEntry(first.id);
    notification.close();
  };
}

/** Shows in the tab how much is unread. @returns how to stop */
export function followTitle(): () => void {
  return effect(() => {
    const unread = counts.value?.unread ?? 0;
    document.title = unread === 0 ? 'Inbox' : `(${unread.toLocaleString('en')}) Inbox`;
    const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
    const wanted = unread === 0 ? icon : unreadIcon;
    if (link !== null && link.href !== wanted) link.href = wanted;
  });
}

const TOGETHER_MS = 500;
