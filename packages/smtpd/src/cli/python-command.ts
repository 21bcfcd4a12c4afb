/** `smtpd [options] [localhost:port [remotehost:port]]`: serves as the old module did. */

import { DebuggingServer, type SMTPServer } from '../index.js';
import { loadClass } from './class-loader.js';
import { becomeNobody } from './privileges.js';
import type { PythonRequest } from './python-arguments.js';
import { cliLogger, constructionError, serve } from './serve.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runPythonForm(
  request: Extract<PythonRequest, { kind: 'serve' }>,
  terminal: Terminal,
): Promise<number> {
  const server = await makeServer(request, terminal);
  return serve(server, terminal, {
    isDebugging: request.isDebugging,
    className: server.constructor.name,
    ...(request.staysRoot ? {} : { onBound: becomeNobody }),
  });
}

async function makeServer(
  request: Extract<PythonRequest, { kind: 'serve' }>,
  { output }: Terminal,
): Promise<SMTPServer> {
  const { className, localAddress, remoteAddress, dataSizeLimit, enableSMTPUTF8 } = request;
  const options = { localAddress, remoteAddress, dataSizeLimit, enableSMTPUTF8 };
  const ServerClass = await loadClass(className);
  try {
    if (ServerClass === DebuggingServer) return new DebuggingServer({ ...options, output, logger: cliLogger });
    return new ServerClass(options);
  } catch (error) {
    throw constructionError(className, error);
  }
}
