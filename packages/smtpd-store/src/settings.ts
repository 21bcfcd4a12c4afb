/** Small values that are kept beside the messages, by their keys: what each engine turns away, and how a value is written. */

import { StoreError } from './errors.js';
import { checkName } from './names.js';

/** @throws {@link StoreError} when it is no key, or no beginning of one */
export function checkSettingKey(key: string): void {
  checkName('key', key);
  if (key.length > SETTING_KEY_LENGTH_MAX) {
    throw new StoreError('STORE_BAD_OPTION', `A key has at most ${SETTING_KEY_LENGTH_MAX} code units`);
  }
}

/** A value as JSON. @throws {@link StoreError} when it is none, or too long */
export function formatSetting(value: unknown): string {
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (cause) {
    throw new StoreError('STORE_BAD_OPTION', 'A setting is a value that JSON can carry', { cause });
  }
  if (text === undefined) throw new StoreError('STORE_BAD_OPTION', 'A setting is a value that JSON can carry');
  if (Buffer.byteLength(text) > SETTING_BYTES_MAX) {
    throw new StoreError('STORE_BAD_OPTION', `A setting is at most ${SETTING_BYTES_MAX} octets of JSON`);
  }
  return text;
}

/** As it is: of a function, for one, there is no JSON. */
const stringify: (value: unknown) => string | undefined = JSON.stringify;

/** How long a key is at most, in UTF-16 code units. */
const SETTING_KEY_LENGTH_MAX = 512;
/** How long a value is at most, as JSON. */
const SETTING_BYTES_MAX = 65_536;
