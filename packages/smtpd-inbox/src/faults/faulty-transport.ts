/** The connection that breaks and drags on demand: that of `smtpd/testing`, named here because faults need nothing else of it. */

export { FaultyTransport } from 'smtpd/testing';
