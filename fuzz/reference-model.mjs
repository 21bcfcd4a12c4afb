/**
 * A slow model of the server's side of a conversation: which replies must come, and what may be delivered. It shares no code with the
 * server. It works on one long string and reads the grammar with regular expressions; where the server has tables and states it has
 * searches from the start.
 */

import { isUtf8 } from 'node:buffer';

import { isUser, verdictOnData, verdictOnMessage, verdictOnName, verdictOnRecipient } from './application.mjs';

/** Thrown where the model knows no certain answer. */
export class UnsureError extends Error {}

/** The conversation with a server of this configuration. */
export class ReferenceModel {
  /** What must have come: `{ code, says }`, `says` being a text that is in it. */
  replies = [];
  /** What must have been handed to the application whole: `{ mailFrom, rcptTos, data }`. */
  deliveries = [];
  isClosed = false;
  /** Whether a TLS handshake is what must come now. */
  isSecuring = false;
  #configuration;
  #limits;
  #isLMTP;
  #input = '';
  /** Takes what comes next: commands, content, a chunk, the answer to a challenge. Returns whether it took something. */
  #reader = () => this.#readCommand();
  #hasSpoken = false;
  #client; // { isExtended }
  #envelope; // { mailFrom, isInternational, isBinary, recipients }
  #isBehindFailure = false; // Whether chunks that come belong to a message of which one was refused.
  #chunks; // The octets of the message's chunks so far.
  #isSecured = false;
  #isAuthenticated = false;
  #wasToldOfAuth = false;
  #counts = { errors: 0, refusals: 0, idle: 0, messages: 0, authFailures: 0 };

  constructor(configuration) {
    this.#configuration = configuration;
    const { options } = configuration;
    this.#limits = { ...DEFAULTS, ...options.limits };
    this.#isLMTP = options.protocol === 'lmtp';
    this.isSecuring = options.tls?.mode === 'implicit';
    if (!this.isSecuring) this.#greet();
  }

  /** The handshake is done. RFC 3207 §4.2: the session is as new, but for what was counted, and nobody is greeted twice. */
  secured() {
    this.isSecuring = false;
    this.#isSecured = true;
    this.#isAuthenticated = false;
    this.#client = undefined;
    this.#input = '';
    if (this.replies.length === 0) this.#greet();
  }

  /** These octets come. */
  receive(packet) {
    this.#input += packet;
    while (!this.isClosed && !this.isSecuring && this.#reader());
  }

  // ---- Lines --------------------------------------------------------------------------------------------------------

  /** The next line, `undefined` when there is none. */
  #takeLine() {
    const end = this.#input.indexOf('\r\n');
    const lineMax = Math.max(
      this.#limits.commandLengthBytesMax + this.#extraBytesOfAll(),
      this.#limits.continuationLengthBytesMax,
    );
    const known = end < 0 ? this.#input.replace(/\r$/, '') : this.#input.slice(0, end);
    if (known.length > Math.max(lineMax, this.#limits.discardedLineBytesMax)) {
      this.#close(421);
      return undefined;
    }
    if (end < 0) return undefined;
    this.#input = this.#input.slice(end + 2);
    return { text: known, isDropped: known.length > lineMax };
  }

  #readCommand() {
    const { options } = this.#configuration;
    if (!this.#hasSpoken && this.#input.startsWith('\x16')) return this.#close(421);
    const line = this.#takeLine();
    if (line === undefined) return false;
    const text = line.isDropped ? '' : line.text;
    const [, first, rest] = /^([^ ]*)(?: (.*))?$/s.exec(text);
    const verb = upper(first);
    const argument = rest?.replace(/^[ \t]+/, '').replace(/[ \t]+$/, '');
    if (!this.#hasSpoken && line.isDropped) return this.#close(421);
    if (HTTP_METHODS.includes(verb) && (!this.#hasSpoken || / HTTP\/[0-9](\.[0-9])?$/.test(text)))
      return this.#close(421);
    this.#hasSpoken = true;
    if (verb !== 'BDAT') this.#isBehindFailure = false;
    const lengthMax = this.#limits.commandLengthBytesMax + (this.#client?.isExtended ? this.#extraBytes(verb) : 0);
    const isBad = line.isDropped || /[\r\n]/.test(text) || text.length > lengthMax || text === '';
    // Octets follow a BDAT, whatever is wrong with its line.
    if (isBad && verb === 'BDAT' && this.#isOffered('CHUNKING')) return this.#badBdatLine(text, argument);
    if (isBad) return this.#error(500);
    const isKnown = KNOWN_VERBS.includes(verb);
    if (!isKnown && this.#isProtectionMissing) return this.#error(530);
    if (options.earlyInput === 'refuse' && this.#input !== '' && verb !== 'AUTH' && verb !== 'STARTTLS') {
      const mustWait = ['EHLO', 'HELO', 'LHLO', 'DATA', 'XCLIENT'].includes(verb);
      const mayPipeline = verb === 'BDAT' || (this.#client?.isExtended && this.#isOffered('PIPELINING'));
      if (mustWait || !mayPipeline) return this.#close(554);
    }
    if (!['MAIL', 'RCPT', 'DATA', 'BDAT', 'QUIT'].includes(verb)) {
      this.#counts.idle += 1;
      if (this.#counts.idle > this.#limits.idleCommandsMax) return this.#close(421);
    }
    return this.#command(verb, argument);
  }

  // ---- Commands -----------------------------------------------------------------------------------------------------

  #command(verb, argument) {
    const isGiven = argument !== undefined && argument !== '';
    const isThere = {
      EHLO: !this.#isLMTP,
      HELO: !this.#isLMTP,
      LHLO: this.#isLMTP,
      AUTH: this.#hasAuth,
      STARTTLS: this.#hasTLS,
      BDAT: this.#isOffered('CHUNKING'),
    }[verb];
    if (verb === 'AUTH' && this.#isAuthenticated) return this.#error(503);
    if (verb === 'STARTTLS' && this.#isSecured) return this.#error(503);
    if (
      isThere === false ||
      (!['MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY', 'EXPN', 'HELP'].includes(verb) && isThere !== true)
    )
      return this.#error(this.#isProtectionMissing ? 530 : 500);
    if (verb === 'BDAT') return this.#bdat(argument);
    if (this.#isTLSMissing && !['EHLO', 'LHLO', 'STARTTLS', 'NOOP', 'QUIT'].includes(verb)) return this.#error(530);
    if (this.#isAuthMissing && ['MAIL', 'RCPT', 'DATA', 'VRFY', 'EXPN'].includes(verb)) return this.#error(530);
    switch (verb) {
      case 'EHLO':
      case 'HELO':
      case 'LHLO':
        return this.#hello(verb, argument ?? '');
      case 'AUTH':
        if (this.#client === undefined || this.#envelope !== undefined) return this.#error(503);
        return isGiven ? this.#auth(argument) : this.#error(501);
      case 'STARTTLS':
        if (this.#client === undefined || this.#envelope !== undefined) return this.#error(503);
        return isGiven ? this.#error(501) : this.#startTLS();
      case 'MAIL':
        if (this.#client === undefined || this.#envelope !== undefined) return this.#error(503);
        return isGiven ? this.#mail(argument) : this.#error(501);
      case 'RCPT':
        if (this.#envelope === undefined || this.#chunks !== undefined) return this.#error(503);
        return isGiven ? this.#rcpt(argument) : this.#error(501);
      case 'DATA':
        if (!this.#envelope?.recipients.length || this.#chunks !== undefined) return this.#error(503);
        return isGiven ? this.#error(501) : this.#data();
      case 'RSET':
        if (isGiven) return this.#error(501);
        this.#endTransaction();
        return this.#say(250);
      case 'NOOP':
        return this.#say(250);
      case 'QUIT':
        return this.#close(221);
      case 'VRFY':
        return isGiven ? this.#vrfy(argument) : this.#error(501);
      case 'EXPN':
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        return /[\0-\x1f\x7f]/.test(argument ?? '') ? this.#error(501) : this.#say(502);
      case 'HELP':
        return this.#help(argument);
    }
  }

  #startTLS() {
    if (this.#input !== '' && this.#configuration.options.earlyInput === 'refuse') return this.#close(554);
    this.isSecuring = true;
    return this.#say(220);
  }

  #hello(verb, name) {
    if (!/^[ -~]*[!-~][ -~]*$/.test(name)) return this.#error(501);
    return this.#ask(verdictOnName(name), () => {
      this.#client = { isExtended: verb !== 'HELO' };
      this.#wasToldOfAuth = this.#hasAuth && !this.#isAuthenticated;
      this.#endTransaction();
      // The first line is the server's; what the application says stands behind its name.
      return this.#say(250, this.#configuration.options.hostname);
    });
  }

  #mail(argument) {
    if (this.#counts.messages >= this.#limits.messagesMax) return this.#close(421);
    const parsed = this.#pathAndParameters('FROM', argument);
    if (parsed.code !== undefined) return this.#refuse(parsed.code);
    const { address, parameters } = parsed;
    const isInternational = parameters.has('SMTPUTF8');
    if (hasHighOctets(address) && !isInternational) return this.#refuse(553);
    const isBinary = upper(parameters.get('BODY') ?? '') === 'BINARYMIME';
    return this.#ask(verdictOnName(utf8(address)), () => {
      this.#envelope = { mailFrom: utf8(address), isInternational, isBinary, recipients: [] };
    });
  }

  #rcpt(argument) {
    const parsed = this.#pathAndParameters('TO', argument);
    if (parsed.code !== undefined) return this.#refuse(parsed.code);
    const { address } = parsed;
    if (hasHighOctets(address) && !this.#envelope.isInternational) return this.#refuse(553);
    if (this.#envelope.recipients.length >= this.#limits.recipientsMax) return this.#say(452);
    return this.#ask(verdictOnName(utf8(address)), () => {
      this.#envelope.recipients.push(utf8(address));
    });
  }

  #data() {
    // RFC 3030 §3: binary content comes in chunks alone, whatever the application would say.
    if (this.#envelope.isBinary) return this.#error(503);
    const verdict = verdictOnData(this.#envelope.mailFrom);
    if (verdict.kind === 'refuse') return this.#refusal(verdict.code);
    this.#reader = () => this.#readContent();
    return this.#say(354);
  }

  #badBdatLine(text, argument = '') {
    if (argument === '' && !/[\r\n]/.test(text)) return this.#error(500);
    const match = /[\r\n]/.test(text) ? null : /^([0-9]{1,20})( +(.*))?$/s.exec(argument);
    const size = Number(match?.[1]);
    if (match === null || size > Number.MAX_SAFE_INTEGER) return this.#close(421);
    this.#readOctets(size, () => this.#failChunk(500, upper(match[3] ?? '') === 'LAST'));
    return true;
  }

  /** With one chunk the transaction has failed: those behind it are no message. */
  #failChunk(code, isLast) {
    const hasRecipients = Boolean(this.#envelope?.recipients.length);
    const isFollower = this.#isBehindFailure && code === 503 && this.#client !== undefined && !hasRecipients;
    this.#isBehindFailure = !isLast;
    // RFC 2033 §4.3: the last chunk has a reply for each recipient.
    if (this.#isLMTP && isLast && hasRecipients) this.#envelope.recipients.slice(1).forEach(() => this.#say(code));
    // The client sent them ahead: they are one error together, and each a command that moves no mail.
    if (!isFollower) this.#refuse(code);
    else if ((this.#counts.idle += 1) > this.#limits.idleCommandsMax) this.#close(421);
    else this.#say(code);
    if (this.#envelope?.recipients.length) this.#endTransaction();
    return true;
  }

  #bdat(argument = '') {
    if (argument === '') {
      if (this.#isProtectionMissing) return this.#error(530);
      return this.#error(this.#client === undefined || !this.#envelope?.recipients.length ? 503 : 501);
    }
    const match = /^([0-9]{1,20})( +(.*))?$/s.exec(argument);
    const size = Number(match?.[1]);
    if (match === null || size > Number.MAX_SAFE_INTEGER) return this.#close(421);
    const marker = upper(match[3] ?? '');
    const refuse = (code) => {
      this.#readOctets(size, () => this.#failChunk(code, marker === 'LAST'));
      return true;
    };
    if (this.#isProtectionMissing) return refuse(530);
    if (this.#client === undefined || !this.#envelope?.recipients.length) return refuse(503);
    if (marker !== '' && marker !== 'LAST') return refuse(501);
    if (this.#chunks === undefined) {
      const verdict = verdictOnData(this.#envelope.mailFrom);
      if (verdict.kind === 'refuse') return refuse(verdict.code);
      this.#chunks = '';
    }
    this.#readOctets(size, (octets) => {
      this.#chunks += octets;
      if (marker === 'LAST') return this.#message(this.#chunks);
      const fault = this.#faultOf(this.#chunks, { isWhole: false });
      if (fault === undefined) return this.#say(250, `${size} octets`);
      this.#isBehindFailure = true;
      this.#countRefusedMessage([fault]);
      return true;
    });
    return true;
  }

  #vrfy(argument) {
    const isUTF8 = this.#isUTF8Enabled && / +smtputf8$/i.test(argument);
    const text = isUTF8 ? argument.replace(/ +smtputf8$/i, '') : argument;
    const isFine =
      isWellFormed(text) &&
      !['', '""'].includes(text) &&
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      !/[\0-\x1f\x7f]/.test(text) &&
      (isUTF8 || !hasHighOctets(text)) &&
      (text.startsWith('<')
        ? parsePath(text, { isLenient: true, mayBeNull: false })?.rest === ''
        : !text.includes('@') || isMailbox(text));
    return isFine ? this.#say(252) : this.#error(501);
  }

  #help(argument = '') {
    if (argument === '') return this.#say(214);
    const topic = upper(argument.split(' ')[0]);
    const listed = [
      ...(this.#isLMTP ? ['LHLO'] : ['EHLO', 'HELO']),
      ...(this.#hasTLS && !this.#isSecured ? ['STARTTLS'] : []),
      ...(this.#hasAuth && !this.#isAuthenticated ? ['AUTH'] : []),
      ...(this.#isOffered('CHUNKING') ? ['BDAT'] : []),
      ...['MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY', 'HELP'],
    ];
    return listed.includes(topic) ? this.#say(214) : this.#error(504);
  }

  // ---- Paths and parameters -----------------------------------------------------------------------------------------

  #pathAndParameters(keyword, argument) {
    const match = new RegExp(`^${keyword}:(.*)$`, 'is').exec(argument);
    const isLenient = this.#configuration.options.pathSyntax !== 'strict';
    const path =
      match && parsePath(match[1], { isLenient, mayBeNull: keyword === 'FROM', mayBePostmaster: keyword === 'TO' });
    if (!path || !isWellFormed(path.raw)) return { code: 501 };
    if (!this.#client.isExtended && path.rest.trim() !== '') return { code: 501 };
    if (!/^( +[A-Za-z0-9][A-Za-z0-9-]*(=[!-~\x80-\xff]+)?)* *$/.test(path.rest)) return { code: 501 };
    const parameters = new Map();
    for (const word of path.rest.split(' ').filter((each) => each !== '')) {
      const [, name, value] = /^([^=]*)(?:=(.*))?$/s.exec(word);
      if (value !== undefined && !isWellFormed(value)) return { code: 501 };
      if (parameters.has(upper(name))) return { code: 501 };
      parameters.set(upper(name), value);
    }
    const judges = keyword === 'FROM' ? this.#mailParameters() : {};
    for (const [name, value] of parameters) {
      const code = Object.hasOwn(judges, name) ? judges[name](value) : undefined;
      if (code !== undefined) return { code };
    }
    if ([...parameters.keys()].some((name) => !Object.hasOwn(judges, name))) return { code: 555 };
    return { address: path.address, parameters };
  }

  /** Keyword → what is answered to a value that is not good. */
  #mailParameters() {
    const bodies = ['7BIT', '8BITMIME', ...(this.#isOffered('BINARYMIME') ? ['BINARYMIME'] : [])];
    const sizeMax = this.#sizeMax;
    return {
      ...(this.#isEnabled('SIZE') && {
        SIZE: (value) => (!/^[0-9]{1,20}$/.test(value ?? '') ? 501 : Number(value) > sizeMax ? 552 : undefined),
      }),
      ...(this.#isOffered('8BITMIME') && { BODY: (value) => (bodies.includes(upper(value ?? '')) ? undefined : 501) }),
      ...(this.#isUTF8Enabled && { SMTPUTF8: (value) => (value === undefined ? undefined : 501) }),
      ...(this.#hasAuth && { AUTH: (value) => (isSubmitter(value) ? undefined : 501) }),
    };
  }

  // ---- Content ------------------------------------------------------------------------------------------------------

  #readContent() {
    // RFC 5321 §4.1.1.4: the first of all lines has no CRLF in front of it but that of DATA.
    const whole = `\r\n${this.#input}`;
    const end = whole.indexOf('\r\n.\r\n');
    if (end < 0) return false;
    this.#input = whole.slice(end + 5);
    // RFC 5321 §4.5.2.
    const stuffed = whole.slice(2, end + 2);
    const data = `\r\n${stuffed}`.replaceAll('\r\n.', '\r\n').slice(2);
    this.#reader = () => this.#readCommand();
    return this.#message(data);
  }

  #readOctets(size, onOctets) {
    this.#reader = () => {
      if (this.#input.length < size) {
        // Nobody sends that much: what comes can only be a part of it.
        return false;
      }
      const octets = this.#input.slice(0, size);
      this.#input = this.#input.slice(size);
      this.#reader = () => this.#readCommand();
      onOctets(octets);
      return true;
    };
  }

  /** The message is whole. */
  #message(sent) {
    const fault = this.#faultOf(sent, { isWhole: true });
    if (fault !== undefined) return this.#refuseMessage(fault);
    const { lineEndings } = this.#configuration.options;
    const { mailFrom, recipients, isBinary } = this.#envelope;
    const data = lineEndings === 'normalize' && !isBinary ? sent.replace(/\r\n|\r|\n/g, '\r\n') : sent;
    const lines = data.split(lineEndings === 'preserve' || lineEndings === 'normalize' ? /\r\n/ : /\r\n|\r|\n/);
    if (!isBinary && lines.some((line) => line.length > this.#limits.contentLineBytesMax))
      return this.#refuseMessage(500);
    if (this.#configuration.options.decodeData && !isWellFormed(data)) return this.#refuseMessage(554);
    this.deliveries.push({ mailFrom, rcptTos: [...recipients], data });
    const verdict = verdictOnMessage(data.length);
    if (verdict.kind !== 'accept') return this.#refuseMessage(verdict.code);
    if (this.#configuration.isStreaming) return this.#takeMessage(recipients.map(() => 250));
    // The application has a verdict for each recipient.
    const codes = recipients.map((address) => verdictOnRecipient(address).code ?? 250);
    if (this.#isLMTP) return codes.includes(250) ? this.#takeMessage(codes) : this.#countRefusedMessage(codes);
    return codes.includes(452) ? this.#refuseMessage(452) : this.#takeMessage(codes);
  }

  #takeMessage(codes) {
    Object.assign(this.#counts, { errors: 0, refusals: 0, idle: 0, messages: this.#counts.messages + 1 });
    return this.#endMessage(this.#isLMTP ? codes : [250]);
  }

  #refuseMessage(code) {
    return this.#countRefusedMessage(this.#isLMTP ? this.#envelope.recipients.map(() => code) : [code]);
  }

  #countRefusedMessage(codes) {
    this.#counts.refusals += 1;
    return this.#counts.refusals > this.#limits.refusalsMax ? this.#close(421) : this.#endMessage(codes);
  }

  #endMessage(codes) {
    for (const code of codes) this.#say(code);
    this.#endTransaction();
    return true;
  }

  /** What is first wrong with content, octet by octet; of content that is not whole a CR at its end may yet be half of a CRLF. */
  #faultOf(content, { isWhole }) {
    const { lineEndings = 'reject' } = this.#configuration.options;
    const isBinary = this.#envelope.isBinary;
    let size = 0;
    for (let at = 0; at < content.length; at += 1) {
      const octet = content[at];
      const isBareLF = octet === '\n' && content[at - 1] !== '\r';
      const isLast = at === content.length - 1;
      const isBareCR = octet === '\r' && content[at + 1] !== '\n' && (isWhole || !isLast);
      if (!isBinary && isBareLF && lineEndings === 'reject') return 550;
      size += 1;
      if (!isBinary && lineEndings === 'normalize' && (isBareLF || isBareCR)) size += 1;
      if (size > this.#sizeMax) return 552;
      if (!isBinary && isBareCR && lineEndings === 'reject') return 550;
    }
    return undefined;
  }

  #endTransaction() {
    this.#envelope = undefined;
    this.#chunks = undefined;
  }

  // ---- AUTH ---------------------------------------------------------------------------------------------------------

  #auth(argument) {
    const match = /^([A-Za-z0-9_-]{1,20})(?: +(\S+))?$/.exec(argument);
    if (match === null) return this.#error(501);
    const mechanism = upper(match[1]);
    if (mechanism !== 'PLAIN' && mechanism !== 'LOGIN') return this.#refusal(504);
    const initial = match[2] === '=' ? '' : match[2] === undefined ? undefined : fromBase64(match[2]);
    if (match[2] !== undefined && initial === undefined) return this.#error(501);
    const steps =
      mechanism === 'PLAIN'
        ? [(text) => this.#plain(text)]
        : loginSteps((user, password) => this.#login(user, password));
    if (initial !== undefined) this.#authStep(steps, initial);
    else this.#challenge(steps);
    return true;
  }

  #challenge(steps) {
    this.#say(334);
    this.#reader = () => {
      const line = this.#takeLine();
      if (line === undefined) return false;
      this.#reader = () => this.#readCommand();
      if (line.isDropped || line.text.length > this.#limits.continuationLengthBytesMax) return this.#refusal(500);
      const text = line.text === '*' ? undefined : fromBase64(line.text);
      if (text === undefined) return this.#refusal(501);
      this.#authStep(steps, text);
      return true;
    };
  }

  #authStep([step, ...others], text) {
    const outcome = step(text);
    if (outcome === 'malformed') this.#refusal(501);
    else if (outcome === 'more') this.#challenge(others);
    else if (outcome === 'refused') {
      this.#counts.authFailures += 1;
      if (this.#counts.authFailures >= this.#limits.authFailuresMax) this.#close(421);
      else this.#say(535);
    } else {
      this.#counts.authFailures = 0;
      this.#isAuthenticated = true;
      this.#say(235);
    }
  }

  #plain(text) {
    const parts = text.split('\0');
    if (!isWellFormed(text) || parts.length !== 3) return 'malformed';
    const [identity, user, password] = parts;
    if (!isName(user) || !isName(password, 1_024) || (identity !== '' && !isName(identity))) return 'malformed';
    if (!isUser(user, password)) return 'refused';
    return identity === '' || identity === user ? 'accepted' : 'refused';
  }

  #login(user, password) {
    if (!isWellFormed(password) || !isName(password, 1_024)) return 'malformed';
    return isUser(user, password) ? 'accepted' : 'refused';
  }

  // ---- What is offered ----------------------------------------------------------------------------------------------

  get #hasAuth() {
    const { auth } = this.#configuration.options;
    return auth !== undefined && (auth.plaintext === 'always' || this.#isSecured);
  }

  get #hasTLS() {
    return ['offer', 'require'].includes(this.#configuration.options.tls?.mode);
  }

  get #isTLSMissing() {
    return this.#configuration.options.tls?.mode === 'require' && !this.#isSecured;
  }

  get #isAuthMissing() {
    return this.#configuration.options.auth?.mode === 'require' && !this.#isAuthenticated;
  }

  get #isProtectionMissing() {
    return this.#isTLSMissing || this.#isAuthMissing;
  }

  get #sizeMax() {
    const { dataSizeLimit = 33_554_432 } = this.#configuration.options;
    return dataSizeLimit ?? Infinity;
  }

  get #isUTF8Enabled() {
    const { enableSMTPUTF8 = true } = this.#configuration.options;
    return enableSMTPUTF8 && this.#isOffered('8BITMIME') && this.#isEnabled('SMTPUTF8');
  }

  #isEnabled(keyword) {
    return !(this.#configuration.options.disabledExtensions ?? []).includes(keyword);
  }

  #isOffered(keyword) {
    const isText = this.#configuration.options.decodeData === true;
    if (keyword === 'BINARYMIME')
      return this.#isEnabled(keyword) && this.#isOffered('CHUNKING') && this.#isOffered('8BITMIME');
    return this.#isEnabled(keyword) && !(isText && ['CHUNKING', '8BITMIME'].includes(keyword));
  }

  /** How much longer than usual a line of this verb may be, now. */
  #extraBytes(verb) {
    const isSizeOffered = this.#isEnabled('SIZE') && this.#sizeMax !== Infinity;
    const isUTF8 = this.#isUTF8Enabled;
    if (verb === 'VRFY' || verb === 'EXPN') return isUTF8 ? 9 : 0;
    // The room is what the client was told of with its last EHLO.
    if (verb === 'AUTH') return this.#wasToldOfAuth ? 11_264 : 0;
    if (verb !== 'MAIL') return 0;
    const forAuth = this.#wasToldOfAuth ? 500 : 0;
    return (isSizeOffered ? 26 : 0) + (this.#isOffered('8BITMIME') ? 17 : 0) + (isUTF8 ? 10 : 0) + forAuth;
  }

  /** The most that it is for any verb at any time. */
  #extraBytesOfAll() {
    const ofMail = [
      ['SIZE', 26],
      ['8BITMIME', 17],
      ['SMTPUTF8', 10],
      ['AUTH', 500],
    ].reduce((sum, [keyword, bytes]) => sum + (this.#isEnabled(keyword) ? bytes : 0), 0);
    return Math.max(ofMail, this.#isEnabled('AUTH') ? 11_264 : 0);
  }

  // ---- Replies ------------------------------------------------------------------------------------------------------

  #ask(verdict, accepted) {
    if (verdict.kind !== 'accept') return this.#refusal(verdict.code);
    const isSaid = accepted();
    return isSaid ?? this.#say(250, verdict.reply?.slice('250 2.0.0 '.length));
  }

  /** RFC 5321 §4.2.1: x0z, and 530 and 555, are errors of the client; the others are somebody's decision. */
  #refuse(code) {
    return code === 555 || code === 530 || String(code)[1] === '0' ? this.#error(code) : this.#refusal(code);
  }

  #error(code) {
    this.#counts.errors += 1;
    return this.#counts.errors > this.#limits.errorsMax ? this.#close(421) : this.#say(code);
  }

  #refusal(code) {
    this.#counts.refusals += 1;
    if (this.#counts.refusals > this.#limits.refusalsMax || code === 421) return this.#close(421);
    return this.#say(code);
  }

  #greet() {
    this.#say(220, this.#configuration.options.hostname);
  }

  #say(code, says) {
    this.replies.push({ code, says });
    return true;
  }

  #close(code) {
    this.#say(code);
    this.isClosed = true;
    return true;
  }
}

/** LOGIN: a name, then a password. */
function loginSteps(judge) {
  let user;
  return [
    (text) => {
      if (!isWellFormed(text) || !isName(text)) return 'malformed';
      user = text;
      return 'more';
    },
    (text) => judge(user, text),
  ];
}

/** Whether SASLprep lets a name through as it is. */
function isName(text, lengthMax = 255) {
  if (text === '' || text.length > lengthMax) return false;
  if (/^[ -~]+$/.test(text)) return true;
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  if (isWellFormed(text) && /[\0-\x1f\x7f]/.test(text)) return false;
  throw new UnsureError('SASLprep of text outside US-ASCII');
}

/** What base64 stands for, when it is exactly that. */
function fromBase64(text) {
  const octets = Buffer.from(text, 'base64');
  return octets.toString('base64') === text ? octets.toString('latin1') : undefined;
}

/** RFC 4954 §5: `<>`, or a mailbox in xtext. */
function isSubmitter(value) {
  if (value === '<>') return true;
  if (value === undefined || !/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})+$/.test(value)) {
    if (value !== undefined && hasHighOctets(value)) throw new UnsureError('xtext outside US-ASCII');
    return false;
  }
  const decoded = value.replace(/\+([0-9A-F]{2})/g, (_, digits) => String.fromCharCode(parseInt(digits, 16)));
  if (hasHighOctets(decoded)) throw new UnsureError('xtext outside US-ASCII');
  return isMailbox(decoded);
}

function isMailbox(text) {
  const match = new RegExp(`^${LENIENT.local}@(${LENIENT.domain}|${LITERAL})$`, 's').exec(text);
  return match !== null && hasGoodLiteral(match[1]);
}

/** What begins `text`: a path, and what follows it. */
function parsePath(text, { isLenient, mayBeNull, mayBePostmaster }) {
  const grammar = isLenient ? LENIENT : STRICT;
  const blanks = isLenient ? '[ \\t]*' : '';
  const bracketed = new RegExp(
    `^${blanks}<((?:${grammar.route})?(${grammar.local})(?:@(${grammar.domain}|${LITERAL}))?|)>( .*)?$`,
    's',
  ).exec(text);
  const bare =
    isLenient && !new RegExp(`^${blanks}<`).test(text)
      ? new RegExp(`^${blanks}((${grammar.local})(?:@(${grammar.domain}|${LITERAL}))?)( .*)?$`, 's').exec(text)
      : null;
  const match = bracketed ?? bare;
  if (match === null) return undefined;
  const [, raw, local, domain, rest = ''] = match;
  if (raw === '') return mayBeNull ? { raw, address: '', rest } : undefined;
  if (domain !== undefined && !hasGoodLiteral(domain)) return undefined;
  if (bare !== null && /[ <>]/.test(raw)) return undefined;
  if (domain === undefined && raw !== local) return undefined;
  if (domain === undefined && !isLenient && !(mayBePostmaster && upper(raw) === 'POSTMASTER')) return undefined;
  return { raw, address: domain === undefined ? plainest(local) : `${plainest(local)}@${domain}`, rest };
}

/** A local part without needless quotes. */
function plainest(local) {
  if (!local.startsWith('"')) return local;
  const meaning = local.slice(1, -1).replace(/\\(.)/gs, '$1');
  if (new RegExp(`^${DOT_STRING}$`).test(meaning)) return meaning;
  return `"${meaning.replace(/["\\]/g, '\\$&')}"`;
}

/** Whether a text that may be an address literal is a good one, if it is one at all. */
function hasGoodLiteral(domain) {
  if (!domain.startsWith('[')) return true;
  const literal = domain.slice(1, -1);
  if (/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/.test(literal)) return literal.split('.').every((part) => Number(part) <= 255);
  if (/^ipv6:/i.test(literal)) return isIPv6Literal(literal.slice(5));
  if (isIPv6Literal(literal)) return false;
  return /^[A-Za-z0-9-]*[A-Za-z0-9]:[!-Z^-~]+$/.test(literal);
}

/** RFC 5321 §4.1.3: two groups of zeros at least stand behind `::`. */
function isIPv6Literal(text) {
  const group = '[0-9A-Fa-f]{1,4}';
  const tail = /^(.*:)?([0-9]{1,3}(?:\.[0-9]{1,3}){3})$/.exec(text);
  if (tail !== null && !tail[2].split('.').every((part) => Number(part) <= 255)) return false;
  const groups = tail === null ? text : `${tail[1] ?? ''}0:0`;
  if (new RegExp(`^${group}(:${group}){7}$`).test(groups)) return true;
  const halves = groups.split('::');
  if (halves.length !== 2) return false;
  const counts = halves.map((half) =>
    half === '' ? 0 : new RegExp(`^${group}(:${group})*$`).test(half) ? half.split(':').length : NaN,
  );
  return counts[0] + counts[1] <= 6;
}

/** ASCII letters in upper case, and nothing else changed. */
function upper(text) {
  return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
}

function hasHighOctets(text) {
  return /[\x80-\xff]/.test(text);
}

function isWellFormed(text) {
  return isUtf8(Buffer.from(text, 'latin1'));
}

function utf8(text) {
  return Buffer.from(text, 'latin1').toString('utf8');
}

const ATOM = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~\\x80-\\xff]+";
const DOT_STRING = `${ATOM}(?:\\.${ATOM})*`;
const QUOTED_STRING = '"(?:[ !#-\\[\\]-~\\x80-\\xff]|\\\\[ -~])*"';
const LITERAL = '\\[[^\\]]*\\]';
const STRICT = grammarOf('[A-Za-z0-9\\x80-\\xff]');
const LENIENT = grammarOf('[A-Za-z0-9\\x80-\\xff_]');

function grammarOf(letDig) {
  const label = `${letDig}(?:(?:${letDig}|-)*${letDig})?`;
  const domain = `${label}(?:\\.${label})*`;
  const local = `(?:${DOT_STRING}|${QUOTED_STRING})`;
  return { local, domain, route: `@${domain}(?:,@${domain})*:` };
}

const HTTP_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'];
const KNOWN_VERBS =
  'EHLO HELO LHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP ETRN XCLIENT XFORWARD'.split(' ');
const DEFAULTS = {
  commandLengthBytesMax: 512,
  continuationLengthBytesMax: 12_288,
  discardedLineBytesMax: 65_536,
  contentLineBytesMax: 1_048_576,
  idleCommandsMax: 1_000,
  errorsMax: 50,
  refusalsMax: 1_000,
  recipientsMax: 1_000,
  messagesMax: 1_000_000,
  authFailuresMax: 5,
};
