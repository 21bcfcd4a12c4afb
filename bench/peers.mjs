/**
 * Who is compared: the servers and the proxies by their names, what each cannot do, and where the peers are that this repository does not
 * bring. How they are started is told in `server-processes.mjs`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The servers, in the order of a round. `lacks`: extensions that a workload may need. */
export const SERVERS = {
  smtpd: { lacks: [] },
  'smtp-server': { lacks: ['bdat'] },
  'smtp-sink': { lacks: ['bdat', 'tls'] },
  floor: { lacks: [] },
  haraka: { lacks: ['bdat'] },
  aiosmtpd: { lacks: ['bdat'] },
  'smtpd-workers': { lacks: ['tls'] },
  'smtpd-stream': { lacks: [] },
};
export const SERVER_NAMES = Object.keys(SERVERS);

/** Those that are compared. Ours in other ways of being used are no peers of the one, and take part where somebody asks for them. */
export const COMPARED_SERVER_NAMES = SERVER_NAMES.filter((name) => !name.startsWith('smtpd-'));

/** Those that take part where nobody asks for others: ours, and what its goals are measured with. */
export const USUAL_SERVER_NAMES = ['smtpd', 'smtp-server', 'smtp-sink', 'floor'];

/** The proxies, in the order of a round, each in front of a floor of its own; and the floor without a proxy. */
export const PROXY_NAMES = ['smtpd-proxy', 'glue-proxy', 'haraka-proxy', 'aiosmtpd-proxy', 'floor-proxy', 'floor'];

export const SINK_PATH = ['/usr/sbin/smtp-sink', '/usr/lib/postfix/sbin/smtp-sink', '/usr/local/sbin/smtp-sink'].find(
  (path) => existsSync(path),
);
/** Debian's, which has aiosmtpd where its package is installed. */
export const PYTHON_PATH = '/usr/bin/python3';

const HARAKA_VERSION = '3.3.4';
const HARAKA_FOLDER = fileURLToPath(new URL('../node_modules/.cache/smtpd-bench/haraka/', import.meta.url));

/** Where Haraka is: installed here, or in the path. */
export function harakaPath() {
  return [join(HARAKA_FOLDER, 'node_modules/.bin'), ...(process.env.PATH ?? '').split(delimiter)]
    .map((folder) => join(folder, 'haraka'))
    .find((path) => existsSync(path));
}

/** Why a server cannot take part on this machine; `undefined`: it can. */
export function missing(name) {
  switch (name) {
    case 'smtp-sink':
      return SINK_PATH === undefined ? 'Debian: postfix' : undefined;
    case 'haraka':
    case 'haraka-proxy':
      return harakaPath() === undefined ? '--install' : undefined;
    case 'aiosmtpd':
    case 'aiosmtpd-proxy':
      return aiosmtpdVersion() === undefined ? 'Debian: python3-aiosmtpd' : undefined;
    default:
      return undefined;
  }
}

/** Installs Haraka beside the dependencies of this repository, not among them. */
export function installPeers() {
  mkdirSync(HARAKA_FOLDER, { recursive: true });
  // Without its scripts: what they would compile is for logs that nobody keeps here.
  const how = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund'];
  const words = ['install', ...how, '--prefix', HARAKA_FOLDER, `Haraka@${HARAKA_VERSION}`];
  const { status } = spawnSync('npm', words, { stdio: 'inherit' });
  if (status !== 0) throw new Error('npm could not install Haraka: see above');
}

/** The versions of everything that takes part. */
export function versionsOf(names) {
  const isIn = (...some) => some.some((name) => names.includes(name));
  const entries = {
    node: process.version,
    openssl: process.versions.openssl,
    smtpd: versionIn(new URL('../packages/smtpd/package.json', import.meta.url)),
    'smtp-server': isIn('smtp-server', 'glue-proxy')
      ? versionIn(new URL('../node_modules/smtp-server/package.json', import.meta.url))
      : undefined,
    nodemailer: isIn('glue-proxy')
      ? versionIn(new URL('../node_modules/nodemailer/package.json', import.meta.url))
      : undefined,
    'smtp-sink (postfix)': isIn('smtp-sink') ? sinkVersion() : undefined,
    Haraka: isIn('haraka', 'haraka-proxy') ? harakaVersion() : undefined,
    aiosmtpd: isIn('aiosmtpd', 'aiosmtpd-proxy') ? aiosmtpdVersion() : undefined,
  };
  return Object.fromEntries(Object.entries(entries).filter(([, version]) => version !== undefined));
}

function versionIn(file) {
  return JSON.parse(readFileSync(file, 'utf8')).version;
}

/** The sink does not tell its version, so the package manager is asked. */
function sinkVersion() {
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'postfix'], { encoding: 'utf8' });
  return status === 0 ? stdout : 'of unknown version';
}

function harakaVersion() {
  const { stdout } = spawnSync(process.execPath, [harakaPath(), '--version'], { encoding: 'utf8' });
  return /\d+\.\d+\.\d+\S*/.exec(stdout ?? '')?.[0] ?? 'of unknown version';
}

function aiosmtpdVersion() {
  const program = 'import aiosmtpd, platform; print(f"{aiosmtpd.__version__} on Python {platform.python_version()}")';
  const { status, stdout } = spawnSync(PYTHON_PATH, ['-c', program], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}
