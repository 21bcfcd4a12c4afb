/**
 * What options are called elsewhere, and what they are here: those of npm's smtp-server and nodemailer, of Python's aiosmtpd and smtpd, and of
 * `node:net` and `node:tls`. `docs/from-smtp-server.md` and `docs/from-aiosmtpd.md` say more of each.
 *
 * A meaning that begins with `say` goes on with options as they are written, up to a semicolon; a test gives them. Each list is made by a function, and
 * so only when somebody is refused.
 */

type Meanings = Readonly<Record<string, string>>;

/** What names mean for a server. */
export function broughtToServer(): Meanings {
  const port = "say localAddress: 'HOST:PORT'";
  const implicitTLS = "say tls: { mode: 'implicit' }";
  const pair = "say tls: { mode: 'offer', key: 'PEM', cert: 'PEM' }";
  const names = "say tls: { mode: 'offer', names: { 'mail.example.org': { keyFile: 'KEY', certFile: 'CERT' } } }";
  const certificate = "say tls: { mode: 'offer', clientCertificates: 'require', clientCAFile: 'CA' }";
  const required = "say tls: { mode: 'require' }, auth: { mode: 'require' }";
  const anywhere = "say auth: { mode: 'offer', plaintext: 'always' }";
  const chosen = "say auth: { mode: 'offer', mechanisms: ['PLAIN', 'LOGIN'] }";
  const idle = 'say limits: { commandWaitMs: 60_000, contentWaitMs: 60_000 }';
  const noDNS = 'leave it out: DNS is not asked who a client is';
  const ownSockets = 'leave it out: the sockets are the business of the server';
  const ownCiphers = "leave it out: Node's own choice is kept; tls.minVersion says which versions are spoken";
  const content =
    'override processMessage(message) in a subclass, or streamMessage(message) for what is too large to be held';
  return {
    // node:net, and what is given to listen().
    port,
    host: port,
    hosts: port,
    address: port,
    path: "say localAddress: '/PATH/TO.sock'",
    fd: "say localAddress: 'fd:3'",
    exclusive: ownSockets,
    ipv6Only: "say localAddress: ['127.0.0.1:PORT', '[::1]:PORT']",
    reusePort: 'leave it out: smtpd --workers N, or node:cluster, lets several processes serve one port',
    allowHalfOpen: ownSockets,
    pauseOnConnect: ownSockets,
    noDelay: ownSockets,
    keepAlive: ownSockets,
    keepAliveInitialDelay: ownSockets,
    keepAliveInterval: ownSockets,
    keepAliveCount: ownSockets,
    highWaterMark: ownSockets,
    blockList: hook('connect', 'session', 'session.peer is who it is'),
    signal: 'give it to close({ signal })',
    // node:tls, which smtp-server takes among its own.
    secure: implicitTLS,
    key: pair,
    cert: pair,
    pfx: `${pair}; openssl pkcs12 makes PEM of it`,
    passphrase: "say tls: { mode: 'offer', key: 'PEM', cert: 'PEM', passphrase: 'SECRET' }",
    ca: certificate,
    requestCert: "say tls: { mode: 'offer', clientCertificates: 'request' }",
    rejectUnauthorized: certificate,
    sniOptions: names,
    SNICallback: names,
    minVersion: "say tls: { mode: 'offer', minVersion: 'TLSv1.3' }",
    maxVersion: ownCiphers,
    secureProtocol: ownCiphers,
    secureContext: pair,
    secureOptions: ownCiphers,
    ciphers: ownCiphers,
    honorCipherOrder: ownCiphers,
    ecdhCurve: ownCiphers,
    dhparam: ownCiphers,
    sigalgs: ownCiphers,
    handshakeTimeout: 'say limits: { handshakeWaitMs: 60_000 }',
    // smtp-server.
    secured: anywhere,
    needsUpgrade: implicitTLS,
    name: "say hostname: 'mail.example.org'",
    banner: "say greeting: 'ESMTP TEXT'",
    heloResponse: hook('helo', '', "return '250 TEXT'"),
    size: 'say dataSizeLimit: 33_554_432',
    hideSize: "say disabledExtensions: ['SIZE']",
    rejectOversized: 'leave it out: what is beyond dataSizeLimit is refused with 552',
    authMethods: chosen,
    authOptional: "say auth: { mode: 'offer' }",
    authRequiredMessage: `leave it out, or refuse with your own words: ${hook('mail', '{ session }', 'session.identity')}`,
    disabledCommands:
      'leave it out: AUTH and STARTTLS are there with auth.mode and tls.mode; disabledExtensions takes others away',
    hideSTARTTLS: 'leave it out: what is not offered is not accepted either',
    hidePIPELINING: "say disabledExtensions: ['PIPELINING']",
    hide8BITMIME: "say disabledExtensions: ['8BITMIME']",
    hideSMTPUTF8: 'say enableSMTPUTF8: false',
    hideENHANCEDSTATUSCODES: "say disabledExtensions: ['ENHANCEDSTATUSCODES']",
    hideDSN: 'leave it out: DSN is offered with extensions: [dsn()]',
    hideREQUIRETLS: 'leave it out: REQUIRETLS is offered with extensions: [requireTLS()]',
    allowInsecureAuth: anywhere,
    disableReverseLookup: noDNS,
    resolver: noDNS,
    component: 'leave it out: give a logger that has it',
    maxClients: 'say limits: { sessionsMax: 100 }',
    useProxy: "say proxyProtocol: 'NETWORK'",
    useXClient: "say xclient: 'NETWORK'",
    useXForward: "say xforward: 'NETWORK'",
    ignoredHosts: 'leave it out: the usual course of mail is not logged',
    lmtp: "say protocol: 'lmtp'",
    socketTimeout: idle,
    closeTimeout: 'give it to close({ graceMs })',
    maxAllowedUnauthenticatedCommands: 'say limits: { idleCommandsMax: 100 }',
    maxCommandLength: 'say limits: { commandLengthBytesMax: 512 }',
    maxRecipients: 'say limits: { recipientsMax: 100 }',
    lenientAddressParsing: "say pathSyntax: 'lenient'",
    onConnect: hook('connect', '{ session }'),
    onSecure: "watch it with server.on('secured', ...); a hook that refuses reads session.tls",
    onAuth: hook('auth', 'request'),
    onMailFrom: hook('mail', '{ address }'),
    onRcptTo: hook('rcpt', '{ address }'),
    onData: content,
    onClose: hook('close', '{ session }'),
    // aiosmtpd, and Python's smtpd.
    handler: content,
    server_hostname: "say hostname: 'mail.example.org'",
    ident: "say greeting: 'ESMTP TEXT'",
    timeout: idle,
    loop: 'leave it out: there is one',
    map: 'say channels: new Set()',
    unix_socket: "say localAddress: '/PATH/TO.sock'",
    ready_timeout: 'leave it out: await server.listen()',
    server_kwargs: 'leave it out: each of them is an option of its own',
    ssl_context: implicitTLS,
    tls_context: pair,
    require_starttls: "say tls: { mode: 'require' }",
    auth_required: required,
    auth_require_tls: anywhere,
    auth_exclude_mechanism: chosen,
    auth_callback: hook('auth', 'request'),
    authenticator: hook('auth', 'request'),
    command_call_limit: 'say limits: { idleCommandsMax: 100 }',
    proxy_protocol_timeout: "say proxyProtocol: 'NETWORK', limits: { proxyHeaderWaitMs: 5_000 }",
    // What stands elsewhere here.
    processMessage: content,
    streamMessage: content,
    channelClass: 'write it into a subclass: static channelClass = MyChannel',
    hooks: 'give each of them to server.use()',
  };
}

/** What names mean for the TLS of a server. */
export function broughtToServerTLS(): Meanings {
  const required = "say clientCertificates: 'require', clientCAFile: 'CA'";
  const ownCiphers = "leave it out: Node's own choice is kept";
  return {
    pfx: "say key: 'PEM', cert: 'PEM'; openssl pkcs12 makes PEM of it",
    ca: required,
    caFile: required,
    requestCert: "say clientCertificates: 'request'",
    rejectUnauthorized: required,
    SNICallback: "say names: { 'mail.example.org': { keyFile: 'KEY', certFile: 'CERT' } }",
    sniOptions: "say names: { 'mail.example.org': { keyFile: 'KEY', certFile: 'CERT' } }",
    secureProtocol: ownCiphers,
    maxVersion: ownCiphers,
    ciphers: ownCiphers,
    secure: "say mode: 'implicit'",
    handshakeTimeout: 'limits.handshakeWaitMs of the server is how long it may take',
  };
}

/** What names mean for the AUTH of a server. */
export function broughtToServerAuth(): Meanings {
  const who = "server.use(passwordAuth({ NAME: 'PASSWORD' })) says who there is";
  return {
    user: who,
    users: who,
    pass: who,
    password: who,
    methods: "say mechanisms: ['PLAIN', 'LOGIN']",
    required: "say mode: 'require'",
    optional: "say mode: 'offer'",
    allowInsecure: "say plaintext: 'always'",
  };
}

/** What names mean for a client. */
export function broughtToClient(): Meanings {
  const host = "say remoteAddress: { host: 'HOST', port: 25 }";
  const pool = 'use SMTPClientPool, which has connectionsMax and messagesMax';
  const silent = 'leave it out: a client logs nothing';
  return {
    host,
    port: host,
    path: "say remoteAddress: { path: '/PATH/TO.sock' }",
    socketPath: "say remoteAddress: { path: '/PATH/TO.sock' }",
    url: host,
    service: host,
    name: "say hostname: 'client.example.org'",
    secure: "say tls: { mode: 'implicit' }",
    requireTLS: "say tls: { mode: 'require' }",
    opportunisticTLS: "say tls: { mode: 'opportunistic' }",
    ignoreTLS: "say tls: { mode: 'off' }",
    lmtp: "say protocol: 'lmtp'",
    authMethod: "say auth: { user: 'NAME', password: 'SECRET', mechanisms: ['PLAIN'] }",
    connectionTimeout: 'say waits: { connectMs: 30_000 }',
    greetingTimeout: 'say waits: { greetingMs: 300_000 }',
    socketTimeout: 'say waits: { commandMs: 300_000 }',
    timeout: 'say waits: { commandMs: 300_000 }',
    dnsTimeout: 'say waits: { connectMs: 30_000 }',
    pool,
    maxConnections: pool,
    maxMessages: pool,
    logger: silent,
    debug: silent,
  };
}

/** What names mean for the TLS of a client. */
export function broughtToClientTLS(): Meanings {
  return {
    rejectUnauthorized: 'say verify: false',
    checkServerIdentity: "say serverName: 'NAME'; the certificate must have it",
    secureProtocol: "say minVersion: 'TLSv1.3'",
    ciphers: "leave it out: Node's own choice is kept",
  };
}

/** What names mean for the AUTH of a client. */
export function broughtToClientAuth(): Meanings {
  return {
    pass: "say password: 'SECRET'",
    username: "say user: 'NAME'",
    login: "say user: 'NAME'",
    accessToken: "say token: 'TOKEN'",
    method: "say mechanisms: ['PLAIN']",
    type: "say token: 'TOKEN'; or password, for anything but OAuth",
  };
}

/** What names mean for a Maildir, where it is not what they mean for every server. */
export function broughtToMaildir(): Meanings {
  const folder = "say folder: '/PATH/TO/FOLDER'";
  return { mail_dir: folder, dir: folder, path: folder };
}

/** What names mean for a proxy, where it is not what they mean for every server. */
export function broughtToProxy(): Meanings {
  const remoteAddress = "say remoteAddress: 'HOST:PORT'";
  return { remote_hostname: remoteAddress, remote_port: remoteAddress, to: remoteAddress, relay: remoteAddress };
}

/** What names mean for the server behind a proxy. */
export function broughtToUpstream(): Meanings {
  const destination = "write it into the destination: 'HOST:PORT', 'smtps://HOST', 'lmtp://HOST:PORT'";
  const { requireTLS, opportunisticTLS, ignoreTLS, authMethod, connectionTimeout, greetingTimeout, socketTimeout } =
    broughtToClient();
  const client = {
    requireTLS,
    opportunisticTLS,
    ignoreTLS,
    authMethod,
    connectionTimeout,
    greetingTimeout,
    socketTimeout,
  };
  return {
    ...(client as Meanings),
    host: destination,
    port: destination,
    secure: destination,
    lmtp: destination,
  };
}

/** What names mean for a pool of clients. */
export function broughtToPool(): Meanings {
  const destination = 'give it to send() and acquire(), with the destination';
  return {
    host: destination,
    port: destination,
    auth: destination,
    tls: destination,
    secure: destination,
  };
}

/** What stages of hooks are called elsewhere. */
export function broughtStages(): Meanings {
  const [ehlo, mail, rcpt, message] = ['write helo', 'write mail', 'write rcpt', 'write message'];
  return {
    ehlo,
    lhlo: ehlo,
    hello: ehlo,
    from: mail,
    mailFrom: mail,
    onMailFrom: mail,
    handle_MAIL: mail,
    rcptTo: rcpt,
    recipient: rcpt,
    onRcptTo: rcpt,
    handle_RCPT: rcpt,
    onData: message,
    handle_DATA: message,
    processMessage: message,
    onAuth: 'write auth',
    authenticate: 'write auth',
    handle_AUTH: 'write auth',
    onConnect: 'write connect',
    onClose: 'write close',
    disconnect: 'write close',
    handle_EHLO: ehlo,
    handle_HELO: ehlo,
    handle_RSET: 'write reset',
    rset: 'write reset',
    handle_VRFY: 'write vrfy',
    starttls: "there is none: watch it with server.on('secured', ...)",
  };
}

/** What events are called elsewhere. */
export function broughtEvents(): Meanings {
  return {
    error: "faults of the application and of the system are on('fault', ...); listen() rejects when it fails",
    connection: "write on('connect', ...)",
    data: "write on('message', ...)",
    tls: "write on('secured', ...)",
  };
}

/** A hook as it is written. */
function hook(stage: string, request: string, body = '...'): string {
  return `write a hook: server.use({ name: 'mine', ${stage}(${request}) { ${body} } })`;
}
