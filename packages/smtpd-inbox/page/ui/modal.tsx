/** A dialog in front of the page. The browser keeps the focus in it, gives it back, and closes it on Escape. */

import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

import { Button } from './button.js';

interface ModalProps {
  readonly title: string;
  readonly size?: 'small' | 'medium' | 'large';
  /** Whether it has no title bar; its title is said all the same. */
  readonly isBare?: boolean;
  readonly children: ComponentChildren;
  readonly onClose: () => void;
}

export function Modal({ title, size = 'medium', isBare = false, children, onClose }: ModalProps) {
  const reference = useRef<HTMLDialogElement>(null);
  // A dialog that made room for another one says afterwards that it was closed.
  const isGone = useRef(false);
  const titleId = useId();
  useLayoutEffect(() => {
    const element = reference.current;
    element?.showModal();
    return () => {
      isGone.current = true;
      element?.close();
    };
  }, []);
  const closeOutside = (event: MouseEvent) => {
    // The backdrop is the dialog itself; everything else lies in what fills it.
    if (event.target === reference.current) onClose();
  };
  return (
    <dialog
      ref={reference}
      class={`modal modal-${size}`}
      aria-labelledby={isBare ? undefined : titleId}
      aria-label={isBare ? title : undefined}
      onCancel={(event) => {
        // That it was closed is said a moment later: what is pressed in between is meant for the page. A file chooser says this, too.
        if (event.target === reference.current) onClose();
      }}
      onClose={() => {
        if (!isGone.current) onClose();
      }}
      onMouseDown={closeOutside}
    >
      <div class="modal-content">
        {isBare ? null : (
          <header class="modal-head">
            <h2 id={titleId}>{title}</h2>
            <Button label="Close" icon="close" look="icon" keys="Esc" onPress={onClose} />
          </header>
        )}
        {children}
      </div>
    </dialog>
  );
}
