/** What the reader chose, kept in this browser. Each is a signal; setting it keeps it. */

import { effect, signal, type Signal } from '@preact/signals';

/** Where a choice is kept that is made of one of several words. */
function kept<Value>(name: string, initial: Value, isValid: (value: unknown) => value is Value): Signal<Value> {
  const key = `smtpd-inbox.${name}`;
  const preference = signal(readKept(key, initial, isValid));
  let isFirst = true;
  effect(() => {
    const text = JSON.stringify(preference.value);
    if (!isFirst) writeKept(key, text);
    isFirst = false;
  });
  return preference;
}

/** `system` follows what the system says. */
export type Theme = (typeof THEMES)[number];
export const THEMES = ['system', 'light', 'dark'] as const;

export const theme = kept<Theme>('theme', 'system', (value): value is Theme => THEMES.some((each) => each === value));
/** Whether sessions that ended in no message are listed. */
export const hasSessions = kept('sessions', false, isBoolean);
/** Whether new mail is told by the system. */
export const hasNotifications = kept('notifications', false, isBoolean);
/** Whether the inboxes stand beside the list, where there is room. */
export const hasSidebar = kept('sidebar', true, isBoolean);
/** Whether the details stand beside a message, where there is room. */
export const hasDetail = kept('detail', true, isBoolean);
/** In pixels. */
export const listWidth = kept('list-width', 420, isWidth);
/** In pixels. */
export const sidebarWidth = kept('sidebar-width', 200, isWidth);

/** Shows the page in the colours that were chosen. */
export function followTheme(): () => void {
  return effect(() => {
    const { dataset } = document.documentElement;
    if (theme.value === 'system') delete dataset['theme'];
    else dataset['theme'] = theme.value;
  });
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isWidth(value: unknown): value is number {
  return typeof value === 'number' && value >= 120 && value <= 4000;
}

// A browser may forbid to keep anything: the choice holds until the page is closed, then.
function readKept<Value>(key: string, initial: Value, isValid: (value: unknown) => value is Value): Value {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return isValid(value) ? value : initial;
  } catch {
    return initial;
  }
}

function writeKept(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // See above.
  }
}
