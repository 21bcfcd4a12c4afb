/** The certificate of all servers of a bench: the same work for each, whatever they would make for themselves. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Makes a P-256 key and a certificate for it. @returns where they are, until `remove` is called */
export async function makeCertificate() {
  // Not at the top: the build may not be there yet.
  const { makeSelfSigned } = await import('../packages/smtpd/dist/modules/net/self-signed.js');
  const { key, cert } = makeSelfSigned({ names: ['localhost', '127.0.0.1'], now: new Date() });
  const folder = mkdtempSync(join(tmpdir(), 'smtpd-bench-tls-'));
  const keyFile = join(folder, 'key.pem');
  const certFile = join(folder, 'cert.pem');
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(certFile, cert);
  return { keyFile, certFile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
