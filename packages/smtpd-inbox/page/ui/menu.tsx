/** A button that opens a menu: a native popover, placed below it, with arrow keys. */

import { useId, useRef } from 'preact/hooks';

import { Icon, type IconName } from './icon.js';

/** What a menu offers. */
export type MenuItem =
  | {
      readonly label: string;
      readonly icon?: IconName;
      readonly keys?: string | undefined;
      /** Only of an item that is on or off. */
      readonly isChecked?: boolean;
      readonly isDisabled?: boolean;
      readonly run: () => void;
    }
  | 'line';

interface MenuProps {
  readonly label: string;
  readonly icon: IconName;
  readonly items: readonly MenuItem[];
}

export function Menu({ label, icon, items }: MenuProps) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const popover = useRef<HTMLDivElement>(null);

  const place = (event: { readonly newState: string }) => {
    const element = popover.current;
    const anchor = button.current?.getBoundingClientRect();
    if (event.newState !== 'open' || element === null || anchor === undefined) return;
    const { offsetWidth, offsetHeight } = element;
    const left = Math.max(EDGE_PX, Math.min(anchor.left, innerWidth - offsetWidth - EDGE_PX));
    const below = anchor.bottom + GAP_PX;
    const top = below + offsetHeight > innerHeight ? Math.max(EDGE_PX, anchor.top - offsetHeight - GAP_PX) : below;
    element.style.left = `${String(left)}px`;
    element.style.top = `${String(top)}px`;
    itemsOf(element)[0]?.focus();
  };
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const all = popover.current === null ? [] : itemsOf(popover.current);
    if (step !== undefined) {
      const at = all.findIndex((each) => each === document.activeElement);
      all.at((at + step) % all.length)?.focus();
    } else if (event.key === 'Home') all[0]?.focus();
    else if (event.key === 'End') all.at(-1)?.focus();
    else if (event.key === 'Tab') popover.current?.hidePopover();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      <button
        ref={button}
        type="button"
        class="button button-icon"
        title={label}
        aria-label={label}
        aria-haspopup="menu"
        popovertarget={id}
      >
        <Icon name={icon} />
      </button>
      <div
        ref={popover}
        id={id}
        popover="auto"
        role="menu"
        aria-label={label}
        class="menu"
        onToggle={place}
        onKeyDown={move}
      >
        {items.map((item, index) =>
          item === 'line' ? (
            <div key={index} role="separator" class="menu-line" />
          ) : (
            <button
              key={index}
              type="button"
              role={item.isChecked === undefined ? 'menuitem' : 'menuitemcheckbox'}
              aria-checked={item.isChecked}
              class="menu-item"
              disabled={item.isDisabled ?? false}
              onClick={() => {
                popover.current?.hidePopover();
                item.run();
              }}
            >
              <span class="menu-icon">
                {item.isChecked === true ? <Icon name="check" /> : item.icon ? <Icon name={item.icon} /> : null}
              </span>
              <span class="menu-label">{item.label}</span>
              {item.keys === undefined ? null : <kbd>{item.keys}</kbd>}
            </button>
          ),
        )}
      </div>
    </>
  );
}

function itemsOf(element: HTMLElement): HTMLElement[] {
  return [...element.querySelectorAll<HTMLElement>('.menu-item:not(:disabled)')];
}

const EDGE_PX = 8;
const GAP_PX = 4;
