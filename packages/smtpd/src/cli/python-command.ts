/** `smtpd [options] [localhost:port [remotehost:port]]`: serves as the old module did. */

import { DebuggingServer, MailmanProxy, PureProxy, type SMTPServer } from '../index.js';
import { formatRemote } from './addresses.js';
import { loadClass } from './class-loader.js';
import { SERVE } from './commands.js';
import { printConfig } from './print-config.js';
import { becomeNobody } from './privileges.js';
import { understandPythonForm, type PythonRequest } from './python-arguments.js';
import { cliLogger, constructionError, serve } from './serve.js';
import type { Settings } from './settings.js';
import type { Terminal } from './terminal.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runPythonForm(settings: Settings, terminal: Terminal): Promise<number> {
  const request = understandPythonForm(settings);
  if (settings.options.has('print-config'))
    return printConfig(settings, { command: SERVE, addresses: [request.localAddress], terminal });
  const server = await makeServer(request, terminal);
  return serve(server, terminal, {
    isDebugging: request.isDebugging,
    className: server.constructor.name,
    ...(request.staysRoot ? {} : { onBound: becomeNobody }),
  });
}

async function makeServer(request: PythonRequest, { output }: Terminal): Promise<SMTPServer> {
  const { className, localAddress, remoteAddress, dataSizeLimit, enableSMTPUTF8, serverOptions, hooks } = request;
  const options = { localAddress, remoteAddress, dataSizeLimit, enableSMTPUTF8, ...serverOptions };
  const ServerClass = await loadClass(className);
  try {
    const server =
      ServerClass === DebuggingServer
        ? new DebuggingServer({ ...options, output, logger: cliLogger })
        : // The old class took its remote address as a pair; ours takes it as it is typed.
          new ServerClass(
            TAKES_TEXT.includes(ServerClass) ? { ...options, remoteAddress: formatRemote(remoteAddress) } : options,
          );
    for (const hook of hooks) server.use(hook);
    return server;
  } catch (error) {
    throw constructionError(className, error);
  }
}

const TAKES_TEXT: readonly unknown[] = [PureProxy, MailmanProxy];
