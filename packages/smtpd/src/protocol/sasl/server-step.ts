/** The steps of a server: how each kind is made, and how the application's answers are judged. The mechanisms use them. */

import type {
  CredentialAnswer,
  CredentialRequest,
  Grant,
  Refusal,
  SASLMechanismName,
  ServerAccepted,
  ServerChallenge,
  ServerRefused,
  ServerStep,
} from './mechanism.js';

/**
 * Send `data`, and go on with `respond`.
 *
 * @example
 * ```ts
 * challenge(NOTHING, () => refused('credentials')).kind; // 'challenge'
 * ```
 */
export function challenge(data: Uint8Array, respond: (data: Uint8Array) => ServerStep): ServerChallenge {
  return { kind: 'challenge', data, respond };
}

/**
 * The end, with a reason.
 *
 * @example
 * ```ts
 * refused('malformed'); // { kind: 'refused', reason: 'malformed' }
 * ```
 */
export function refused(reason: Refusal): ServerRefused {
  return { kind: 'refused', reason };
}

/**
 * The first message of a client: the initial response, or, when there was none, what comes after an empty challenge
 * (RFC 4954 §4).
 *
 * @example
 * ```ts
 * clientFirst(initial, (data) => receive(context, data));
 * ```
 */
export function clientFirst(initial: Uint8Array | undefined, receive: (data: Uint8Array) => ServerStep): ServerStep {
  return initial === undefined ? challenge(NOTHING, receive) : receive(initial);
}

/**
 * Asks whether what came is right, and accepts or refuses accordingly; `onRefused` is for mechanisms that tell the client more.
 *
 * @example
 * ```ts
 * askWhether({ kind: 'external', mechanism: 'EXTERNAL', user: undefined, authorizationIdentity: 'tim' });
 * ```
 */
export function askWhether(
  request: Exclude<CredentialRequest, { readonly kind: 'secret' }>,
  onRefused: () => ServerStep = () => refused('credentials'),
): ServerStep {
  return {
    kind: 'ask',
    request,
    answer(answer) {
      if (answer === undefined) return onRefused();
      if (!('verified' in answer)) return refused('misanswered');
      // The type has no `false`; a caller without types may.
      return (answer.verified as boolean) ? settle(request, answer) : onRefused();
    },
  };
}

/**
 * The identity of a client that has shown what it had to. It may act for another only when the application has said so.
 *
 * @example
 * ```ts
 * settle({ mechanism: 'PLAIN', user: 'tim', authorizationIdentity: 'tim' }, {});
 * // { kind: 'accepted', identity: { user: 'tim', authorizationIdentity: undefined, mechanism: 'PLAIN' } }
 * ```
 */
export function settle(
  { mechanism, user: sent, authorizationIdentity: requested }: SettledRequest,
  grant: Grant,
): ServerAccepted | ServerRefused {
  // Who sends no name of their own is whom they ask to be: the application has said yes to that.
  const user = grant.user ?? sent ?? requested;
  if (user === undefined || user === '') return refused('misanswered');
  // RFC 4422 §3.4.1: an identity that is not asked for is that of the user. The user's own name asks for no other.
  const isThemselves = requested === undefined || requested === sent || requested === user;
  if (!isThemselves && requested !== grant.authorizationIdentity) return refused('authorization');
  return {
    kind: 'accepted',
    identity: { user, authorizationIdentity: isThemselves ? undefined : requested, mechanism },
  };
}

/**
 * Whether the answer has a password.
 *
 * @example
 * ```ts
 * isPasswordAnswer({ password: 'tanstaaftanstaaf' }); // true
 * ```
 */
export function isPasswordAnswer(
  answer: CredentialAnswer,
): answer is Extract<CredentialAnswer, { readonly password: string }> {
  return 'password' in answer && typeof answer.password === 'string';
}

interface SettledRequest {
  readonly mechanism: SASLMechanismName;
  readonly user: string | undefined;
  readonly authorizationIdentity: string | undefined;
}

/** An empty message. */
export const NOTHING: Uint8Array = new Uint8Array(0);
