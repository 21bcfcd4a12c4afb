/** What a requirement is, and how its row is written. `requirements.ts` and `requirements-extensions.ts` have the rows. */

/** How strongly the RFC puts it; `says` is a plain statement. */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'says';

/** A line of the source, by a part of its text. */
export interface SourceLine {
  /** Below `packages/smtpd/src/`. */
  readonly file: string;
  /** A part of the line that is in the file once or more; the first counts. */
  readonly text: string;
}

/** One requirement. */
export interface Requirement {
  readonly rfc: number;
  readonly clause: string;
  readonly level: Level;
  readonly requirement: string;
  readonly status: 'met' | 'application' | 'later' | 'differs';
  /** Whom it binds, what it waits for, or why we differ. `''` for what is met. */
  readonly remark: string;
  readonly sources: readonly SourceLine[];
  /** Names of tests, in the folders that `docs.test.ts` lists. */
  readonly tests: readonly string[];
}

/** A clause that the source cites and that no row can test. */
export interface UntestedClause {
  readonly rfc: number;
  /** `''`: all clauses of the RFC. */
  readonly clause: string;
  readonly reason: string;
}

/** The first half of a row. */
export type Row = Pick<Requirement, 'rfc' | 'clause' | 'level' | 'requirement'>;

/** A line of the source. */
export const line = (file: string, text: string): SourceLine => ({ file, text });

/** What is asked for. */
export const row = (rfc: number, clause: string, level: Level, requirement: string): Row => ({
  rfc,
  clause,
  level,
  requirement,
});

/** By this package. */
export const met = (what: Row, sources: readonly SourceLine[], tests: readonly string[]): Requirement => ({
  ...what,
  status: 'met',
  remark: '',
  sources,
  tests,
});

/** By whoever handles the message. */
export const application = (
  what: Row,
  whom: string,
  tests: readonly string[] = [],
  sources: readonly SourceLine[] = [],
): Requirement => ({
  ...what,
  status: 'application',
  remark: whom,
  sources,
  tests,
});

/** By what has not come yet. */
export const later = (what: Row, withWhat: string): Requirement => ({
  ...what,
  status: 'later',
  remark: withWhat,
  sources: [],
  tests: [],
});

/** Something else is done. */
export const differs = (
  what: Row,
  why: string,
  sources: readonly SourceLine[],
  tests: readonly string[],
): Requirement => ({
  ...what,
  status: 'differs',
  remark: why,
  sources,
  tests,
});
