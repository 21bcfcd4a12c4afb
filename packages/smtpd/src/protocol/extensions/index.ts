/** The extensions that every server has, in the order in which the EHLO reply names them. */

import type { Extension } from '../extension.js';
import { eightBitMIME } from './eight-bit-mime.js';
import { enhancedStatusCodes } from './enhanced-status-codes.js';
import { help } from './help.js';
import { pipelining } from './pipelining.js';
import { size } from './size.js';
import { smtputf8 } from './smtputf8.js';

/** Ours. A server adds its own behind them. */
export const STANDARD_EXTENSIONS: readonly Extension[] = Object.freeze([
  size,
  eightBitMIME,
  smtputf8,
  pipelining,
  enhancedStatusCodes,
  help,
]);
