/** Takes files that are dropped anywhere on the page, and those that are chosen. */

import { useEffect, useState } from 'preact/hooks';

import { importFiles } from '../state/actions.js';
import { Icon } from '../ui/icon.js';

export function DropZone() {
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const abort = new AbortController();
    const { signal } = abort;
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const over = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    addEventListener('dragenter', over, { signal });
    addEventListener('dragover', over, { signal });
    // Without a related target the pointer has left the window.
    addEventListener('dragleave', (event) => event.relatedTarget === null && setOver(false), { signal });
    addEventListener(
      'drop',
      (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        setOver(false);
        void importFiles(event.dataTransfer?.files ?? []);
      },
      { signal },
    );
    return () => abort.abort();
  }, []);
  return (
    <>
      <input
        id="import-files"
        type="file"
        multiple
        hidden
        accept=".eml,.mbox,.zip,message/rfc822,application/mbox,application/zip"
        aria-label="Files to import"
        onChange={(event) => {
          const files = [...(event.currentTarget.files ?? [])];
          // The same file can be chosen again.
          event.currentTarget.value = '';
          void importFiles(files);
        }}
      />
      {isOver ? (
        <div class="drop-zone">
          <div>
            <Icon name="upload" />
            Drop .eml, .mbox or .zip to import
          </div>
        </div>
      ) : null}
    </>
  );
}
