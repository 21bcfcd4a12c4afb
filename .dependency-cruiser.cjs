/**
 * Who may import whom (docs/architecture.md draws the same picture). Each layer is named with what it may use;
 * everything else is forbidden, so a new folder is closed until it is named here.
 */
'use strict';

const CORE = '^packages/smtpd/src/';
const STORE = '^packages/smtpd-store/src/';
const INBOX = '^packages/smtpd-inbox/';
const INBOX_SOURCE = `${INBOX}src/`;
/** How the entrances of the sibling packages look, built or resolved to their sources. */
const PACKAGE_FACES = {
  smtpd: '(^|/)packages/smtpd/dist/(index|testing/index)\\.',
  store: '(^|/)packages/smtpd-store/dist/index\\.',
};

/**
 * @param {string} name a folder of the core
 * @param {readonly string[]} mayUse the folders beside itself that it may import from
 * @param {{ node?: boolean, files?: readonly string[] }} options whether Node's own modules are allowed, and single files
 */
function layer(name, mayUse, { node = true, files = [] } = {}) {
  const allowed = [name, ...mayUse].map((folder) => `${CORE}${folder}/`);
  return {
    name: `${name}-imports`,
    comment: `${name} may import from: ${[...mayUse, ...files, ...(node ? ['node'] : [])].join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `${CORE}${name}/` },
    to: {
      // What cannot be resolved is reported once, by `no-unresolved`.
      couldNotResolve: false,
      pathNot: [...allowed, ...files.map((file) => `${CORE}${file}$`)],
      ...(node ? { dependencyTypesNot: ['core'] } : {}),
    },
  };
}

/**
 * @param {string} name a folder of the inbox
 * @param {readonly string[]} mayUse the folders beside itself that it may import from
 * @param {{ node?: boolean, packages?: readonly string[], files?: readonly string[] }} options whether Node's own modules are allowed, packages by their path, and single files
 */
function inboxLayer(name, mayUse, { node = true, packages = [], files = [] } = {}) {
  return {
    name: `inbox-${name}-imports`,
    comment: `${name} of the inbox may import from: ${[...mayUse, ...files, ...(node ? ['node'] : [])].join(', ') || 'nothing'}.`,
    severity: 'error',
    from: { path: `${INBOX_SOURCE}${name}/` },
    to: {
      couldNotResolve: false,
      pathNot: [
        ...[name, ...mayUse].map((folder) => `${INBOX_SOURCE}${folder}/`),
        ...files.map((file) => `${INBOX_SOURCE}${file}$`),
        ...packages,
      ],
      ...(node ? { dependencyTypesNot: ['core'] } : {}),
    },
  };
}

const npm = (name) => `(^|/)node_modules/${name}/`;

module.exports = {
  forbidden: [
    layer('protocol', [], { node: false }),
    layer('net', ['protocol']),
    layer('client', ['protocol', 'net']),
    layer('server', ['protocol', 'net']),
    // Of the transports handlers know nothing; what they keep for a time, they keep by the clock, and on a disk in a folder.
    layer('handlers', ['server', 'client', 'protocol'], { files: ['net/(clock|make-folder)\\.ts'] }),
    // A test server passes mail on to a real one by the steps of the proxy, and knows no other handler.
    layer('testing', ['server', 'client', 'net', 'protocol'], {
      files: ['handlers/proxy/(gathered-passage|narrowing)\\.ts'],
    }),
    layer('cli', [], { files: ['index\\.ts'] }),
    {
      name: 'net-knows-protocol-by-type',
      comment: 'The transports move bytes: of the protocol they may know types, never code.',
      severity: 'error',
      from: { path: `${CORE}net/` },
      to: { path: `${CORE}protocol/`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'testing-knows-protocol-by-type',
      comment:
        'smtpd/testing stands on the server, the client and the steps of the proxy; of the protocol it may know types.',
      severity: 'error',
      from: { path: `${CORE}testing/` },
      to: { path: `${CORE}protocol/`, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'index-imports',
      comment: 'The public index names the layers; the command line and smtpd/testing have entrances of their own.',
      severity: 'error',
      from: { path: `${CORE}index\\.ts$` },
      to: {
        couldNotResolve: false,
        pathNot: ['protocol', 'net', 'client', 'server', 'handlers'].map((name) => `${CORE}${name}/`),
      },
    },
    {
      name: 'layer-unknown',
      comment: 'Every file of the core lies in a layer named in this file.',
      severity: 'error',
      from: {
        path: CORE,
        pathNot: [`${CORE}(protocol|net|client|server|handlers|testing|cli)/`, `${CORE}index\\.ts$`],
      },
      to: {},
    },
    {
      name: 'no-dependencies',
      comment: 'The core has no dependencies: Node and itself, nothing else.',
      severity: 'error',
      from: { path: CORE },
      to: { couldNotResolve: false, pathNot: CORE, dependencyTypesNot: ['core'] },
    },
    {
      name: 'store-imports',
      comment: 'smtpd-store keeps what it is handed: Node and its drivers, never smtpd.',
      severity: 'error',
      from: { path: STORE },
      to: {
        couldNotResolve: false,
        pathNot: [STORE, '(^|/)node_modules/(@photostructure/sqlite|pg|@types/pg)/'],
        dependencyTypesNot: ['core'],
      },
    },
    inboxLayer('api', [], { node: false, packages: [npm('typebox')] }),
    // What a mail says: octets in, facts out. It knows neither servers nor stores.
    inboxLayer('mail', ['api'], {
      files: ['package-folder\\.ts'],
      packages: ['postal-mime', 'parse5', 'postcss', 'mailauth'].map(npm),
    }),
    // What people type to find mail; what a store is asked.
    inboxLayer('search', ['api'], { node: false, packages: [PACKAGE_FACES.store] }),
    // Mail out of the inbox and into it: files, made mail, other servers, other programs.
    inboxLayer('exchange', ['api', 'search'], { packages: [PACKAGE_FACES.smtpd, PACKAGE_FACES.store, npm('fflate')] }),
    inboxLayer('faults', ['api'], { packages: [PACKAGE_FACES.smtpd] }),
    inboxLayer('capture', ['api', 'mail', 'faults'], { packages: [PACKAGE_FACES.smtpd, PACKAGE_FACES.store] }),
    inboxLayer('http', ['api', 'mail', 'search', 'exchange', 'faults', 'capture'], {
      packages: [
        PACKAGE_FACES.smtpd,
        PACKAGE_FACES.store,
        ...['hono', '@hono/node-server', 'typebox', 'fflate', 'ws'].map(npm),
      ],
    }),
    inboxLayer('pop3', [], { packages: [PACKAGE_FACES.smtpd, PACKAGE_FACES.store] }),
    // It runs in browsers and on every runtime.
    inboxLayer('client', ['api'], { node: false }),
    // A fixture of a test runner imports that runner, and starts an inbox where none runs.
    inboxLayer('fixtures', ['client'], { files: ['index\\.ts'], packages: ['vitest', '@playwright/test'].map(npm) }),
    // What asks an inbox that runs is a client, and reads folders of mail.
    inboxLayer('cli', ['client'], {
      files: ['index\\.ts', 'package-folder\\.ts', 'exchange/maildir\\.ts'],
      packages: [PACKAGE_FACES.smtpd, PACKAGE_FACES.store],
    }),
    {
      name: 'inbox-page-imports',
      comment: 'The page knows the API by its types and reaches it by HTTP.',
      severity: 'error',
      from: { path: `${INBOX}page/` },
      to: {
        couldNotResolve: false,
        pathNot: [`${INBOX}page/`, `${INBOX_SOURCE}(api|client)/`, ...['preact', '@preact', 'vite'].map(npm)],
      },
    },
    {
      name: 'examples-use-the-public-face',
      comment: 'An example shows what a reader can write: it imports packages by name, never their files.',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^packages/', pathNot: '^packages/[^/]+/dist/', dependencyTypes: ['local'] },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '/dist/'] },
    exclude: { path: ['^packages/[^/]+/test/'] },
    // Imports of types count as imports.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    builtInModules: { add: ['node:sqlite', 'node:test'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
