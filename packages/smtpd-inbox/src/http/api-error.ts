/** What can be wrong with a request, as one table: the codes, their HTTP status, and how they are answered. */

import type { NearMiss, Problem } from '../api/model.js';

/** The codes of errors. They do not change. */
export const API_ERRORS = {
  BAD_REQUEST: { status: 400, meaning: 'The request is not what the description of the API says.' },
  BAD_SEARCH: { status: 400, meaning: 'The search cannot be understood.' },
  UNAUTHORIZED: { status: 401, meaning: 'A password or a token is needed.' },
  FORBIDDEN_HOST: { status: 403, meaning: 'The Host is no name of this server.' },
  FORBIDDEN_ORIGIN: { status: 403, meaning: 'The request comes from a page of another origin.' },
  NOT_ALLOWED: { status: 403, meaning: 'Whoever started the server did not allow this.' },
  NOT_FOUND: { status: 404, meaning: 'There is no such thing.' },
  NO_MATCH: { status: 404, meaning: 'No message like this came in time.' },
  METHOD_NOT_ALLOWED: { status: 405, meaning: 'The path has other methods.' },
  CONFLICT: { status: 409, meaning: 'It contradicts what is there.' },
  TOO_LARGE: { status: 413, meaning: 'The body is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, meaning: 'The body has another content type.' },
  NOT_READ: { status: 422, meaning: 'The message takes too long to be read, or too much memory.' },
  INTERNAL: { status: 500, meaning: 'The server failed; its log says more.' },
  UPSTREAM_FAILED: { status: 502, meaning: 'The other server could not be reached, or broke off.' },
  UNAVAILABLE: { status: 503, meaning: 'The store cannot be reached.' },
} as const satisfies Record<string, { readonly status: number; readonly meaning: string }>;

/** A code of an error. */
export type APIErrorCode = keyof typeof API_ERRORS;

/** Thrown by what answers requests; becomes a {@link Problem}. */
export class APIError extends Error {
  override readonly name = 'APIError';
  readonly code: APIErrorCode;
  /** What a wait that came to nothing saw. */
  readonly details: { readonly nearMisses?: readonly NearMiss[]; readonly cursor?: string };

  /** @param message - for the caller: what is wrong and what to do */
  constructor(code: APIErrorCode, message: string, details: APIError['details'] = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }

  get status(): number {
    return API_ERRORS[this.code].status;
  }

  get problem(): Problem {
    const { nearMisses, cursor } = this.details;
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(nearMisses === undefined ? {} : { nearMisses: [...nearMisses] }),
        ...(cursor === undefined ? {} : { cursor }),
      },
    };
  }
}
