/** `smtpd probe host:port`: asks a server what it can do. */

import { readFileSync } from 'node:fs';

import type { TLSMode } from '../../index.js';
import { formatRemote, parseRemote } from '../addresses.js';
import type { ParsedArguments } from '../arguments.js';
import { CommandError, EXIT, messageOf, usageError } from '../command-error.js';
import { numberOf, textOf } from '../options.js';
import { print, type Terminal } from '../terminal.js';
import { countOf, formatReport, formatReportAsJSON } from './report.js';
import { probe, type ProbeTarget } from './run-probe.js';
import { UnreachableError } from './wire.js';

/**
 * Asks.
 *
 * @returns the exit code: 1 when there is something to warn of
 * @throws CommandError with exit code 2, or 3 when the server cannot be reached
 */
export async function runProbe(parsed: ParsedArguments, terminal: Terminal): Promise<number> {
  const target = targetOf(parsed);
  try {
    const report = await probe(target);
    const isJSON = parsed.options.has('json');
    await print(terminal.output, isJSON ? formatReportAsJSON(report) : formatReport(report, terminal.isColored));
    return countOf(report.findings, 'warning') > 0 ? EXIT.failure : EXIT.success;
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    const message = `Cannot connect to ${formatRemote(target)}: ${error.message}`;
    throw new CommandError(EXIT.unreachable, message, { cause: error });
  }
}

function targetOf({ options, words }: ParsedArguments): ProbeTarget {
  const [word, ...more] = words;
  if (word === undefined) throw usageError('Say which server: smtpd probe host:port');
  if (more.length > 0) throw usageError(`Invalid arguments: ${more.join(', ')}; smtpd probe asks one server`);
  const hostname = textOf(options, 'hostname');
  if (hostname !== undefined && !CLIENT_NAME.test(hostname))
    throw usageError(`option --hostname is a domain or an address literal, not "${hostname}"`);
  return {
    ...parseRemote(word),
    // The option table lets no other value through.
    tls: (textOf(options, 'tls') ?? 'offer') as TLSMode,
    timeoutMs: (numberOf(options, 'timeout') ?? TIMEOUT_S) * 1_000,
    ca: readCA(textOf(options, 'ca')),
    hostname,
    from: address(textOf(options, 'from'), '--from') ?? '',
    to: address(textOf(options, 'to'), '--to'),
    isInsecure: options.has('insecure'),
  };
}

function readCA(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch (error) {
    throw usageError(`option --ca cannot be read: ${messageOf(error)}`);
  }
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw usageError(`option --ca: ${file} has no certificate in PEM`);
  return text;
}

/** Whatever is typed, it stays within one command. */
function address(text: string | undefined, name: string): string | undefined {
  if (text === undefined || ADDRESS.test(text) || (text === '' && name === '--from')) return text;
  throw usageError(`option ${name} is an address such as you@example.org, not "${text}"`);
}

const TIMEOUT_S = 30;
const ADDRESS = /^[!-;=?-~]+@[!-;=?-~]+$/;
const CLIENT_NAME = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[!-Z^-~]+\])$/;
