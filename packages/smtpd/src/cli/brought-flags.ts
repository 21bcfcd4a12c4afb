/** What options of other command lines are here: those of aiosmtpd, and what many servers call theirs. */

const address = 'write the address as a word: HOST:PORT';
const implicitTLS = 'write --tls implicit --tls-cert FILE --tls-key FILE';

/** By name, with its dashes. */
export const BROUGHT_FLAGS: Readonly<Record<string, string>> = Object.freeze({
  '-l': address,
  '-p': address,
  '--port': address,
  '--host': address,
  '--bind': address,
  '--smtpscert': implicitTLS,
  '--smtpskey': implicitTLS,
  '--secure': implicitTLS,
  '--starttls': 'write --tls offer',
  '--requiretls': 'write --tls require',
  '--no-requiretls': 'write --tls offer',
  '--name': 'write --hostname NAME',
  '--banner': 'write --greeting TEXT',
  '--user': 'write --auth USER:PASSWORD',
  '--max-size': 'write --size OCTETS',
});
