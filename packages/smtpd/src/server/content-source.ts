/** How content is handed on by calls, in the turn in which it comes: a source, and its one reader. */

/** Who is handed content as it comes, in the turn in which it comes. */
export interface ContentReader {
  /** @returns whether there is room for more; else {@link ContentSource.resume} says when there is */
  onChunk(chunk: Uint8Array): boolean;
  /** Whether it is done with the chunk that it has just been handed, whose memory may then be used for another. Without this it is not. */
  readonly hasLetGo?: boolean;
  /** The content was complete. Nothing follows. */
  onEnd(): void;
  /** The content will not be complete. Nothing follows. */
  onError(error: unknown): void;
}

/** Content that is handed to a reader, once. */
export interface ContentSource {
  read(reader: ContentReader): void;
  /** The reader has room again. */
  resume(): void;
  /** The reader wants nothing more, and hears nothing more. */
  leave(): void;
}
