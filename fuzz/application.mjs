/**
 * What the application behind the server decides, by what it is asked: the same octets always get the same answers. The server under
 * test asks it through hooks; the reference model asks it directly.
 */

/** By the first word of an address or a client's name. The others are accepted. */
export function verdictOnName(name) {
  const [word] = name.replace(/^"/, '').split(/[^a-z]/, 1);
  switch (word) {
    case 'no':
      return { kind: 'refuse', code: 550, reply: '550 5.1.1 No such name' };
    case 'later':
      return { kind: 'refuse', code: 451, reply: '451-4.2.1 Not now\r\n451 4.2.1 but later' };
    case 'gone':
      return { kind: 'refuse', code: 421, reply: '421 4.3.2 Closing' };
    case 'boom':
      return { kind: 'fail', code: 451 };
    case 'quiet':
      return { kind: 'accept' };
    default:
      // A careless application sends back what it was sent; and so it can be seen which command a reply belongs to.
      return { kind: 'accept', reply: `250 2.0.0 About ${name}` };
  }
}

/** About DATA, by who sends. */
export function verdictOnData(mailFrom) {
  return mailFrom.startsWith('nodata') ? { kind: 'refuse', code: 450, reply: '450 4.2.0 No content now' } : ACCEPT;
}

/** About a message, by its size in octets. */
export function verdictOnMessage(sizeBytes) {
  if (sizeBytes % 13 === 5) return { kind: 'refuse', code: 554, reply: `554 5.6.0 Not ${sizeBytes} octets` };
  if (sizeBytes % 13 === 6) return { kind: 'fail', code: 451 };
  return { kind: 'accept', reply: `250 2.0.0 Took ${sizeBytes} octets` };
}

/** About one recipient of a message that is otherwise taken. */
export function verdictOnRecipient(address) {
  return address.startsWith('full') ? { kind: 'refuse', code: 452, reply: '452 4.2.2 Mailbox full' } : ACCEPT;
}

/** Whose credentials are good. */
export function isUser(user, password) {
  return user === 'alice' && password === 'secret';
}

const ACCEPT = { kind: 'accept' };
