/** One user with everything that a client can show, for tests with AUTH. */

import type { Hook } from '../../src/server/hooks.js';

/** Her name. */
export const USER = 'alice';
/** Her password has what shells, base64 and SCRAM could stumble over. */
export const PASSWORD = 'p="a,ss\' wörd=3D\\';
/** For clients whose password is ASCII. */
export const ASCII_PASSWORD = 'p="a,ss\' word=3D\\';
/** Her access token. */
export const TOKEN = 'ya29.token-of-alice';

/** Lets Alice in: with her password, her token, or a certificate that says her name and is verified. */
export function accounts(password = PASSWORD): Hook {
  return {
    name: 'accounts',
    auth(request) {
      switch (request.kind) {
        case 'password':
          return request.user === USER && request.password === password ? { verified: true } : undefined;
        case 'secret':
          return request.user === USER ? { password } : undefined;
        case 'token':
          return request.token === TOKEN ? { verified: true, user: USER } : undefined;
        case 'external': {
          const certificate = request.session.tls?.peerCertificate;
          const isHers = certificate?.isVerified === true && certificate.commonName === USER;
          return isHers ? { verified: true, user: USER } : undefined;
        }
      }
    },
  };
}
