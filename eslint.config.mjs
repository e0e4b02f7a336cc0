import tseslint from 'typescript-eslint';
import local from './eslint-local-rules.mjs';

const processEnv = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Read the environment in src/config/ only.',
};
const shellTrue = {
  selector: "Property[key.name='shell'][value.value=true]",
  message: 'No shell between us and a program: pass an argument list.',
};

export default tseslint.config(
  {
    ignores: [
      ...['dist/', 'coverage/', 'node_modules/', '*.cjs', '*.mjs'],
      // No programs of ours: clients that are made, and projects as users have them.
      ...['test/generated-clients/', 'test/e2e/six-pipelines/', 'test/e2e/first-user/'],
    ],
  },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { project: './tsconfig.json' } },
    plugins: { local },
    rules: {
      'local/plain-words': 'error',
      // Prettier breaks code; comments are for people.
      'max-len': ['error', { code: 10_000, comments: 100, ignoreUrls: true }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'no-console': 'error',
      'no-restricted-syntax': ['error', processEnv, shellTrue],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:child_process',
              importNames: ['exec', 'execSync'],
              message: 'Use spawn or execFile with an argument list.',
            },
          ],
        },
      ],
    },
  },
  {
    // Names that users choose are no keys of plain objects (docs/adr/0021-names-texts-and-urls.md).
    files: ['src/{engine,pipelines,executions,idempotency,logs,workspaces,common,cli}/**/*.ts'],
    ignores: [
      'src/**/*.spec.ts',
      'src/cli/start/**',
      'src/**/*.fixture.ts',
      'src/common/values/name-record.ts',
    ],
    rules: { 'local/no-name-index': 'error' },
  },
  {
    files: ['src/config/**', 'test/**', 'src/**/*.spec.ts'],
    rules: { 'no-restricted-syntax': ['error', shellTrue] },
  },
  {
    // Jest's and supertest's matchers are typed loosely; the product's code is not excused.
    files: ['test/**', 'src/**/*.spec.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
);
