/**
 * `node:tls`, when it is needed: most servers speak no TLS, and do not load it. An import would do that at the start, and would read every
 * property of it, one of which makes the texts of all root certificates that Node has.
 */

import type * as tls from 'node:tls';

export function nodeTLS(): typeof tls {
  return process.getBuiltinModule('node:tls');
}
