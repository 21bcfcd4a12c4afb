/** The extensions that every server has, in the order in which the EHLO reply names them. */

import type { Extension } from '../extension.js';
import { auth } from './auth.js';
import { binaryMIME } from './binary-mime.js';
import { chunking } from './chunking.js';
import { eightBitMIME } from './eight-bit-mime.js';
import { enhancedStatusCodes } from './enhanced-status-codes.js';
import { help } from './help.js';
import { limits } from './limits.js';
import { pipelining } from './pipelining.js';
import { size } from './size.js';
import { smtputf8 } from './smtputf8.js';
import { startTLS } from './starttls.js';
import { xclient } from './xclient.js';
import { xforward } from './xforward.js';

/** Ours. A server adds its own behind them. */
export const STANDARD_EXTENSIONS: readonly Extension[] = Object.freeze([
  size,
  eightBitMIME,
  smtputf8,
  pipelining,
  enhancedStatusCodes,
  help,
  limits,
  chunking,
  binaryMIME,
  startTLS,
  auth,
  xclient,
  xforward,
]);
