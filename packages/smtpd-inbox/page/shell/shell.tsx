/** The page as a whole: header, inboxes, list, message; and everything that goes on as long as the page is there. */

import { useEffect, useRef, useState } from 'preact/hooks';

import { followKeyboard } from '../commands/keyboard.js';
import { Dialogs } from '../dialogs/dialogs.js';
import { isDrawerOpen, followLayout, layout } from '../state/layout.js';
import { followEvents } from '../state/live-events.js';
import { followView, hear, reload } from '../state/mailbox.js';
import { followTitle, tellOfMail } from '../state/notifications.js';
import { followTheme, hasSidebar, listWidth, sidebarWidth } from '../state/preferences.js';
import { followAddress, route } from '../state/route.js';
import { countsMayHaveChanged, loadFacts, loadInboxes } from '../state/server-facts.js';
import { Splitter } from '../ui/splitter.js';
import { DropZone } from './drop-zone.js';
import { Header } from './header.js';
import { ListPane } from './list-pane.js';
import { Notices } from './notices.js';
import { OpenMessage } from './open-message.js';
import { Sidebar } from './sidebar.js';

export function Shell() {
  useEffect(follow, []);
  const now = useNow();
  const { messageId } = route.value;
  const isOne = layout.value === 'one';
  const isBeside = layout.value === 'three' && hasSidebar.value;
  const isListHidden = isOne && messageId !== undefined;
  // Set as properties: the policy of the page allows no style in an attribute.
  const widths = {
    '--sidebar-width': `${String(sidebarWidth.value)}px`,
    '--list-width': `${String(listWidth.value)}px`,
  };
  return (
    <div class={`page layout-${layout.value}`} style={widths}>
      <Header />
      <div class={`panes ${messageId === undefined ? '' : 'has-message'}`}>
        {isBeside ? (
          <div class="pane pane-sidebar">
            <Sidebar />
          </div>
        ) : null}
        <main class="pane pane-list" aria-label="Mail" inert={isListHidden}>
          <ListPane now={now} />
          {isBeside ? (
            <Splitter
              side="start"
              label="Width of the inboxes"
              width={sidebarWidth.value}
              min={140}
              max={360}
              initial={200}
              onWidth={(width) => (sidebarWidth.value = width)}
            />
          ) : null}
          {messageId === undefined || isOne ? null : (
            <Splitter
              side="end"
              label="Width of the list"
              width={listWidth.value}
              min={260}
              max={900}
              initial={420}
              onWidth={(width) => (listWidth.value = width)}
            />
          )}
        </main>
        {messageId === undefined ? null : (
          <section class="pane pane-message" aria-label="Message">
            <OpenMessage id={messageId} />
          </section>
        )}
      </div>
      {isDrawerOpen.value && !isBeside ? <Drawer /> : null}
      <Notices />
      <DropZone />
      <Dialogs />
    </div>
  );
}

/** The inboxes in front of the list, where there is no room beside it. */
function Drawer() {
  const reference = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = reference.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  const close = () => {
    isDrawerOpen.value = false;
  };
  return (
    <dialog
      ref={reference}
      class="drawer"
      aria-label="Inboxes"
      onClose={close}
      onMouseDown={(event) => event.target === reference.current && close()}
    >
      <Sidebar />
    </dialog>
  );
}

/** Everything that goes on as long as the page is there. */
function follow(): () => void {
  const stops = [
    followTheme(),
    followLayout(),
    followAddress(),
    followView(),
    followTitle(),
    followKeyboard(),
    followEvents({
      onReconnected: () => {
        void reload();
        void loadFacts();
      },
      onEvent: (event) => {
        hear(event);
        countsMayHaveChanged();
        if (event.kind === 'added') tellOfMail(event.entry);
        if (event.kind === 'settings') loadInboxes().catch(() => undefined);
      },
    }),
  ];
  void loadFacts();
  return () => {
    for (const stop of stops) stop();
  };
}

/** The time, for those that tell how long ago something was. */
function useNow(): Date {
  const [now, setNow] = useState(() => new Date());
  useEffect(() => {
    const timer = setInterval(() => setNow(new Date()), NOW_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

const NOW_MS = 20_000;
