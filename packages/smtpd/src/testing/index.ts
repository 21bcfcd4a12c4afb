/** The public names of `smtpd/testing`, and nothing else. */

export { startTestServer, TestServer, type TestServerOptions, type WaitOptions } from './test-server.js';
export {
  delay,
  drop,
  type DropOptions,
  type Fault,
  type FaultHandle,
  type FaultMatch,
  type FaultOptions,
  type FaultRequest,
  type FaultStage,
  type FaultStep,
} from './faults.js';
export { FaultyTransport } from './faulty-transport.js';
export type { PassageOptions } from '../handlers/proxy/gathered-passage.js';
export type { MessageHeaders } from './message-headers.js';
export type { MessageMatch, MessageMatcher, TextPattern } from './message-match.js';
export type { TestMessage } from './test-message.js';
export type { TestSession } from './test-session.js';
export { TestServerError } from './test-server-error.js';
