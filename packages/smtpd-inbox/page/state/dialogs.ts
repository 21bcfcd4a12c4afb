/** Which dialog is open: one at most. */

import { signal } from '@preact/signals';

/** A dialog, and what it is about. */
export type Dialog =
  | { readonly kind: 'keys' }
  | { readonly kind: 'palette' }
  | { readonly kind: 'settings' }
  | { readonly kind: 'faults' }
  | { readonly kind: 'webhooks' }
  | { readonly kind: 'connect' }
  | { readonly kind: 'newInbox' }
  | { readonly kind: 'inbox'; readonly name: string }
  | { readonly kind: 'tags'; readonly ids: readonly string[] }
  | { readonly kind: 'confirm'; readonly question: Question };

/** What is asked before something is done that is more than one press should do. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly run: () => void;
}

export const dialog = signal<Dialog | undefined>(undefined);

export function showDialog(next: Dialog): void {
  dialog.value = next;
}

export function closeDialog(): void {
  dialog.value = undefined;
}
