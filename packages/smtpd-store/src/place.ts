/** A place in a list, as callers hold it: they pass it on and look at nothing in it. */

import { StoreError } from './errors.js';

export function formatPlace(id: number): string {
  return Buffer.from(`${PREFIX}${id}`).toString('base64url');
}

/** @throws {@link StoreError} when it is no place of ours */
export function parsePlace(place: string | undefined): number | undefined {
  if (place === undefined) return undefined;
  const text = Buffer.from(place, 'base64url').toString();
  const digits = text.slice(PREFIX.length);
  if (text.startsWith(PREFIX) && /^[0-9]{1,15}$/.test(digits)) return Number(digits);
  throw new StoreError('STORE_BAD_OPTION', `${JSON.stringify(place)} is no place in a list: use those of a page`);
}

const PREFIX = 'id:';
