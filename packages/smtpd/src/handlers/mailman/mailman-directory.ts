/**
 * Who knows which addresses are Mailman's: `mailman-rest-directory.ts` asks its REST API, `mailman-map-directory.ts` reads its map files.
 * What a client hears of the answer is not decided here.
 */

import type { MailmanRecipient, MailmanRole } from './mailman-address.js';

/** What is known of an address. */
export type MailmanAnswer =
  | {
      readonly kind: 'known';
      /** The address of the list. */
      readonly list: string;
      readonly role: MailmanRole;
      /** Whether it is from before, because nobody could be asked now. */
      readonly isStale: boolean;
    }
  | {
      readonly kind: 'unknown';
      /** Whether Mailman serves the domain: then the address does not exist; else it is somebody else's. */
      readonly isListDomain: boolean;
    }
  /** Nobody could be asked, and nothing is known from before. The reason is for a log. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Who knows which addresses are Mailman's. */
export interface MailmanDirectory {
  /**
   * Looks an address up.
   *
   * @param options - `signal`: whoever asks does not want to know any more
   * @throws the reason of the signal, and nothing else
   */
  lookUp(recipient: MailmanRecipient, options?: { readonly signal?: AbortSignal }): Promise<MailmanAnswer>;
}
