/** An attachment: what the MIME tree says of it, and its content when it is asked for. */

import type { Part } from '../api/model.js';
import type { Connection } from './connection.js';

/** An attachment of a message. */
export class Attachment {
  readonly fileName: string | undefined;
  /** In lower case, such as `application/pdf`. */
  readonly contentType: string;
  /** Octets when decoded. */
  readonly sizeBytes: number;
  readonly part: Part;
  readonly #connection: Connection;
  readonly #messageId: string;

  /** Made by the client. */
  constructor(connection: Connection, messageId: string, part: Part) {
    this.#connection = connection;
    this.#messageId = messageId;
    this.part = part;
    this.fileName = part.fileName;
    this.contentType = part.contentType;
    this.sizeBytes = part.sizeBytes;
  }

  /** Its content, decoded. */
  octets(): Promise<Uint8Array> {
    return this.#connection.octets({
      path: `messages/${encodeURIComponent(this.#messageId)}/parts/${this.part.number}`,
    });
  }

  /** Its content as text. @param charset Default: its own, else UTF-8. */
  async text(charset: string = this.part.charset ?? 'utf-8'): Promise<string> {
    return new TextDecoder(charset).decode(await this.octets());
  }
}
