/** How much room there is: one pane, two, or three. */

import { signal } from '@preact/signals';

export type Layout = 'one' | 'two' | 'three';

export const layout = signal<Layout>('three');
/** Whether the inboxes are shown in front of the list, where there is no room beside it. */
export const isDrawerOpen = signal(false);

/** Follows the window. @returns how to stop */
export function followLayout(): () => void {
  const two = matchMedia('(min-width: 640px)');
  const three = matchMedia('(min-width: 1100px)');
  const read = () => {
    layout.value = three.matches ? 'three' : two.matches ? 'two' : 'one';
    isDrawerOpen.value = false;
  };
  read();
  two.addEventListener('change', read);
  three.addEventListener('change', read);
  return () => {
    two.removeEventListener('change', read);
    three.removeEventListener('change', read);
  };
}
