#!/usr/bin/env node
/** The program `smtpd-inbox`: joins the process to the command line. */

import { main } from './main.js';

// A reader that has gone (EPIPE) is the end of a pipeline, not a fault to die of.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

process.exitCode = await main(process.argv.slice(2));
