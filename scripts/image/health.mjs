/**
 * Whether the inbox of a container answers, for its HEALTHCHECK. The page is asked, which is there after SMTP is: a connection to SMTP would be
 * a session that the inbox keeps. That a password is wanted is an answer, too.
 */
const address = process.env.SMTPD_INBOX_HTTP ?? '';
const { host = '', port } = /^(?:(?<host>.*):)?(?<port>\d+)$/.exec(address)?.groups ?? {};
const isEverywhere = ['', '0.0.0.0', '[::]'].includes(host);
try {
  if (port === undefined) throw new Error('there is no page to ask');
  const url = `http://${isEverywhere ? 'localhost' : host}:${port}/`;
  const { status } = await fetch(url, { signal: AbortSignal.timeout(4_000) });
  if (status !== 200 && status !== 401) throw new Error(`the page answers with ${status}`);
} catch (error) {
  console.error(`SMTPD_INBOX_HTTP=${address}: ${error.cause?.message ?? error.message}`);
  process.exitCode = 1;
}
