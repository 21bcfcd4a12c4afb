/**
 * The linter's settings. TypeScript is checked with types; the few plain scripts are checked without.
 * An exception made here carries its reason; one made in the code does so after `--` in its comment.
 */
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const typescriptFiles = ['**/*.ts', '**/*.tsx', '**/*.mts'];
const plainFiles = ['**/*.js', '**/*.mjs', '**/*.cjs'];

export default defineConfig(
  // What is in `assembly/` is AssemblyScript: its names are TypeScript's, its types are not.
  globalIgnores([
    '**/dist/',
    '**/node_modules/',
    'docs/api/',
    '**/coverage/',
    '**/.cache/',
    'packages/smtpd/assembly/',
  ]),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  {
    files: typescriptFiles,
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      eqeqeq: 'error',
      'object-shorthand': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/prefer-readonly': 'error',
      // A union's members are all named, and `default: assertNever(value)` may still stand at the end.
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { allowDefaultCaseForExhaustiveSwitch: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', caughtErrors: 'all', caughtErrorsIgnorePattern: '^_' },
      ],
      // The compiler lets nobody write an enum, and looking for them takes long.
      '@typescript-eslint/no-unsafe-enum-assignment': 'off',
      // It asks for `!`, which another rule forbids.
      '@typescript-eslint/non-nullable-type-assertion-style': 'off',
      // A hook may return nothing, a reply, or a promise of either: `void` is one of the answers.
      '@typescript-eslint/no-invalid-void-type': 'off',
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'only-allowed-literals' },
      ],
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        {
          allowAny: false,
          allowBoolean: true,
          allowNever: false,
          allowNullish: false,
          allowNumber: true,
          allowRegExp: false,
        },
      ],
      '@typescript-eslint/naming-convention': [
        'error',
        { selector: 'default', format: ['camelCase'], leadingUnderscore: 'allow' },
        { selector: 'import', format: null },
        { selector: 'typeLike', format: ['PascalCase'] },
        { selector: 'variable', format: ['camelCase', 'PascalCase', 'UPPER_CASE'], leadingUnderscore: 'allow' },
        { selector: 'function', format: ['camelCase', 'PascalCase'] },
        // Tables are keyed by the words of the protocol: MAIL, 8BITMIME, X-Peer.
        { selector: ['objectLiteralProperty', 'objectLiteralMethod', 'typeProperty'], format: null },
        // `smtp_<COMMAND>` is how a channel names its verbs.
        { selector: 'method', format: ['camelCase'], filter: { regex: '^smtp_[A-Z0-9]+$', match: false } },
        { selector: 'method', format: null, filter: { regex: '^smtp_[A-Z0-9]+$', match: true } },
      ],
    },
  },
  {
    // The compiler keeps the platform out of the protocol; what the language itself would let in is kept out here.
    files: ['packages/smtpd/src/protocol/**/*.ts'],
    rules: {
      'no-restricted-globals': ['error', { name: 'Promise', message: 'The protocol answers at once.' }],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness is an argument.' },
        { object: 'Date', property: 'now', message: 'Time is an argument.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: ':function[async=true]', message: 'The protocol answers at once.' },
        { selector: 'ImportExpression', message: 'The protocol is loaded as a whole.' },
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: 'Time is an argument.' },
      ],
    },
  },
  {
    files: ['packages/*/src/**/*.ts'],
    ignores: ['packages/smtpd/src/cli/**'],
    rules: { 'no-console': 'error' },
  },
  {
    files: ['**/test/**/*.ts', 'examples/**/*.ts'],
    rules: {
      // What arrives is compared octet by octet, control characters among them.
      'no-control-regex': 'off',
      // Tests hand the library what careless applications hand it: empty hooks, async ones that wait for nothing, nonsense thrown.
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/only-throw-error': 'off',
      '@typescript-eslint/prefer-promise-reject-errors': 'off',
      // Strings over small alphabets are taken apart letter by letter.
      '@typescript-eslint/no-misused-spread': 'off',
      // A value that a test needs and does not find is a failed test, wherever it fails.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: plainFiles,
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'AbortSignal',
          'Buffer',
          'TextDecoder',
          'TextEncoder',
          'URL',
          'clearImmediate',
          'clearInterval',
          'clearTimeout',
          'console',
          'fetch',
          'performance',
          'process',
          'queueMicrotask',
          'setImmediate',
          'setInterval',
          'setTimeout',
          'structuredClone',
        ].map((name) => [name, 'readonly']),
      ),
    },
    rules: { eqeqeq: 'error' },
  },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs' } },
);
