#!/usr/bin/env node
/** The program `smtpd`: joins the process to the command line. */

import { main } from './main.js';

// A reader that has gone (EPIPE) is the end of a pipeline, not a fault to die of; whoever serves notices and stops.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);

const exitCode = await main(process.argv.slice(2), {
  output: process.stdout,
  errors: process.stderr,
  isColored: process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
  environment: process.env,
});
// What an application's class left open does not keep a program alive that was told to stop.
process.exit(exitCode);
