/** Python's `smtplib`, run by `smtplib-client.py`. */

import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

import { runClient } from './support.js';

/** What `smtplib-client.py` is asked for. */
export interface SmtplibRequest {
  readonly call: 'send_message' | 'sendmail' | 'lmtp';
  readonly from?: string;
  readonly to?: readonly string[];
  readonly options?: readonly string[];
  readonly tls?: {
    readonly mode: 'starttls' | 'implicit';
    readonly ca: string;
    readonly cert?: string;
    readonly key?: string;
  };
  readonly login?: {
    readonly mechanism: string;
    readonly user: string;
    readonly password: string;
    readonly initial?: boolean;
  };
}

/** Sends a message to a port, or by a path. @returns what the call returned or raised */
export async function runSmtplib(
  python: string,
  { where, ...request }: SmtplibRequest & { readonly where: number | string },
  content: Uint8Array,
): Promise<unknown> {
  const complete = { from: 'alice@a.example', to: ['bob@b.example'], options: [], ...request };
  const { code, stdout, stderr } = await runClient(python, [SCRIPT, String(where), JSON.stringify(complete)], content);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

const SCRIPT = fileURLToPath(new URL('smtplib-client.py', import.meta.url));
