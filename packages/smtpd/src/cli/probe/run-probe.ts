/**
 * Asks a server. One conversation shows what it offers and how it takes what is right; then what is wrong is sent on connections of
 * their own. No mail is sent: neither DATA nor BDAT, and RCPT only for an address that the user names, and taken back.
 */

import { isIP } from 'node:net';

import type { TLSMode } from '../../index.js';
import type { TLSReport } from './certificate.js';
import { isPositive, note, ok, warning, type Finding, type Judgement, type ProbeReport } from './finding.js';
import { keywordFlaws, parametersOf, readKeywords, type Keyword } from './keywords.js';
import { NotTLSError, UnreachableError, Wire, WireError, type WireReply, type WireTarget } from './wire.js';
import { WRONG_INPUTS, type WrongInput } from './wrong-inputs.js';

/** What to ask, and how. */
export interface ProbeTarget extends WireTarget {
  readonly tls: TLSMode;
  /** What we call ourselves; `undefined`: the address that we connect from. */
  readonly hostname: string | undefined;
  readonly from: string;
  /** `undefined`: no RCPT is sent. */
  readonly to: string | undefined;
  /** Whether a certificate that cannot be verified is only worth a note. */
  readonly isInsecure: boolean;
}

/**
 * Asks a server.
 *
 * @throws {@link UnreachableError} when the first connection cannot be made
 */
export async function probe(target: ProbeTarget): Promise<ProbeReport> {
  const found = new Probe(target);
  await found.converse();
  return found.report();
}

class Probe {
  readonly #target: ProbeTarget;
  readonly #findings: Finding[] = [];
  /** What was wrong with the form of replies, on all connections. */
  readonly #flaws = new Set<string>();
  /** How to introduce ourselves: HELO to a server that knows no EHLO. */
  #hello: 'EHLO' | 'HELO' = 'EHLO';
  #connections = 0;
  #address = '';
  #extensions: readonly Keyword[] = [];
  #extensionsInClear: readonly Keyword[] | undefined;
  #tls: TLSReport | undefined;

  constructor(target: ProbeTarget) {
    this.#target = target;
  }

  report(): ProbeReport {
    const { host, port } = this.#target;
    return {
      host,
      port,
      address: this.#address,
      connections: this.#connections,
      extensions: this.#extensions,
      extensionsInClear: this.#extensionsInClear,
      tls: this.#tls,
      findings: this.#findings,
    };
  }

  async converse(): Promise<void> {
    if (await this.#hearOut()) {
      for (const input of WRONG_INPUTS) await this.#send(input);
      if (this.#extensionsInClear !== undefined) await this.#injectBehindSTARTTLS();
    }
    const flaws = [...this.#flaws];
    this.#add(
      'form of replies',
      'RFC 5321 §4.2',
      flaws.length === 0 ? ok('codes, text and line ends as they should be') : warning(flaws.join('; ')),
    );
  }

  #add(name: string, clause: string, judgement: Judgement): void {
    this.#findings.push({ name, clause, ...judgement });
  }

  async #connect(): Promise<Wire> {
    this.#connections += 1;
    return Wire.connect(this.#target, this.#flaws);
  }

  // ---- The conversation ---------------------------------------------------------------------------------------------

  /** @returns whether the server talks to us, so that there is more to ask */
  async #hearOut(): Promise<boolean> {
    const startMs = performance.now();
    const wire = await this.#connect();
    this.#address = wire.address;
    // What is looked at when the conversation breaks off.
    const at: Place = { name: 'greeting', clause: 'RFC 5321 §3.1' };
    try {
      if (this.#target.tls === 'implicit') {
        Object.assign(at, { name: 'TLS', clause: 'RFC 8314 §3.3' });
        this.#tls = await wire.startTLS();
        Object.assign(at, { name: 'greeting', clause: 'RFC 5321 §3.1' });
      }
      if (!this.#judgeGreeting(await wire.reply(), performance.now() - startMs)) return false;
      Object.assign(at, { name: 'EHLO', clause: 'RFC 5321 §4.1.1.1' });
      if (!(await this.#ehlo(wire))) return false;
      Object.assign(at, { name: 'STARTTLS', clause: 'RFC 3207 §4' });
      if (!(await this.#secure(wire))) return false;
      this.#judgeTLS();
      this.#judgeAUTH();
      this.#judgeLimits();
      Object.assign(at, { name: 'commands', clause: 'RFC 5321 §4.1.1' });
      await this.#tryCommands(wire);
      return true;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#add(at.name, at.clause, warning(error.message));
      return false;
    } finally {
      wire.destroy();
    }
  }

  #judgeGreeting(reply: WireReply | undefined, ms: number): boolean {
    const clause = 'RFC 5321 §3.1';
    if (reply === undefined) {
      this.#add('greeting', clause, warning('the server closed without a greeting'));
      return false;
    }
    if (reply.code !== 220) {
      this.#add('greeting', clause, warning('the server does not want to talk', reply));
      return false;
    }
    const name = reply.lines[0]?.split(' ')[0] ?? '';
    const judgement = SERVER_NAME.test(name)
      ? ok(`after ${String(Math.round(ms))} ms`, reply)
      : warning('it does not begin with the name of the server', reply);
    this.#add('greeting', 'RFC 5321 §4.2', judgement);
    return true;
  }

  /** @returns whether the server knows us now */
  async #ehlo(wire: Wire): Promise<boolean> {
    const clause = 'RFC 5321 §4.1.1.1';
    const reply = await wire.command(`EHLO ${this.#ownName(wire)}`);
    if (reply === undefined) {
      this.#add('EHLO', clause, warning('the server closed'));
      return false;
    }
    if (reply.code === 250) {
      const lines = reply.lines.slice(1);
      const flaws = keywordFlaws(lines);
      this.#extensions = readKeywords(lines);
      this.#add(
        this.#extensionsInClear === undefined ? 'EHLO' : 'EHLO on TLS',
        clause,
        flaws.length === 0 ? ok(`${String(lines.length)} extensions`) : warning(flaws.join('; ')),
      );
      return true;
    }
    const older = await wire.command(`HELO ${this.#ownName(wire)}`);
    if (older?.code === 250) {
      this.#hello = 'HELO';
      this.#add('EHLO', clause, warning('not known; HELO is, so there are no extensions', reply));
      return true;
    }
    this.#add('EHLO', clause, warning('refused, and HELO too', reply));
    return false;
  }

  /** @returns whether the conversation goes on */
  async #secure(wire: Wire): Promise<boolean> {
    const { tls } = this.#target;
    if (tls === 'off' || tls === 'implicit') return true;
    const clause = 'RFC 3207 §4';
    if (parametersOf(this.#extensions, 'STARTTLS') === undefined) {
      const text = 'not offered; mail to this server travels readable';
      this.#add('STARTTLS', clause, tls === 'require' ? warning(text) : note(text));
      return true;
    }
    const reply = await wire.command('STARTTLS');
    if (reply?.code !== 220) {
      this.#add('STARTTLS', clause, warning('offered, and not done', ...(reply === undefined ? [] : [reply])));
      // Whoever refuses goes on in clear.
      return reply !== undefined;
    }
    if (wire.hasUnread) this.#flaws.add('octets in clear behind the reply to STARTTLS');
    this.#tls = await wire.startTLS();
    this.#extensionsInClear = this.#extensions;
    this.#add('STARTTLS', clause, ok('done', reply));
    if (!(await this.#ehlo(wire))) return false;
    this.#add('EHLO after STARTTLS', 'RFC 3207 §4.2', this.#compareExtensions(this.#extensionsInClear));
    return true;
  }

  #compareExtensions(before: readonly Keyword[]): Judgement {
    const text = ({ keyword, parameters }: Keyword): string => `${keyword} ${parameters}`.trim();
    const [old, now] = [before.map(text), this.#extensions.map(text)];
    if (now.includes('STARTTLS')) return warning('STARTTLS is offered again, on TLS');
    const gone = old.filter((each) => !now.includes(each));
    const come = now.filter((each) => !old.includes(each));
    const changes = [...come.map((each) => `now with ${each}`), ...gone.map((each) => `no more ${each}`)];
    return ok(changes.join('; '));
  }

  #judgeTLS(): void {
    if (this.#tls === undefined) return;
    const { version, cipher, certificate } = this.#tls;
    this.#add('TLS', 'RFC 8996', ok(`${version}, ${cipher}`));
    const { names, validTo, problem } = certificate;
    const daysLeft = Math.floor((Date.parse(validTo) - Date.now()) / DAY_MS);
    const whose = `for ${names.join(', ')}; valid until ${validTo.slice(0, 10)}`;
    const text = problem === undefined ? whose : `${problem}; ${whose}`;
    const isBad = problem !== undefined && !this.#target.isInsecure;
    const isOdd = problem !== undefined || daysLeft < DAYS_LEFT_MIN;
    this.#add('certificate', 'RFC 9525 §6', isBad ? warning(text) : isOdd ? note(text) : ok(text));
  }

  #judgeAUTH(): void {
    const clause = 'RFC 4954 §4';
    const mechanisms = (extensions: readonly Keyword[]): readonly string[] =>
      (parametersOf(extensions, 'AUTH') ?? '')
        .toUpperCase()
        .split(' ')
        .filter((word) => word !== '');
    const now = mechanisms(this.#extensions);
    const inClear = this.#tls === undefined ? now : mechanisms(this.#extensionsInClear ?? []);
    const readable = inClear.filter((name) => READABLE_MECHANISMS.has(name));
    if (readable.length > 0) {
      this.#add('AUTH', clause, warning(`passwords may be sent without TLS: ${readable.join(', ')}`));
      return;
    }
    if (now.length === 0) this.#add('AUTH', clause, note('not offered'));
    else this.#add('AUTH', clause, ok(`${now.join(', ')}; without TLS ${inClear.join(', ') || 'none'}`));
  }

  #judgeLimits(): void {
    const size = parametersOf(this.#extensions, 'SIZE');
    if (size === undefined)
      this.#add('SIZE', 'RFC 1870 §4', note('not offered; a client cannot know what is too large'));
    else if (/^\d{0,20}$/.test(size))
      this.#add('SIZE', 'RFC 1870 §4', ok(Number(size) > 0 ? `${size} octets` : 'no limit told'));
    else this.#add('SIZE', 'RFC 1870 §4', warning(`"${size}" is not a number of at most 20 digits`));

    const limits = parametersOf(this.#extensions, 'LIMITS');
    if (limits === undefined) return;
    const isWellFormed = limits.split(' ').every((each) => /^[A-Z0-9][A-Z0-9-]*(?:=[!-:<-~]+)?$/i.test(each));
    this.#add('LIMITS', 'RFC 9422 §4', isWellFormed ? ok(limits) : warning(`"${limits}" is not well formed`));
  }

  // ---- Commands that are right, or nearly ---------------------------------------------------------------------------

  async #tryCommands(wire: Wire): Promise<void> {
    const heard: WireReply[] = [];
    const say = async (line: string): Promise<WireReply> => {
      const reply = await wire.command(line);
      if (reply === undefined) throw new WireError(`the server closed instead of answering ${line}`);
      heard.push(reply);
      return reply;
    };
    const lower = await say('noop');
    this.#add('lower case', 'RFC 5321 §2.4', lower.code === 250 ? ok('understood', lower) : warning('"noop"', lower));
    await this.#pipeline(wire);
    const help = await say('HELP');
    this.#add('HELP', 'RFC 5321 §4.1.1.8', isPositive(help) ? ok('helps', help) : note('does not help', help));
    this.#add('VRFY', 'RFC 5321 §3.5.3', judgeVRFY(await say('VRFY postmaster')));
    await this.#tryMail(say);
    const reset = await say('RSET');
    this.#add('RSET', 'RFC 5321 §4.1.1.5', reset.code === 250 ? ok('done', reset) : warning('not done', reset));
    this.#judgeEnhancedCodes(heard);
    const quit = await wire.command('QUIT');
    const isRight = quit?.code === 221 && (await wire.reply()) === undefined;
    this.#add(
      'QUIT',
      'RFC 5321 §4.1.1.10',
      isRight
        ? ok('221, and the server closes')
        : warning('not 221 and then the end', ...(quit === undefined ? [] : [quit])),
    );
  }

  async #pipeline(wire: Wire): Promise<void> {
    const clause = 'RFC 2920 §3.2';
    if (parametersOf(this.#extensions, 'PIPELINING') === undefined) {
      this.#add('PIPELINING', clause, note('not offered, not tried'));
      return;
    }
    wire.send('NOOP\r\n'.repeat(GROUP_LENGTH));
    for (let index = 0; index < GROUP_LENGTH; index += 1) {
      const reply = await wire.reply();
      if (reply?.code === 250) continue;
      if (reply === undefined) throw new WireError('the server closed in the middle of a group of commands');
      this.#add('PIPELINING', clause, warning('offered, and refused', reply));
      return;
    }
    this.#add('PIPELINING', clause, ok(`${String(GROUP_LENGTH)} commands in one go, as many answers`));
  }

  async #tryMail(say: (line: string) => Promise<WireReply>): Promise<void> {
    const { from, to } = this.#target;
    const mail = `MAIL FROM:<${from}>`;
    const unknown = await say(`${mail} XSMTPDPROBE=1`);
    this.#add('unknown parameter of MAIL', 'RFC 5321 §4.1.1.11', judgeUnknownParameter(unknown));
    if (isPositive(unknown)) await say('RSET');

    const size = parametersOf(this.#extensions, 'SIZE') ?? '';
    if (/^[1-9]\d{0,19}$/.test(size)) {
      const tooLarge = await say(`${mail} SIZE=${String(BigInt(size) + 1n)}`);
      const isTaken = isPositive(tooLarge);
      const text = isTaken ? 'taken; it would be refused after the content' : 'not taken';
      this.#add('declared size over SIZE', 'RFC 1870 §6.1', isTaken ? note(text, tooLarge) : ok(text, tooLarge));
      if (isTaken) await say('RSET');
    }

    if (to === undefined) return;
    const sender = await say(mail);
    if (!isPositive(sender)) {
      this.#add('RCPT', 'RFC 5321 §4.1.1.3', note('MAIL is refused already', sender));
      return;
    }
    const recipient = await say(`RCPT TO:<${to}>`);
    const isTaken = isPositive(recipient);
    this.#add('RCPT', 'RFC 5321 §4.1.1.3', isTaken ? ok('taken', recipient) : note('refused', recipient));
  }

  /** RFC 2034 §4: every 2yz, 4yz and 5yz reply, save to the greeting, EHLO and HELO. */
  #judgeEnhancedCodes(replies: readonly WireReply[]): void {
    if (parametersOf(this.#extensions, 'ENHANCEDSTATUSCODES') === undefined) return;
    const bare = replies.find(({ code, lines }) => {
      const own = /^([245])\.\d{1,3}\.\d{1,3}(?: |$)/.exec(lines[0] ?? '')?.[1];
      return own !== String(code).charAt(0);
    });
    this.#add(
      'enhanced codes',
      'RFC 2034 §4',
      bare === undefined ? ok('in every reply') : note('offered, and missing or of another class', bare),
    );
  }

  // ---- What is wrong ------------------------------------------------------------------------------------------------

  async #send({ name, clause, octets, isGreeted, judge }: WrongInput): Promise<void> {
    await this.#apart(name, clause, async (wire) => {
      if (this.#extensionsInClear !== undefined) {
        await this.#expect(wire, `EHLO ${this.#ownName(wire)}`, 250);
        await this.#expect(wire, 'STARTTLS', 220);
        await wire.startTLS();
      }
      if (isGreeted) await this.#expect(wire, `${this.#hello} ${this.#ownName(wire)}`, 250);
      wire.send(octets);
      const replies: WireReply[] = [];
      for (let reply = await wire.reply(); reply !== undefined; reply = await wire.reply()) {
        if (replies.length === 0) wire.send('QUIT\r\n');
        else if (reply.code === 221) break;
        replies.push(reply);
      }
      return judge(replies);
    });
  }

  /** RFC 3207 §4.2: what was sent in clear is forgotten. QUIT is unmistakable when it is not: the server leaves. */
  async #injectBehindSTARTTLS(): Promise<void> {
    await this.#apart('command injected behind STARTTLS', 'RFC 3207 §4.2', async (wire) => {
      await this.#expect(wire, `EHLO ${this.#ownName(wire)}`, 250);
      wire.send('STARTTLS\r\nQUIT\r\n');
      const reply = await wire.reply();
      if (reply === undefined) return ok('the server closed');
      if (reply.code !== 220) return ok('refused', reply);
      if (wire.hasUnread) return warning('answered in clear, before the handshake', reply);
      try {
        await wire.startTLS();
      } catch (error) {
        if (error instanceof NotTLSError) return warning('answered in clear, before the handshake', reply);
        // It was read as the beginning of the handshake, which it is not.
        if (error instanceof WireError) return ok(error.message);
        throw error;
      }
      const answer = await wire.command(`EHLO ${this.#ownName(wire)}`);
      if (answer?.code === 250) return ok('forgotten');
      return warning('carried out on TLS, as if it had been sent there', ...(answer === undefined ? [] : [answer]));
    });
  }

  /** Asks on a connection of its own, on which nobody has been greeted; what goes wrong with that is a finding. */
  async #apart(name: string, clause: string, ask: (wire: Wire) => Promise<Judgement>): Promise<void> {
    let wire: Wire | undefined;
    try {
      wire = await this.#connect();
      if (this.#target.tls === 'implicit') await wire.startTLS();
      const greeting = await wire.reply();
      if (greeting?.code !== 220) throw new NotAsked(greeting);
      this.#add(name, clause, await ask(wire));
    } catch (error) {
      if (error instanceof NotAsked)
        this.#add(name, clause, note('not asked: the server would not go on', ...error.replies));
      else if (error instanceof UnreachableError) this.#add(name, clause, note(`not asked: ${error.message}`));
      else if (error instanceof WireError) this.#add(name, clause, warning(error.message));
      else throw error;
    } finally {
      wire?.destroy();
    }
  }

  async #expect(wire: Wire, line: string, code: number): Promise<void> {
    const reply = await wire.command(line);
    if (reply?.code !== code) throw new NotAsked(reply);
  }

  #ownName({ localAddress }: Wire): string {
    const literal = isIP(localAddress) === 6 ? `[IPv6:${localAddress}]` : `[${localAddress}]`;
    return this.#target.hostname ?? literal;
  }
}

interface Place {
  name: string;
  clause: string;
}

/** The server did not get as far as the question. */
class NotAsked extends Error {
  override readonly name = 'NotAsked';
  readonly replies: readonly WireReply[];

  constructor(reply: WireReply | undefined) {
    super();
    this.replies = reply === undefined ? [] : [reply];
  }
}

function judgeVRFY(reply: WireReply): Judgement {
  // RFC 5321 §4.5.1: every server knows VRFY; §3.5.3: one that does not want to answer says 252.
  if (reply.code === 500) return warning('not known, and every server must know it', reply);
  return reply.code === 502 ? note('switched off; 252 would say so more politely', reply) : ok('answered', reply);
}

function judgeUnknownParameter(reply: WireReply): Judgement {
  if (isPositive(reply)) return warning('taken, though nobody knows what it asks for', reply);
  return reply.code === 555 ? ok('refused', reply) : note('refused, but not with 555', reply);
}

const GROUP_LENGTH = 5;
const DAY_MS = 86_400_000;
const DAYS_LEFT_MIN = 14;
/** RFC 5321 §4.2: the domain, or an address literal. */
const SERVER_NAME = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[!-Z^-~]+\])$/;
/** Those of which a listener can read the password or the token. */
const READABLE_MECHANISMS: ReadonlySet<string> = new Set(['PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER']);
