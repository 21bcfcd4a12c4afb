/** How our server is set up for the bench: as anyone would, with everything on that is on by default; TLS and higher limits where the load wants them. */
import { settings } from './report.mjs';

const { tls, sizeMax, recipientsMax, backlog } = settings;

export const OPTIONS = {
  localAddress: '127.0.0.1:0',
  ...(backlog === undefined ? {} : { backlog }),
  ...(tls === undefined ? {} : { tls: { mode: 'offer', ...tls } }),
  ...(sizeMax === undefined ? {} : { dataSizeLimit: sizeMax }),
  ...(recipientsMax === undefined ? {} : { limits: { recipientsMax } }),
};
