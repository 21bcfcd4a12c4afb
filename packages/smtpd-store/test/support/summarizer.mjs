/** What a store loads that sums up by itself: the subject is what stands behind `Subject: `, and what is searched is all of it. */

export function summarize(octets) {
  const text = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('utf8');
  if (text.includes('unreadable')) throw new Error('That is no mail');
  const subject = /^Subject: (.*)$/m.exec(text)?.[1]?.trim();
  return { subject, from: ['head@a.example'], headers: [['Subject', subject]], searchText: text };
}
