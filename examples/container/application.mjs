/** What stands for an application in compose.yaml: sends a mail, and asks the inbox for it as a test would. */
import { SMTPClient } from 'smtpd';
import { InboxClient } from 'smtpd-inbox/client';

const { hostname, port } = new URL(process.env.SMTP_URL);
const client = new SMTPClient({ remoteAddress: { host: hostname, port: Number(port) }, tls: { mode: 'off' } });
await client.connect();
await client.send({
  mailFrom: 'shop@shop.example',
  rcptTos: ['bob@b.example'],
  data: Buffer.from(
    'From: shop@shop.example\r\nTo: bob@b.example\r\nSubject: Hello from a container\r\n\r\nYour code is 482913.\r\n',
  ),
});
await client.quit();

const inbox = new InboxClient({ url: process.env.SMTPD_INBOX_URL, password: process.env.SMTPD_INBOX_PASSWORD });
const message = await inbox.waitFor({ to: 'bob@b.example', subject: 'Hello from a container' });
console.log(await message.code());
