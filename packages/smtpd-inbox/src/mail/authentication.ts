/**
 * What SPF, DKIM, DMARC and ARC say of a message, by the package `mailauth`, which is only loaded here and need not be installed. Every
 * question to the DNS goes through the resolver that is handed in; where only keys are handed in, they are all the DNS there is, and
 * nothing leaves this machine. What a message may cost is bounded.
 */

import { createPublicKey } from 'node:crypto';
import type * as mailauthTypes from 'mailauth';
import type { AuthenticateResult, DNSResolver } from 'mailauth';

import type { Authentication, Envelope, Session } from '../api/model.js';

/** Looks something up, as `dns.promises.resolve` does. */
export type DNSLookup = (name: string, type: string) => Promise<unknown>;

/** A public key that a signature is checked with instead of the one in the DNS. */
export interface SuppliedKey {
  readonly domain: string;
  readonly selector: string;
  /** In PEM, or the record as the DNS would have it (`v=DKIM1; k=rsa; p=…`), or only what stands behind its `p=`. */
  readonly publicKey: string;
}

/**
 * Checks a message.
 *
 * With `resolver`, SPF, DKIM, DMARC and ARC are checked; with `keys` alone, DKIM and ARC, offline: another key than those is not to be
 * had, and its signatures are of no known key. With neither, the state is `off`.
 *
 * @example
 * ```ts
 * const { checks } = await authenticate({
 *   raw,
 *   envelope,
 *   session,
 *   keys: [{ domain: 'a.example', selector: 's1', publicKey: readFileSync('public.pem', 'utf8') }],
 * });
 * checks.find(({ method }) => method === 'dkim')?.result; // pass
 * ```
 */
export async function authenticate(mail: {
  readonly raw: Uint8Array;
  readonly envelope: Envelope;
  readonly session: Session;
  readonly resolver?: DNSLookup | undefined;
  readonly keys?: readonly SuppliedKey[] | undefined;
}): Promise<Authentication> {
  const { raw, envelope, session, resolver, keys = [] } = mail;
  if (resolver === undefined && keys.length === 0) return { state: 'off', checks: [] };
  const mailauth = await loadMailauth();
  if (mailauth === undefined) return { state: 'missing', checks: [] };
  const signatures = countSignatures(raw);
  if (signatures > SIGNATURES_MAX) {
    return {
      state: 'done',
      checks: [
        {
          method: 'dkim',
          result: 'permerror',
          text: `The message has ${String(signatures)} signatures; at most ${String(SIGNATURES_MAX)} are checked. Nothing was.`,
        },
      ],
    };
  }
  const lookup = boundedLookup(keys, resolver);
  const isOffline = resolver === undefined;
  const result = await mailauth.authenticate(Buffer.from(raw.buffer, raw.byteOffset, raw.length), {
    // Without an address there is no SPF, and without a resolver none is to be asked for.
    ...(isOffline ? {} : { ip: session.peer.address }),
    helo: session.clientName ?? session.peer.address,
    sender: envelope.mailFrom,
    mta: MTA_NAME,
    trustReceived: false,
    disableBimi: true,
    disableDmarc: isOffline,
    resolver: lookup as DNSResolver,
  });
  return { state: 'done', checks: checksOf(result, isOffline) };
}

/** Signatures of DKIM and ARC in one message that are checked; past it, none is. */
export const SIGNATURES_MAX = 50;
/** Questions to the DNS that one message may cause. RFC 7208 §4.6.4 allows SPF ten, and each signature needs one. */
export const LOOKUPS_MAX = 100;

type Mailauth = Pick<typeof mailauthTypes, 'authenticate'>;
type Check = Authentication['checks'][number];

async function loadMailauth(): Promise<Mailauth | undefined> {
  try {
    return await import('mailauth');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

function checksOf(result: AuthenticateResult, isOffline: boolean): Check[] {
  const checks: Check[] = [];
  const { spf, dkim, dmarc, arc } = result;
  if (!isOffline && spf !== false) checks.push(check('spf', spf.status, spf));
  for (const signature of dkim.results) {
    checks.push(check('dkim', signature.status, { domain: signature.signingDomain, selector: signature.selector }));
  }
  if (dmarc !== false) checks.push(check('dmarc', dmarc.status, dmarc));
  if (arc !== false) {
    const seal = arc.signature === undefined || arc.signature === false ? undefined : arc.signature;
    checks.push(check('arc', arc.status, { domain: seal?.signingDomain, selector: seal?.selector }));
  }
  return checks;
}

function check(
  method: Check['method'],
  status: { readonly result: string; readonly comment?: string; readonly aligned?: boolean | string },
  whose: { readonly domain?: string | undefined; readonly selector?: string | undefined },
): Check {
  // RFC 8601 §2.7 has no other word for it.
  const result = status.result === 'temperr' ? 'temperror' : status.result;
  const comment = status.comment ?? '';
  return {
    method,
    result,
    text: `${RESULT_TEXTS[method][result] ?? `The result is ${result}.`}${comment === '' ? '' : ` ${comment}`}`,
    ...(whose.domain === undefined || whose.domain === '' ? {} : { domain: whose.domain }),
    ...(whose.selector === undefined || whose.selector === '' ? {} : { selector: whose.selector }),
  };
}

/** Answers from the supplied keys, then from the resolver, if there is one; asks the same question once, and not without end. */
function boundedLookup(keys: readonly SuppliedKey[], resolver: DNSLookup | undefined): DNSLookup {
  const supplied = new Map(
    keys.map(({ domain, selector, publicKey }) => [
      `${selector}._domainkey.${domain}`.toLowerCase(),
      keyRecord(publicKey),
    ]),
  );
  const asked = new Map<string, Promise<unknown>>();
  return (name, type) => {
    const record = type === 'TXT' ? supplied.get(name.toLowerCase()) : undefined;
    if (record !== undefined) return Promise.resolve([[record]]);
    if (resolver === undefined) return Promise.reject(dnsError('ENOTFOUND', 'No key was supplied for this signature'));
    const question = `${type} ${name.toLowerCase()}`;
    let answer = asked.get(question);
    if (answer === undefined) {
      answer =
        asked.size >= LOOKUPS_MAX
          ? Promise.reject(dnsError('EREFUSED', `One message may ask the DNS ${String(LOOKUPS_MAX)} questions`))
          : resolver(name, type);
      asked.set(question, answer);
    }
    return answer;
  };
}

/** RFC 6376 §3.6.1, RFC 8463 §4: a key as the DNS has it. */
function keyRecord(publicKey: string): string {
  if (!publicKey.includes('-----BEGIN')) {
    const record = publicKey.trim();
    return record.includes('p=') ? record : `v=DKIM1; p=${record.replace(/\s+/g, '')}`;
  }
  const key = createPublicKey(publicKey);
  const encoded = key.export({ format: 'der', type: 'spki' });
  // An Ed25519 key is its last 32 octets, without the frame of X.509.
  return key.asymmetricKeyType === 'ed25519'
    ? `v=DKIM1; k=ed25519; p=${encoded.subarray(-32).toString('base64')}`
    : `v=DKIM1; k=rsa; p=${encoded.toString('base64')}`;
}

function dnsError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Fields that each cost a signature’s check. */
function countSignatures(raw: Uint8Array): number {
  const octets = Buffer.from(raw.buffer, raw.byteOffset, raw.length);
  const ends = [octets.indexOf('\r\n\r\n'), octets.indexOf('\n\n')].filter((at) => at >= 0);
  const header = octets.subarray(0, ends.length === 0 ? octets.length : Math.min(...ends)).toString('latin1');
  return header.match(/^(?:DKIM-Signature|ARC-Message-Signature|ARC-Seal)[ \t]*:/gim)?.length ?? 0;
}

const MTA_NAME = 'inbox.invalid';
const RESULT_TEXTS: Readonly<Record<Check['method'], Readonly<Record<string, string>>>> = {
  spf: {
    pass: 'The domain of MAIL FROM allows this address to send for it.',
    fail: 'The domain of MAIL FROM says that this address does not send for it.',
    softfail: 'The domain of MAIL FROM says that this address probably does not send for it.',
    neutral: 'The domain of MAIL FROM says nothing about this address.',
    none: 'The domain of MAIL FROM publishes no SPF record.',
    permerror: 'The SPF record is not well formed, or asks too many questions.',
    temperror: 'The DNS did not answer; try again.',
  },
  dkim: {
    pass: 'The signature is right: what it covers is as it was signed.',
    fail: 'The signature does not fit: what it covers was altered, or it was made with another key.',
    neutral: 'The signature could not be checked.',
    none: 'The message is not signed.',
    policy: 'The signature is right, and its key or its form is not acceptable.',
    permerror: 'The signature or its key is not well formed.',
    temperror: 'The DNS did not answer; try again.',
  },
  dmarc: {
    pass: 'SPF or DKIM passed for the domain of the From field.',
    fail: 'Neither SPF nor DKIM passed for the domain of the From field: a receiver does what its policy says.',
    none: 'The domain of the From field publishes no DMARC record.',
    permerror: 'The DMARC record is not well formed.',
    temperror: 'The DNS did not answer; try again.',
  },
  arc: {
    pass: 'The chain of those who passed the message on is whole.',
    fail: 'The chain of those who passed the message on is broken.',
    none: 'Nobody who passed the message on sealed it.',
    permerror: 'The chain is not well formed.',
    temperror: 'The DNS did not answer; try again.',
  },
};
