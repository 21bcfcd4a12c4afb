/**
 * What the parameters of DSN mean where mail is delivered, as to a list: that ends the way of the message (RFC 3461 §5.2.7). Whether it
 * could be delivered the client hears from the reply, and tells its sender, as was asked of it.
 */

import type { Parameter } from '../../protocol/parameters.js';
import { Reply } from '../../protocol/reply.js';

/** What goes on to a server that delivers. */
export function withoutDSN(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.filter(({ keyword }) => !DSN_PARAMETERS.has(keyword));
}

/** @returns the refusal of a recipient whose sender wants to be told of success: there would be nobody who does */
export function refuseSuccessReport(parameters: readonly Parameter[]): Reply | undefined {
  const notify = parameters.find(({ keyword }) => keyword === 'NOTIFY')?.value?.toUpperCase();
  return notify?.split(',').includes('SUCCESS') === true ? NOBODY_REPORTS : undefined;
}

const DSN_PARAMETERS: ReadonlySet<string> = new Set(['RET', 'ENVID', 'NOTIFY', 'ORCPT']);
const NOBODY_REPORTS = new Reply(555, '5.5.4', 'Error: success is not reported for this recipient');
