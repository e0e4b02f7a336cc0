/**
 * The import rules of docs/architecture.md: lower levels only, never sideways, never in a circle.
 */
/**
 * What every feature may ask: who calls and what they may do; whether it is this process's turn.
 */
const base = ['auth', 'leases'];
const l2 = [
  'audit',
  'environments',
  'idempotency',
  'secrets',
  'logs',
  'workspaces',
  'workers',
  'ports',
  'service-registry',
];
const l3 = ['pipelines', 'repositories'];
const l4 = ['executions'];
const l5 = [
  'deployments',
  'detections',
  'triggers',
  'notifications',
  'health',
  'metrics',
  'log-level',
];
const l0l1 = ['config', 'common', 'engine', 'detection', 'embedded', 'integrations'];
const inside = (folders) => `^src/(${folders.join('|')})/`;
const tests = '\\.spec\\.ts$|^test/';

const upward = (name, from, to) => ({
  name,
  severity: 'error',
  comment: 'A folder imports lower levels only.',
  from: { path: inside(from), pathNot: tests },
  to: { path: inside(to) },
});

/**
 * What features may know of an integration: its port, and the values and errors that belong to it.
 */
const ports = [
  'container-runtime/container-runtime',
  'container-runtime/container-support',
  'container-runtime/engine-watch',
  'container-runtime/folder-giver',
  'container-runtime/image-builder',
  'container-runtime/service-containers',
  'counters/counters',
  'database/background-rounds',
  'database/database-errors',
  'database/database-retry',
  'database/grouped-call',
  'event-bus/event-bus',
  'forge/forge',
  'forge/forge-accounts',
  'forge/forge-event',
  'forge/webhooks/payload',
  'forge/webhooks/webhook-dialect',
  'forge/webhooks/webhook-dialects',
  'git/git-client',
  'job-queue/job-queue',
  'local-services/local-services',
  'local-services/local-services\\.error',
  'mail/mailer',
  'object-store/object-key',
  'object-store/object-store',
  'process/process-groups',
  'process/process-runner',
  'process/step-account',
  'rate-limit/compile-limit\\.guard',
  'rate-limit/login-limit\\.guard',
  'rate-limit/rate-limits',
  'reverse-proxy/reverse-proxy',
  'reverse-proxy/route-rules',
  'ssh/ssh-client',
  'tracing/tracing',
].map((file) => `^src/integrations/${file}\\.ts$`);
/**
 * Adapters of features: each has a port of its own feature, and is the only file there that knows
 * the store.
 */
const redisStores =
  '^src/(workers/worker-beats|workers/worker-metrics\\.store|log-level/log-level\\.store)\\.ts$';
const storeProbes = '^src/health/store\\.probes\\.ts$';
const redis = '^src/integrations/redis/redis-connections\\.ts$';

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'engine-is-pure',
      severity: 'error',
      comment:
        'The engine knows no Nest, database, queue, file system or process; parsers of its input and rules for values are all it may use.',
      from: { path: '^src/engine/', pathNot: tests },
      to: {
        path: '.',
        pathNot: [
          '^src/engine/',
          '^src/common/values/',
          '^node_modules/(yaml|re2js|lru-cache)/',
          '^(node:)?crypto$',
        ],
      },
    },
    {
      name: 'detection-is-pure',
      severity: 'error',
      comment: 'It knows files by its port alone, and nothing of Nest, stores or processes.',
      from: { path: '^src/detection/', pathNot: [tests, 'disk-tree\\.ts$'] },
      to: {
        path: '.',
        pathNot: [
          '^src/detection/',
          '^node_modules/(yaml|saxes|toml-eslint-parser|package-manager-detector)/',
        ],
      },
    },
    {
      name: 'values-are-pure',
      severity: 'error',
      comment: 'Rules for values are used by every level, so they import nothing else.',
      from: { path: '^src/common/values/', pathNot: tests },
      to: { path: '.', pathNot: '^src/common/values/' },
    },
    upward(
      'common-is-lowest',
      ['common'],
      ['engine', 'detection', 'embedded', 'integrations', ...base, ...l2, ...l3, ...l4, ...l5],
    ),
    upward(
      'config-is-lowest',
      ['config'],
      ['engine', 'detection', 'embedded', 'integrations', ...base, ...l2, ...l3, ...l4, ...l5],
    ),
    upward(
      'l1-imports-l0',
      ['detection', 'embedded', 'integrations'],
      [...base, ...l2, ...l3, ...l4, ...l5],
    ),
    upward('base-is-below-features', base, [...l2, ...l3, ...l4, ...l5]),
    upward('l2-imports-below', l2, [...l3, ...l4, ...l5]),
    upward('l3-imports-below', l3, [...l4, ...l5]),
    upward('l4-imports-below', l4, l5),
    {
      name: 'features-never-sideways',
      severity: 'error',
      comment: 'Two features of one level do not know each other.',
      from: { path: `^src/(${[...l2, ...l5].join('|')})/`, pathNot: tests },
      to: { path: inside([...l2, ...l5]), pathNot: ['^src/$1/', inside(l2)] },
    },
    {
      name: 'l2-never-sideways',
      severity: 'error',
      from: { path: `^src/(${l2.join('|')})/`, pathNot: tests },
      to: { path: inside(l2), pathNot: '^src/$1/' },
    },
    {
      name: 'nothing-imports-entry-files',
      severity: 'error',
      from: { path: '^src/', pathNot: tests },
      to: { path: '^src/(main|worker|launcher|cli|compile-child|detect-child|hand-over)\\.ts$' },
    },
    {
      name: 'only-entries-import-cli',
      severity: 'error',
      from: { path: inside([...l0l1, ...l2, ...l3, ...l4, ...l5]), pathNot: tests },
      to: { path: '^src/(cli|app|programs)/' },
    },
    {
      name: 'mongoose-in-repositories',
      severity: 'error',
      comment:
        'Only repositories, schemas, modules that register them, and the database integration know Mongoose.',
      from: {
        path: '^src/',
        pathNot: ['\\.(repository|schema|module)\\.ts$', '^src/integrations/database/', tests],
      },
      to: { path: '^node_modules/(mongoose|@nestjs/mongoose|mongodb)/' },
    },
    {
      name: 'drivers-in-adapters',
      severity: 'error',
      comment: 'A driver is used by the adapters of its capability only.',
      from: { path: '^src/', pathNot: ['^src/integrations/', '^src/embedded/', tests] },
      to: {
        path: '^node_modules/(ioredis|bullmq|@nestjs/bullmq|dockerode|isomorphic-git|ssh2|nodemailer)/',
      },
    },
    {
      name: 'features-see-ports',
      severity: 'error',
      comment:
        'A feature knows the port of an integration; which adapter it gets, its modules say.',
      from: {
        path: '^src/',
        pathNot: [
          '^src/(integrations|embedded|app|cli|programs)/',
          '^src/[^/]+\\.ts$',
          '\\.(module|fixture)\\.ts$',
          redisStores,
          storeProbes,
          tests,
        ],
      },
      to: { path: '^src/integrations/', pathNot: ports },
    },
    {
      name: 'stores-of-features-see-redis',
      severity: 'error',
      from: { path: redisStores },
      to: { path: '^src/integrations/', pathNot: [...ports, redis] },
    },
    {
      name: 'probes-see-stores',
      severity: 'error',
      from: { path: storeProbes },
      to: {
        path: '^src/integrations/',
        pathNot: [
          ...ports,
          redis,
          '/redis/redis-memory\\.ts$',
          '/database/database-connection\\.ts$',
        ],
      },
    },
    {
      name: 'integrations-never-sideways',
      severity: 'error',
      comment:
        'All may stand on Redis, and take part in a trace; else they do not know each other.',
      from: {
        path: '^src/integrations/([^/]+)/',
        pathNot: [tests, '^src/integrations/local-services/supervisor/service-'],
      },
      to: {
        path: '^src/integrations/',
        pathNot: ['^src/integrations/$1/', redis, '^src/integrations/tracing/tracing\\.ts$'],
      },
    },
    {
      name: 'services-see-trees',
      severity: 'error',
      comment: 'How a tree of processes is found and ended is known in one place.',
      from: { path: '^src/integrations/local-services/supervisor/service-', pathNot: tests },
      to: {
        path: '^src/integrations/',
        pathNot: ['^src/integrations/local-services/', '^src/integrations/process/trees/'],
      },
    },
    {
      name: 'fakes-in-tests',
      severity: 'error',
      comment: 'What stands in for an adapter in tests is in no program.',
      from: { path: '^src/', pathNot: ['\\.fixture\\.ts$', tests] },
      to: {
        path: '^src/integrations/[^/]+/(fake-process-runner|memory-event-bus|memory-job-queue)\\.ts$',
      },
    },
    {
      name: 'tracing-on-demand',
      severity: 'error',
      comment:
        'OpenTelemetry is loaded only when a collector is configured: nothing imports it with its own module.',
      from: {
        path: '^src/',
        pathNot: ['^src/integrations/tracing/(otel-tracing|outage-exporter)\\.ts$', tests],
      },
      to: {
        path: [
          '^node_modules/(@opentelemetry|bullmq-otel)/',
          '^src/integrations/tracing/(otel-tracing|outage-exporter)',
        ],
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 's3-on-demand',
      severity: 'error',
      comment:
        'The SDK of S3 is loaded only when it is chosen: nothing imports it with its own module.',
      from: {
        path: '^src/',
        pathNot: ['^src/integrations/object-store/s3/', '\\.fixture\\.ts$', tests],
      },
      to: {
        path: ['^node_modules/(@aws-sdk|@smithy)/', '^src/integrations/object-store/s3/'],
        dependencyTypesNot: ['dynamic-import', 'type-only'],
      },
    },
    {
      name: 'no-dev-dependencies-in-src',
      severity: 'error',
      comment: 'Types (those of Express, which Nest brings) leave no import behind.',
      from: { path: '^src/', pathNot: tests },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only'],
      },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
