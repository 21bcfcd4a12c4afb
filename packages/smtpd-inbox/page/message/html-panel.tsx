/**
 * The HTML as mail programs show it: in a frame that runs nothing, has no origin of its own, and fetches nothing from elsewhere until the
 * reader asks for it, for this one message. What the frame may do is the server's word as well, in the document's own policy.
 */

import { useLayoutEffect, useRef, useState } from 'preact/hooks';

import type { Message } from '../../src/api/model.js';
import { plural } from '../list/entry-text.js';
import { address } from '../api.js';
import { info } from '../state/server-facts.js';
import { Choice } from './choice.js';
import { Icon } from '../ui/icon.js';
import { messagePath, remoteContentCount, useLoaded } from './message-data.js';

export function HTMLPanel({ message }: { readonly message: Message }) {
  const { id } = message.entry;
  const [width, setWidth] = useState<Width>(() => READER.width);
  const [look, setLook] = useState<Look>(() => READER.look);
  const [isRemoteShown, setRemoteShown] = useState(false);
  if (message.html === undefined) {
    return <p class="msg-empty">This message has no HTML.</p>;
  }
  return (
    <div class="msg-html">
      <div class="msg-bar">
        <Choice
          label="Width"
          value={width}
          options={WIDTHS}
          onChoose={(chosen) => {
            setWidth(chosen);
            READER.width = chosen;
          }}
        />
        <Choice
          label="Look"
          value={look}
          options={LOOKS}
          onChoose={(chosen) => {
            setLook(chosen);
            READER.look = chosen;
          }}
        />
      </div>
      {isRemoteShown ? null : <RemoteBar id={id} onShow={() => setRemoteShown(true)} />}
      <Frame
        // Another document is another frame: none inherits what the one before it was allowed.
        key={`${id} ${isRemoteShown}`}
        url={address(messagePath(id, 'html'), isRemoteShown ? { remote: 1 } : {})}
        widthPx={WIDTH_PX[width]}
        look={look}
      />
    </div>
  );
}

/** Says how much is not shown, and shows it. */
function RemoteBar({ id, onShow }: { readonly id: string; readonly onShow: () => void }) {
  const count = useLoaded(remoteContentCount(id));
  if (count.state !== 'ready' || count.value === 0) return null;
  const said =
    count.value === undefined
      ? 'Remote content is'
      : `${plural(count.value, 'remote resource')} ${count.value === 1 ? 'is' : 'are'}`;
  const isAllowed = info.value?.can.remoteContent === true;
  return (
    <div class="msg-remote" role="status">
      <Icon name="picture" />
      <span>
        {said} not loaded.
        {isAllowed ? null : ' This server does not allow it.'}
      </span>
      {isAllowed ? (
        <button type="button" class="msg-button" onClick={onShow}>
          Load for this message
        </button>
      ) : null}
    </div>
  );
}

/** The frame, as wide as the chosen screen; made smaller when there is less room than that. */
function Frame({
  url,
  widthPx,
  look,
}: {
  readonly url: string;
  readonly widthPx: number | undefined;
  readonly look: Look;
}) {
  const stage = useRef<HTMLDivElement>(null);
  const frame = useRef<HTMLIFrameElement>(null);
  useLayoutEffect(() => {
    const fit = (): void => {
      if (stage.current === null || frame.current === null) return;
      const { clientWidth, clientHeight } = stage.current;
      const layoutWidth = widthPx ?? clientWidth;
      const scale = Math.min(1, clientWidth / layoutWidth);
      const { style } = frame.current;
      style.width = `${layoutWidth}px`;
      style.height = `${clientHeight / scale}px`;
      style.transform = `scale(${scale})`;
      style.left = `${Math.max((clientWidth - layoutWidth) / 2, 0)}px`;
    };
    fit();
    const observer = new ResizeObserver(fit);
    if (stage.current !== null) observer.observe(stage.current);
    return () => {
      observer.disconnect();
    };
  }, [widthPx]);
  return (
    <div class="msg-stage" ref={stage}>
      <iframe
        ref={frame}
        class={`msg-frame msg-frame-${look}`}
        title="The message’s HTML"
        // Neither allow-scripts nor allow-same-origin, ever: https://html.spec.whatwg.org/#attr-iframe-sandbox
        sandbox="allow-popups allow-popups-to-escape-sandbox"
        referrerpolicy="no-referrer"
        src={url}
      />
    </div>
  );
}

type Width = 'full' | 'phone' | 'tablet' | 'desktop';
type Look = 'light' | 'dark' | 'inverted';

/** As the reader last had it: from one message to the next it stays. */
const READER: { width: Width; look: Look } = { width: 'full', look: 'light' };

const WIDTH_PX: Readonly<Record<Width, number | undefined>> = {
  full: undefined,
  phone: 390,
  tablet: 768,
  desktop: 1280,
};
const WIDTHS = [
  { value: 'full', text: 'Fit', title: 'As wide as the pane' },
  { value: 'phone', text: '390', title: 'A phone, 390 pixels wide', icon: 'phone' },
  { value: 'tablet', text: '768', title: 'A tablet, 768 pixels wide', icon: 'tablet' },
  { value: 'desktop', text: '1280', title: 'A desktop, 1280 pixels wide', icon: 'desktop' },
] as const;
const LOOKS = [
  { value: 'light', text: 'Light', title: 'As it is in a light mail program' },
  { value: 'dark', text: 'Dark', title: 'prefers-color-scheme: dark, for mail that answers to it' },
  {
    value: 'inverted',
    text: 'Inverted',
    title: 'Colours turned round, as some programs do with mail that does not answer',
  },
] as const;
