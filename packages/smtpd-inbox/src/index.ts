/** The public names of `smtpd-inbox`. */

export type * from './api/model.js';
