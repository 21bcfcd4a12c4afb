/** Something of the server's that is shown as long as a dialog is open: asked for again every second, because its counters move. */

import { useEffect, useState } from 'preact/hooks';

/** How it stands. */
export interface Live<Value> {
  /** Absent until it was had. */
  readonly value: Value | undefined;
  /** Why it could not be had. */
  readonly fault: string | undefined;
  readonly refresh: () => Promise<void>;
}

export function useLive<Value>(load: () => Promise<Value>): Live<Value> {
  const [value, setValue] = useState<Value>();
  const [fault, setFault] = useState<string>();
  const refresh = async () => {
    try {
      setValue(await load());
      setFault(undefined);
    } catch (error) {
      setFault(error instanceof Error ? error.message : String(error));
    }
  };
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return { value, fault, refresh };
}

const REFRESH_MS = 1000;
