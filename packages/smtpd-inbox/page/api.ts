/**
 * The API as functions, typed by what it speaks of. Addresses are relative to the page, which may lie below any path. Every function
 * rejects with an `APIError` whose message is for the reader.
 */

import type {
  Counts,
  Deletion,
  Fault,
  Inbox,
  Info,
  Message,
  NewFault,
  NewInbox,
  NewMail,
  NewWebhook,
  Page,
  Problem,
  Webhook,
} from '../src/api/model.js';

/** What the server answered instead of doing what it was asked. */
export class APIError extends Error {
  override readonly name = 'APIError';
  /** Stable, such as `NOT_FOUND`; `UNREACHABLE` when there was no answer. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** What a failure says to the reader. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Which part of the list is wanted. */
export interface ListRequest {
  readonly query: string;
  readonly inbox?: string | undefined;
  /** Whether sessions that ended in no message are listed too. */
  readonly hasSessions: boolean;
  readonly before?: string;
  readonly after?: string;
  readonly limit?: number;
}

/** What a search narrows: an export, or everything that is deleted. */
export type Selection = Pick<ListRequest, 'query' | 'inbox'>;

type Parameters = Readonly<Record<string, string | number | undefined>>;

/**
 * The address of something below `/api/v1/`.
 *
 * @example
 * address(`messages/${id}/raw`)
 */
export function address(path: string, parameters: Parameters = {}): string {
  const url = new URL(`api/v1/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

/** Reads JSON. */
export async function getJSON<Shape>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<Shape> {
  const answer = await ask(address(path, parameters), { ...(signal === undefined ? {} : { signal }) });
  return (await answer.json()) as Shape;
}

/** Reads octets. */
export async function getOctets(path: string, signal?: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const answer = await ask(address(path), { ...(signal === undefined ? {} : { signal }) });
  return new Uint8Array(await answer.arrayBuffer());
}

/** Sends JSON. @returns what was answered; `undefined` when that was nothing */
export async function postJSON<Shape = unknown>(path: string, body: object = {}): Promise<Shape> {
  return change<Shape>('POST', address(path), JSON.stringify(body), 'application/json');
}

export const listMessages = (request: ListRequest, signal?: AbortSignal): Promise<Page> =>
  getJSON(
    'messages',
    {
      q: request.query || undefined,
      inbox: request.inbox,
      before: request.before,
      after: request.after,
      limit: request.limit,
      sessions: request.hasSessions ? 'true' : undefined,
    },
    signal,
  );
export const getMessage = (id: string, signal?: AbortSignal): Promise<Message> =>
  getJSON(`messages/${encodeURIComponent(id)}`, {}, signal);
export const markMessages = (ids: readonly string[], isRead: boolean) => postJSON('messages/mark', { ids, isRead });
export const tagMessages = (ids: readonly string[], to: { readonly add?: string[]; readonly remove?: string[] }) =>
  postJSON('messages/tag', { ids, ...to });
export const deleteMessages = (ids: readonly string[]) => postJSON<Deletion>('messages/delete', { ids });
export const deleteAll = ({ query, inbox }: Selection) =>
  change<Deletion>('DELETE', address('messages', { q: query || undefined, inbox }), undefined, 'application/json');
export const restoreDeletion = (id: string) => postJSON(`deletions/${encodeURIComponent(id)}/restore`);

export const getCounts = (): Promise<Counts> => getJSON('counts');
export const getInfo = (): Promise<Info> => getJSON('info');
export const sendMail = (mail: NewMail) => postJSON('send', mail);

export const listInboxes = (): Promise<Inbox[]> => getJSON('inboxes');
export const createInbox = (inbox: NewInbox) => postJSON<Inbox>('inboxes', inbox);
export const removeInbox = (name: string) => remove(`inboxes/${encodeURIComponent(name)}`);

export const listFaults = (): Promise<Fault[]> => getJSON('faults');
export const createFault = (fault: NewFault) => postJSON<Fault>('faults', fault);
export const removeFault = (id: string) => remove(`faults/${encodeURIComponent(id)}`);

export const listWebhooks = (): Promise<Webhook[]> => getJSON('webhooks');
export const createWebhook = (webhook: NewWebhook) => postJSON<Webhook>('webhooks', webhook);
export const removeWebhook = (id: string) => remove(`webhooks/${encodeURIComponent(id)}`);

/** Brings mail in from a file. */
export const importFile = (file: Blob, contentType: string) => change('POST', address('import'), file, contentType);

function remove(path: string): Promise<unknown> {
  return change('DELETE', address(path), undefined, 'application/json');
}

async function change<Shape>(
  method: 'POST' | 'DELETE',
  url: string,
  body: string | Blob | undefined,
  contentType: string,
): Promise<Shape> {
  const headers = { 'content-type': contentType };
  const answer = await ask(url, { method, headers, ...(body === undefined ? {} : { body }) });
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as Shape;
}

async function ask(url: string, init: RequestInit): Promise<Response> {
  let answer;
  try {
    answer = await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new APIError('UNREACHABLE', 'The server does not answer.', { cause: error });
  }
  if (answer.ok) return answer;
  const text = await answer.text();
  throw problemOf(text) ?? new APIError(`HTTP_${String(answer.status)}`, `The server said ${String(answer.status)}.`);
}

function problemOf(text: string): APIError | undefined {
  try {
    const { error } = JSON.parse(text) as Problem;
    return new APIError(error.code, error.message);
  } catch {
    return undefined;
  }
}
