const OLDEST_NODE = 24;
if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  console.warn(
    `Node.js ${process.version} is too old: ./millrace test brings and uses a newer one.`,
  );
}

/**
 * Nest 12 and a few of its dependencies are ESM only; Jest runs CJS, so these are transformed too
 * (docs/adr/0001).
 */
const esmPackages = [
  '@nestjs',
  'nestjs-pino',
  'file-type',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@borewit',
  '@tokenizer',
  'load-esm',
  'uuid',
  'eventsource-parser',
  'string-width',
  'get-east-asian-width',
  'strip-ansi',
  'ansi-regex',
  '@octokit/webhooks-methods',
  'toml-eslint-parser',
  'eslint-visitor-keys',
  'package-manager-detector',
].join('|');

const common = {
  testEnvironment: 'node',
  transform: {
    '^.+\\.m?[jt]s$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2024',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'commonjs' },
      },
    ],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esmPackages})/)`],
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // It exports itself to `import` alone.
    '^@octokit/webhooks-methods$':
      '<rootDir>/node_modules/@octokit/webhooks-methods/dist-node/index.js',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/'],
};

const services = {
  globalSetup: '<rootDir>/test/support/global-setup.ts',
  globalTeardown: '<rootDir>/test/support/global-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/patience.ts'],
};

module.exports = {
  // Every run is a whole run; Watchman only adds a daemon that may hang.
  watchman: false,
  // Most specs wait for processes, not for a core.
  maxWorkers: 3,
  // Milliseconds until a unit spec counts as one that hangs, hooks too; the machine may be loaded.
  testTimeout: 20_000,
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['<rootDir>/src/**/*.spec.ts', '<rootDir>/test/unit/**/*.spec.ts'],
      testPathIgnorePatterns: ['\\.medium\\.spec\\.ts$'],
    },
    {
      ...common,
      ...services,
      displayName: 'medium',
      testMatch: ['<rootDir>/src/**/*.medium.spec.ts'],
    },
    {
      ...common,
      ...services,
      displayName: 'e2e',
      testMatch: ['<rootDir>/test/{e2e,scenarios,faults}/**/*.spec.ts'],
    },
  ],
};
