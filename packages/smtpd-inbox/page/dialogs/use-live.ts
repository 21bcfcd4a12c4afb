/**
 * A list of the server's that is shown and changed as long as a dialog is open: asked for again every second, because its counters move, and
 * after each change.
 */

import { useEffect, useState } from 'preact/hooks';

import { reasonOf } from '../api.js';

/** How it stands. */
export interface Live<Value> {
  /** Absent until it was had. */
  readonly value: Value | undefined;
  /** Why it could not be had. */
  readonly fault: string | undefined;
  /** Why the last change was not made. */
  readonly refusal: string | undefined;
  /** Changes it. @returns whether that was done */
  readonly change: (act: () => Promise<unknown>) => Promise<boolean>;
}

export function useLive<Value>(load: () => Promise<Value>): Live<Value> {
  const [value, setValue] = useState<Value>();
  const [fault, setFault] = useState<string>();
  const [refusal, setRefusal] = useState<string>();
  const refresh = async () => {
    try {
      setValue(await load());
      setFault(undefined);
    } catch (error) {
      setFault(reasonOf(error));
    }
  };
  const change = async (act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      setRefusal(reasonOf(error));
      return false;
    }
    setRefusal(undefined);
    await refresh();
    return true;
  };
  useEffect(() => {
    void refresh();
    const timer = setInterval(() => void refresh(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return { value, fault, refusal, change };
}

const REFRESH_MS = 1000;
