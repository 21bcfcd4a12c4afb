/**
 * The GS2 header with which the first message of SCRAM and OAUTHBEARER begins: what the client thinks of channel binding, and whom
 * it wants to act for.
 */

import { prepareName } from './message-text.js';

/** A header that is well formed. */
export interface GS2Header {
  /** As sent; SCRAM signs it. */
  readonly text: string;
  /** `n`: the client has no channel binding. `y`: it has, and believes that the server has not. `p`: it uses `bindingType`. */
  readonly flag: 'n' | 'y' | 'p';
  /** `undefined` unless the flag is `p`. */
  readonly bindingType: string | undefined;
  /** Prepared. */
  readonly authorizationIdentity: string | undefined;
}

/**
 * Reads the header at the beginning of a message. `undefined` when there is none, or when the authorization identity in it cannot be
 * prepared.
 *
 * @example
 * ```ts
 * parseGS2Header('n,a=tim,n=kurt,r=1'); // { text: 'n,a=tim,', flag: 'n', bindingType: undefined, authorizationIdentity: 'tim' }
 * ```
 */
export function parseGS2Header(message: string): GS2Header | undefined {
  const match = HEADER.exec(message);
  if (match === null) return undefined;
  const [text, flag, bindingType, identity] = match;
  const authorizationIdentity = identity === undefined ? undefined : prepareName(decodeSASLName(identity) ?? '');
  if (identity !== undefined && authorizationIdentity === undefined) return undefined;
  return { text, flag: flag === 'n' || flag === 'y' ? flag : 'p', bindingType, authorizationIdentity };
}

/**
 * The header as a client sends it; `bindingType` goes with the flag `p`.
 *
 * @example
 * ```ts
 * formatGS2Header({ flag: 'p', bindingType: 'tls-exporter', authorizationIdentity: undefined }); // 'p=tls-exporter,,'
 * ```
 */
export function formatGS2Header(header: Omit<GS2Header, 'text'>): string {
  const flag = header.bindingType === undefined ? header.flag : `p=${header.bindingType}`;
  const identity =
    header.authorizationIdentity === undefined ? '' : `a=${encodeSASLName(header.authorizationIdentity)}`;
  return `${flag},${identity},`;
}

/**
 * The name that was sent with `=2C` and `=3D` for comma and equals sign; `undefined` when another `=` or a NUL is in it.
 *
 * @example
 * ```ts
 * decodeSASLName('a=2Cb'); // 'a,b'
 * ```
 */
export function decodeSASLName(text: string): string | undefined {
  // RFC 5802 §5.1: an equals sign that does not begin one of the two ends the exchange.
  if (text.includes('\0') || BAD_EQUALS.test(text)) return undefined;
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=');
}

/**
 * The name as it is sent.
 *
 * @example
 * ```ts
 * encodeSASLName('a,b'); // 'a=2Cb'
 * ```
 */
export function encodeSASLName(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C');
}

// RFC 5802 §7: gs2-header = gs2-cbind-flag "," [ authzid ] ","
//              gs2-cbind-flag = ("p=" cb-name) / "n" / "y"; authzid = "a=" saslname
const HEADER = /^(n|y|p=([A-Za-z0-9.-]+)),(?:a=([^,]+))?,/;
const BAD_EQUALS = /=(?!2C|3D)/;
