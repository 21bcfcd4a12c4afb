/** `smtpd [options] [localhost:port [remotehost:port]]`: serves as the old module did. */

import { DebuggingServer, MailmanProxy, PureProxy, type SMTPServer } from '../index.js';
import { formatRemote } from './addresses.js';
import { loadClass, type ServerClass } from './class-loader.js';
import { SERVE } from './commands.js';
import { ONE_PRINTER } from './debug-command.js';
import { printConfig } from './print-config.js';
import { becomeNobody } from './privileges.js';
import { understandPythonForm, type PythonRequest } from './python-arguments.js';
import { SHARED_LIMITS } from './receiver.js';
import { cliLogger, constructionError, serve } from './serve.js';
import type { Settings } from './settings.js';
import { supervise } from './supervisor.js';
import type { Terminal } from './terminal.js';
import { requireOneProcess, workerCount } from './worker-count.js';
import { WorkerLink } from './worker-link.js';

/**
 * Serves.
 *
 * @returns the exit code
 * @throws CommandError
 */
export async function runPythonForm(settings: Settings, terminal: Terminal): Promise<number> {
  const request = understandPythonForm(settings);
  const { localAddress } = request;
  if (settings.options.has('print-config'))
    return printConfig(settings, { command: SERVE, addresses: [localAddress], terminal });
  const serverClass = await loadClass(request.className);
  if (isPrinter(serverClass)) requireOneProcess(settings, ONE_PRINTER);
  const worker = WorkerLink.find(terminal.environment);
  const reloadsTLS = settings.options.has('tls-cert');
  const count = workerCount(settings);
  // Whoever supervises stays root: it opens the ports for workers that take the place of others, and those read keys before they listen.
  if (count > 1 && worker === undefined) return supervise(terminal, { count, addresses: [localAddress], reloadsTLS });
  const server = makeServer(serverClass, { request, terminal, worker });
  return serve(server, terminal, {
    isDebugging: request.isDebugging,
    className: server.constructor.name,
    ...{ reloadsTLS, worker },
    ...(request.staysRoot ? {} : { onBound: becomeNobody }),
  });
}

function makeServer(
  serverClass: ServerClass,
  { request, terminal, worker }: { request: PythonRequest; terminal: Terminal; worker: WorkerLink | undefined },
): SMTPServer {
  const { className, remoteAddress, dataSizeLimit, enableSMTPUTF8, serverOptions, hooks } = request;
  const localAddress = worker?.addresses[0] ?? request.localAddress;
  const shared = worker === undefined ? {} : { sharedLimits: SHARED_LIMITS };
  const options = { localAddress, remoteAddress, dataSizeLimit, enableSMTPUTF8, ...shared, ...serverOptions };
  try {
    const server =
      serverClass === DebuggingServer
        ? new DebuggingServer({ ...options, output: terminal.output, logger: cliLogger(worker) })
        : // The old class took its remote address as a pair; ours takes it as it is typed.
          new serverClass(
            TAKES_TEXT.includes(serverClass) ? { ...options, remoteAddress: formatRemote(remoteAddress) } : options,
          );
    for (const hook of hooks) server.use(hook);
    return server;
  } catch (error) {
    throw constructionError(className, error);
  }
}

function isPrinter(serverClass: ServerClass): boolean {
  return serverClass === DebuggingServer || serverClass.prototype instanceof DebuggingServer;
}

const TAKES_TEXT: readonly unknown[] = [PureProxy, MailmanProxy];
