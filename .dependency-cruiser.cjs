/**
 * Who may import whom (docs/architecture.md draws the same picture). Each layer is named with what it may use;
 * everything else is forbidden, so a new folder is closed until it is named here.
 */
'use strict';

const CORE = '^packages/smtpd/src/';
const STORE = '^packages/smtpd-store/src/';

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

module.exports = {
  forbidden: [
    layer('protocol', [], { node: false }),
    layer('net', ['protocol']),
    layer('client', ['protocol', 'net']),
    layer('server', ['protocol', 'net']),
    // Of the transports handlers know nothing; what they keep for a time, they keep by the clock.
    layer('handlers', ['server', 'client', 'protocol'], { files: ['net/clock\\.ts'] }),
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
      comment: 'smtpd-store keeps what it is handed: Node and its driver, never smtpd.',
      severity: 'error',
      from: { path: STORE },
      to: {
        couldNotResolve: false,
        pathNot: [STORE, '(^|/)node_modules/@photostructure/sqlite/'],
        dependencyTypesNot: ['core'],
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
