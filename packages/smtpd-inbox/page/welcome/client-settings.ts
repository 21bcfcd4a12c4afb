/** What to write into a program so that its mail comes here: for each of the usual ones, with the real address. Pure. */

/** Where mail is taken, and how. */
export interface MailTarget {
  readonly host: string;
  readonly port: number;
  readonly tls: 'off' | 'offer' | 'require' | 'implicit';
  /** Who a program says it is, where it has to or may. */
  readonly credentials?: { readonly user: string; readonly password: string };
}

/** What is to be written where. */
export interface ClientSettings {
  readonly name: ClientName;
  readonly label: string;
  /** The file, or the place. */
  readonly place: string;
  readonly code: string;
}

export type ClientName = keyof typeof CLIENTS;

/** The settings of every client, in the order in which they are shown. */
export function clientSettings(target: MailTarget): readonly ClientSettings[] {
  return Object.entries(CLIENTS).map(([name, { label, place, code }]) => ({
    name: name as ClientName,
    label,
    place,
    code: code(target)
      .filter((line) => line !== undefined)
      .join('\n'),
  }));
}

type Line = string | undefined;
interface Client {
  readonly label: string;
  readonly place: string;
  readonly code: (target: MailTarget) => readonly Line[];
}

const isEncrypted = ({ tls }: MailTarget) => tls === 'require' || tls === 'implicit';
/** A line that stands there only when something holds. */
const when = (isSo: boolean, line: string): Line => (isSo ? line : undefined);
/** An IPv6 address stands in brackets before a port. */
const bracketed = (host: string) => (host.includes(':') ? `[${host}]` : host);
const hostPort = ({ host, port }: MailTarget) => `${bracketed(host)}:${String(port)}`;
/** For a shell: in single quotes where it needs any. */
const shell = (text: string) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
/** As a string of JavaScript, Python, Ruby, Java and Go alike. */
const string = (text: string) => JSON.stringify(text);
const scheme = ({ tls }: MailTarget) => (tls === 'implicit' ? 'smtps' : 'smtp');

/**
 * The certificate of a development server is known to nobody. Where TLS is only offered, clients that would look at the certificate go
 * without TLS; where it is needed, they do not look.
 */
const CLIENTS = {
  nodemailer: {
    label: 'nodemailer',
    place: 'JavaScript',
    code: (target) => [
      `import nodemailer from 'nodemailer';`,
      ``,
      `const transport = nodemailer.createTransport({`,
      `  host: ${string(target.host)},`,
      `  port: ${String(target.port)},`,
      `  secure: ${String(target.tls === 'implicit')},`,
      when(target.tls === 'offer', `  ignoreTLS: true,`),
      when(target.tls === 'require', `  requireTLS: true,`),
      when(isEncrypted(target), `  tls: { rejectUnauthorized: false },`),
      target.credentials &&
        `  auth: { user: ${string(target.credentials.user)}, pass: ${string(target.credentials.password)} },`,
      `});`,
      ``,
      `await transport.sendMail({`,
      `  from: 'ann@example.test',`,
      `  to: 'bob@example.test',`,
      `  subject: 'Hello',`,
      `  text: 'Hello Bob',`,
      `});`,
    ],
  },
  django: {
    label: 'Django',
    place: 'settings.py',
    code: (target) => [
      `EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"`,
      `EMAIL_HOST = ${string(target.host)}`,
      `EMAIL_PORT = ${String(target.port)}`,
      `EMAIL_USE_TLS = ${target.tls === 'require' ? 'True' : 'False'}`,
      `EMAIL_USE_SSL = ${target.tls === 'implicit' ? 'True' : 'False'}`,
      target.credentials && `EMAIL_HOST_USER = ${string(target.credentials.user)}`,
      target.credentials && `EMAIL_HOST_PASSWORD = ${string(target.credentials.password)}`,
    ],
  },
  rails: {
    label: 'Rails',
    place: 'config/environments/development.rb',
    code: (target) => [
      `config.action_mailer.delivery_method = :smtp`,
      `config.action_mailer.smtp_settings = {`,
      `  address: ${string(target.host)},`,
      `  port: ${String(target.port)},`,
      target.tls === 'implicit'
        ? `  ssl: true,`
        : `  enable_starttls${target.tls === 'require' ? ': true' : '_auto: false'},`,
      when(isEncrypted(target), `  openssl_verify_mode: "none",`),
      target.credentials && `  authentication: :plain,`,
      target.credentials && `  user_name: ${string(target.credentials.user)},`,
      target.credentials && `  password: ${string(target.credentials.password)},`,
      `}`,
    ],
  },
  laravel: {
    label: 'Laravel',
    place: '.env',
    code: (target) => {
      const { user = '', password = '' } = target.credentials ?? {};
      const login = user === '' ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password)}@`;
      return [`MAIL_MAILER=smtp`, `MAIL_URL="${scheme(target)}://${login}${hostPort(target)}?verify_peer=0"`];
    },
  },
  spring: {
    label: 'Spring Boot',
    place: 'application.properties',
    code: (target) => [
      `spring.mail.host=${target.host}`,
      `spring.mail.port=${String(target.port)}`,
      target.credentials && `spring.mail.username=${target.credentials.user}`,
      target.credentials && `spring.mail.password=${target.credentials.password}`,
      target.credentials && `spring.mail.properties.mail.smtp.auth=true`,
      when(target.tls === 'require', `spring.mail.properties.mail.smtp.starttls.required=true`),
      when(target.tls === 'implicit', `spring.mail.properties.mail.smtp.ssl.enable=true`),
      when(isEncrypted(target), `spring.mail.properties.mail.smtp.ssl.trust=*`),
      when(isEncrypted(target), `spring.mail.properties.mail.smtp.ssl.checkserveridentity=false`),
    ],
  },
  go: {
    label: 'Go',
    place: 'net/smtp',
    code: (target) => [
      // SendMail begins TLS wherever it is offered, and gives up on a certificate that it does not know.
      ...(target.tls === 'implicit'
        ? [
            `conn, err := tls.Dial("tcp", ${string(hostPort(target))}, &tls.Config{InsecureSkipVerify: true})`,
            `if err != nil {`,
            `	log.Fatal(err)`,
            `}`,
            `client, err := smtp.NewClient(conn, ${string(target.host)})`,
          ]
        : [`client, err := smtp.Dial(${string(hostPort(target))})`]),
      `if err != nil {`,
      `	log.Fatal(err)`,
      `}`,
      `defer client.Close()`,
      when(target.tls === 'require', `client.StartTLS(&tls.Config{InsecureSkipVerify: true})`),
      target.credentials &&
        `client.Auth(smtp.PlainAuth("", ${string(target.credentials.user)}, ${string(target.credentials.password)}, ${string(target.host)}))`,
      `client.Mail("ann@example.test")`,
      `client.Rcpt("bob@example.test")`,
      `w, err := client.Data()`,
      `if err != nil {`,
      `	log.Fatal(err)`,
      `}`,
      `fmt.Fprint(w, "Subject: Hello\\r\\n\\r\\nHello Bob\\r\\n")`,
      `w.Close()`,
      `client.Quit()`,
    ],
  },
  php: {
    label: 'PHP mail()',
    place: 'php.ini, with msmtp installed',
    code: (target) => [
      `sendmail_path = "${[
        'msmtp --read-recipients --read-envelope-from',
        `--host=${shell(target.host)} --port=${String(target.port)}`,
        ...(isEncrypted(target)
          ? [`--tls=on --tls-certcheck=off --tls-starttls=${target.tls === 'require' ? 'on' : 'off'}`]
          : []),
        ...(target.credentials
          ? [
              `--auth=plain --user=${shell(target.credentials.user)}`,
              `--passwordeval=${shell(`echo ${target.credentials.password}`)}`,
            ]
          : []),
      ].join(' ')}"`,
    ],
  },
  swaks: {
    label: 'swaks',
    place: 'Shell',
    code: (target) => [
      [
        `swaks --server ${shell(target.host)} --port ${String(target.port)} --from ann@example.test --to bob@example.test`,
        ...(target.tls === 'require' ? ['--tls'] : []),
        ...(target.tls === 'implicit' ? ['--tls-on-connect'] : []),
        ...(target.credentials
          ? [
              `--auth PLAIN --auth-user ${shell(target.credentials.user)} --auth-password ${shell(target.credentials.password)}`,
            ]
          : []),
      ].join(' \\\n  '),
    ],
  },
  curl: {
    label: 'curl',
    place: 'Shell',
    code: (target) => [
      [
        `printf 'Subject: Hello\\r\\n\\r\\nHello Bob\\r\\n' | curl --url '${scheme(target)}://${hostPort(target)}'`,
        `--mail-from ann@example.test --mail-rcpt bob@example.test --upload-file -`,
        ...(target.tls === 'require' ? ['--ssl-reqd --insecure'] : []),
        ...(target.tls === 'implicit' ? ['--insecure'] : []),
        ...(target.credentials ? [`--user ${shell(`${target.credentials.user}:${target.credentials.password}`)}`] : []),
      ].join(' \\\n  '),
    ],
  },
} as const satisfies Readonly<Record<string, Client>>;
