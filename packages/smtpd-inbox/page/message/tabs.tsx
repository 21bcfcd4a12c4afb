/** Tabs by the WAI-ARIA pattern: one of them is in the way of the Tab key, the arrows go from one to the next and open it. */

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

/** A tab. */
export interface Tab<Name extends string> {
  readonly name: Name;
  readonly text: string;
  /** How many there are of what it shows. */
  readonly count?: number;
  /** There is nothing to show in it. */
  readonly isEmpty?: boolean;
}

interface TabsProps<Name extends string> {
  readonly label: string;
  readonly tabs: readonly Tab<Name>[];
  readonly chosen: Name;
  readonly onChoose: (name: Name) => void;
  readonly children: ComponentChildren;
}

export function Tabs<Name extends string>({ label, tabs, chosen, onChoose, children }: TabsProps<Name>) {
  const list = useRef<HTMLDivElement>(null);
  const at = tabs.findIndex(({ name }) => name === chosen);
  const choose = (index: number): void => {
    const tab = tabs[(index + tabs.length) % tabs.length];
    if (tab !== undefined) onChoose(tab.name);
  };

  const [hasMore, setMore] = useState(false);
  const lookRight = (): void => {
    const element = list.current;
    if (element !== null) setMore(element.scrollLeft + element.clientWidth < element.scrollWidth - 1);
  };
  /** Brings the chosen tab into sight, sideways only: the page stays where it is. */
  const showChosen = (): void => {
    const element = list.current;
    const tab = element?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (!element || !tab) return;
    const { offsetLeft, offsetWidth } = tab;
    const { clientWidth, scrollLeft } = element;
    if (offsetLeft < scrollLeft || offsetLeft + offsetWidth > scrollLeft + clientWidth) {
      element.scrollLeft = offsetLeft - (clientWidth - offsetWidth) / 2;
    }
    lookRight();
  };
  useEffect(() => {
    if (list.current === null) return;
    const observer = new ResizeObserver(showChosen);
    observer.observe(list.current);
    return () => {
      observer.disconnect();
    };
  }, []);
  useEffect(showChosen, [chosen]);

  /** What a key means depends on the tab that is open by then, not on the one of when we began to listen. */
  const pressed = useRef<(key: string) => boolean>(() => false);
  pressed.current = (key) => {
    const digit = '1234567890'.indexOf(key);
    if (key === '[') choose(at - 1);
    else if (key === ']') choose(at + 1);
    else if (key.length === 1 && digit >= 0 && digit < tabs.length) choose(digit);
    else return false;
    return true;
  };
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || isTyping(event.target)) return;
      if (pressed.current(event.key)) event.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => {
      document.removeEventListener('keydown', press);
    };
  }, []);

  const pressTab = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    choose(to);
    const index = (to + tabs.length) % tabs.length;
    list.current?.querySelectorAll<HTMLElement>('[role="tab"]')[index]?.focus();
  };

  return (
    <>
      <div
        class={hasMore ? 'msg-tabs msg-tabs-more' : 'msg-tabs'}
        role="tablist"
        aria-label={label}
        ref={list}
        onKeyDown={pressTab}
        onScroll={lookRight}
      >
        {tabs.map(({ name, text, count, isEmpty = false }, index) => (
          <button
            key={name}
            type="button"
            role="tab"
            id={`tab-${name}`}
            class={isEmpty ? 'msg-tab msg-tab-empty' : 'msg-tab'}
            aria-selected={name === chosen}
            aria-controls="tab-panel"
            tabIndex={name === chosen ? 0 : -1}
            title={index < 10 ? `${text} (${(index + 1) % 10})` : text}
            onClick={() => {
              onChoose(name);
            }}
          >
            <span class="msg-tab-text" data-text={text}>
              {text}
            </span>
            {count === undefined ? null : <span class="msg-count">{count}</span>}
          </button>
        ))}
      </div>
      <div class="msg-panel" role="tabpanel" id="tab-panel" aria-labelledby={`tab-${chosen}`} tabIndex={0}>
        {children}
      </div>
    </>
  );
}

/** Whether keys belong to what has the focus: something to type in, or a dialog above the page. */
function isTyping(target: EventTarget | null): boolean {
  return (
    document.querySelector('dialog[open]') !== null ||
    (target instanceof HTMLElement &&
      (target.isContentEditable || target.closest('input, textarea, select, dialog') !== null))
  );
}
