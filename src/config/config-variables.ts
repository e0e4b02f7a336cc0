import {
  byteSize,
  flag,
  integer,
  list,
  oneOf,
  optional,
  parseAllowedAddress,
  parseOrigin,
  textLike,
  type ValueKind,
} from './value-parsers.js';
import { defaultHome } from './paths.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const GiB = 1024 * MiB;

/**
 * How much of a value may be shown: `whole` nothing of it, `url` everything but what stands before
 * the `@`.
 */
export type Secrecy = 'none' | 'url' | 'whole';

/** One environment variable: all that is known about it is in this row. */
export interface ConfigVariable<T> {
  readonly name: string;
  readonly section: 'Server' | 'Stores' | 'Access' | 'Workers' | 'Limits' | 'Retention';
  /** One or two sentences for `.env.example` and `./millrace config`. */
  readonly description: string;
  readonly kind: ValueKind<T>;
  readonly fallback: () => T;
  /**
   * What `.env.example` shows as the value when nothing is set; absent = the fallback, formatted.
   */
  readonly example?: string;
  readonly secrecy: Secrecy;
}

type Row<T> = Omit<ConfigVariable<T>, 'secrecy'> & { readonly secrecy?: Secrecy };

function variable<T>(row: Row<T>): ConfigVariable<T> {
  return { secrecy: 'none', ...row };
}

const none = (): undefined => undefined;
const LABEL = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const HOST_NAME = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._:-]+)$/;

/**
 * Every variable that Millrace reads, in the order of the documentation. The key is the property of
 * `MillraceConfig`, the type of the fallback is the type of that property.
 */
export const configVariables = {
  role: variable({
    name: 'ROLE',
    section: 'Server',
    description: 'What this process does: api (HTTP), worker (runs executions), or all in one.',
    kind: oneOf(['api', 'worker', 'all']),
    fallback: (): 'api' | 'worker' | 'all' => 'api',
  }),
  host: variable({
    name: 'HOST',
    section: 'Server',
    description: 'Address that the API listens on. 0.0.0.0 for every interface.',
    kind: textLike(HOST_NAME, 'must be an IP address or a host name, such as 127.0.0.1'),
    fallback: () => '127.0.0.1',
  }),
  port: variable({
    name: 'PORT',
    section: 'Server',
    description: 'TCP port of the API. 0 takes any free one and prints it.',
    kind: integer(0, 65_535),
    fallback: () => 8000,
  }),
  home: variable({
    name: 'MILLRACE_HOME',
    section: 'Server',
    description:
      'Folder of all data and workspaces. Default: /var/lib/millrace for root, the data folder of the user otherwise.',
    kind: textLike(/^\/[^\0]*$/, 'must be an absolute path'),
    fallback: defaultHome,
    example: '',
  }),
  logLevel: variable({
    name: 'LOG_LEVEL',
    section: 'Server',
    description: "How much the server's own log says: trace, debug, info, warn, error, silent.",
    kind: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'silent']),
    fallback: (): 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent' => 'info',
  }),

  otlpEndpoint: variable({
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    section: 'Server',
    description:
      'OpenTelemetry collector that gets traces over HTTP, such as http://127.0.0.1:4318. Unset: no traces.',
    kind: optional(textLike(/^https?:\/\/[^\s@]+$/, 'must be an http or https URL')),
    fallback: none,
  }),

  mongodbUri: variable({
    name: 'MONGODB_URI',
    section: 'Stores',
    description: 'MongoDB or FerretDB. Unset: `./millrace start` brings up one of its own.',
    kind: optional(
      textLike(/^mongodb(\+srv)?:\/\/\S+$/, 'must begin with mongodb:// or mongodb+srv://'),
    ),
    fallback: none,
    secrecy: 'url',
  }),
  mongodbDatabase: variable({
    name: 'MONGODB_DATABASE',
    section: 'Stores',
    description: 'Name of the database.',
    kind: textLike(/^[A-Za-z0-9_-]{1,60}$/, 'must be 1 to 60 letters, digits, _ or -'),
    fallback: () => 'millrace',
  }),
  mongodbPoolSize: variable({
    name: 'MONGODB_POOL_SIZE',
    section: 'Stores',
    description: 'Database connections that one process may hold.',
    kind: integer(1, 1000),
    fallback: () => 20,
  }),
  redisUrl: variable({
    name: 'REDIS_URL',
    section: 'Stores',
    description: 'Redis with `noeviction`. Unset: `./millrace start` brings up one of its own.',
    kind: optional(
      textLike(
        /^(rediss?:\/\/|((redis\+)?unix:\/\/)?\/)\S+$/,
        'must begin with redis:// or rediss:// (or be the path of a unix socket)',
      ),
    ),
    fallback: none,
    secrecy: 'url',
  }),
  debianMirror: variable({
    name: 'DEBIAN_MIRROR',
    section: 'Stores',
    description:
      'Debian mirror that the embedded stores are fetched from. Unset: the one that apt on this machine uses.',
    kind: optional(
      textLike(/^https?:\/\/\S+$/, 'must be the http or https URL of a Debian mirror, …/debian'),
    ),
    fallback: none,
  }),

  authMode: variable({
    name: 'AUTH_MODE',
    section: 'Access',
    description:
      'token: one bearer token for everything. none: no log-in at all, only on a loopback HOST.',
    kind: oneOf(['token', 'none'], {
      github: 'cannot be github: GitHub log-in is not built yet; use token, or none on loopback',
    }),
    fallback: (): 'token' | 'none' => 'token',
  }),
  token: variable({
    name: 'MILLRACE_TOKEN',
    section: 'Access',
    description:
      'The bearer token of AUTH_MODE=token. Unset: made at the first start and kept in MILLRACE_HOME/token.',
    kind: optional(
      textLike(
        /^[A-Za-z0-9._~+/=-]{24,512}$/,
        'must be 24 to 512 characters of A-Z a-z 0-9 . _ ~ + / = - (try: openssl rand -hex 32)',
      ),
    ),
    fallback: none,
    secrecy: 'whole',
  }),
  clientOrigins: variable({
    name: 'CLIENT_ORIGIN',
    section: 'Access',
    description: 'Origins of web pages that may call the API (CORS), separated by commas.',
    kind: list(parseOrigin),
    fallback: (): readonly string[] => [],
  }),
  allowedHosts: variable({
    name: 'ALLOWED_HOSTS',
    section: 'Access',
    description:
      'DNS names under which this server is reached, separated by commas. Loopback and, where HOST is not loopback, IP addresses and names without a dot are always allowed.',
    kind: list((item) =>
      /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/.test(item)
        ? { value: item.toLowerCase() }
        : { problem: 'must be a host name without scheme and port' },
    ),
    fallback: (): readonly string[] => [],
  }),

  trustProxy: variable({
    name: 'TRUST_PROXY',
    section: 'Access',
    description:
      'Reverse proxies in front of the API: that many of the last addresses of X-Forwarded-For are believed. 0: none.',
    kind: integer(0, 10),
    fallback: () => 0,
  }),
  rateLimit: variable({
    name: 'RATE_LIMIT',
    section: 'Access',
    description: 'Requests that one client address may send in a minute. 0: no limit.',
    kind: integer(0, 10_000_000),
    fallback: () => 30_000,
  }),
  authFailureLimit: variable({
    name: 'AUTH_FAILURE_LIMIT',
    section: 'Access',
    description:
      'Requests with a missing or wrong token that one client address may send in a minute. 0: no limit.',
    kind: integer(0, 1_000_000),
    fallback: () => 60,
  }),
  compileLimit: variable({
    name: 'COMPILE_LIMIT',
    section: 'Access',
    description:
      'Pipelines that one client address may have compiled in a minute (create, upload, replace, validate, plan). 0: no limit.',
    kind: integer(0, 1_000_000),
    fallback: () => 1_200,
  }),
  publicBadges: variable({
    name: 'PUBLIC_BADGES',
    section: 'Access',
    description: 'true: status badges can be read without a token, by whoever knows the id.',
    kind: flag,
    fallback: (): boolean => false,
  }),
  allowPrivateUrls: variable({
    name: 'ALLOW_PRIVATE_URLS',
    section: 'Access',
    description:
      'Private, loopback and link-local addresses that clones may reach, separated by commas: IP addresses, networks such as 10.0.0.0/8, host names, or all.',
    kind: list(parseAllowedAddress),
    fallback: (): readonly string[] => [],
  }),

  workers: variable({
    name: 'WORKERS',
    section: 'Workers',
    description:
      'Worker processes that `./millrace start` keeps running. Unset: one for each core.',
    kind: optional(integer(0, 256)),
    fallback: none,
  }),
  workerConcurrency: variable({
    name: 'WORKER_CONCURRENCY',
    section: 'Workers',
    description: 'Executions that one worker process runs at once.',
    kind: integer(1, 256),
    fallback: () => 4,
  }),
  workerMaxParallelSteps: variable({
    name: 'WORKER_MAX_PARALLEL_STEPS',
    section: 'Workers',
    description:
      'Steps of one execution that a worker runs at once, over all its stages, whatever `parallel` allows.',
    kind: integer(1, 1000),
    fallback: () => 64,
  }),
  workerLabels: variable({
    name: 'WORKER_LABELS',
    section: 'Workers',
    description: 'Labels that a worker offers to `runs_on`, separated by commas.',
    kind: list((item) =>
      LABEL.test(item)
        ? { value: item }
        : { problem: 'must be 1 to 63 letters, digits, dots, _ or -' },
    ),
    fallback: (): readonly string[] => ['linux'],
  }),
  stepUser: variable({
    name: 'STEP_USER',
    section: 'Workers',
    description:
      'System user that steps run as when Millrace is started as root. Unset: a user of its own.',
    kind: optional(
      textLike(
        /^[a-z_][a-z0-9_-]{0,31}$/,
        'must be the name of a system user, such as millrace-step',
      ),
    ),
    fallback: none,
  }),
  gitClient: variable({
    name: 'GIT_CLIENT',
    section: 'Workers',
    description:
      'What clones: git, the installed program; isomorphic-git, which needs none; auto: git where version 2.31 or newer is installed, else isomorphic-git.',
    kind: oneOf(['auto', 'isomorphic-git', 'git']),
    fallback: (): 'auto' | 'isomorphic-git' | 'git' => 'auto',
  }),

  gitCaFile: variable({
    name: 'GIT_CA_FILE',
    section: 'Workers',
    description:
      'File of PEM certificates of CAs that clones trust beside the public ones, such as that of your own git server. Read when a worker starts.',
    kind: optional(textLike(/^\/[^\0]*$/, 'must be an absolute path')),
    fallback: none,
  }),
  gitMirrorSize: variable({
    name: 'GIT_MIRROR_SIZE',
    section: 'Workers',
    description:
      'Disk that the mirrors of cloned repositories may take on one machine, under MILLRACE_HOME. 0: no mirrors.',
    kind: byteSize(0, 1024 * GiB),
    fallback: () => 5 * GiB,
  }),
  gitMirrorDays: variable({
    name: 'GIT_MIRROR_DAYS',
    section: 'Workers',
    description: 'Days after which a mirror that nobody cloned from is removed.',
    kind: integer(1, 3650),
    fallback: () => 14,
  }),

  maxUploadSize: variable({
    name: 'MAX_UPLOAD_SIZE',
    section: 'Limits',
    description: 'Largest request body.',
    kind: byteSize(KiB, GiB),
    fallback: () => 10 * MiB,
  }),
  minFreeDisk: variable({
    name: 'MIN_FREE_DISK',
    section: 'Limits',
    description: 'A worker with less free space under MILLRACE_HOME takes no new executions.',
    kind: byteSize(0, 1024 * GiB),
    fallback: () => 512 * MiB,
  }),
  minFreeMemory: variable({
    name: 'MIN_FREE_MEMORY',
    section: 'Limits',
    description: 'A worker with less available memory takes no new executions.',
    kind: byteSize(0, 1024 * GiB),
    fallback: () => 256 * MiB,
  }),
  maxLogSize: variable({
    name: 'MAX_LOG_SIZE',
    section: 'Limits',
    description: 'Log text kept of one execution; what comes after it is cut with a marker.',
    kind: byteSize(64 * KiB, 64 * GiB),
    fallback: () => 256 * MiB,
  }),
  liveLogSize: variable({
    name: 'LIVE_LOG_SIZE',
    section: 'Limits',
    description: 'Log text of one running execution that Redis may hold for live readers.',
    kind: byteSize(64 * KiB, GiB),
    fallback: () => 8 * MiB,
  }),

  retentionDays: variable({
    name: 'RETENTION_DAYS',
    section: 'Retention',
    description: 'Days that an execution and its log are kept after its end. 0: for ever.',
    kind: integer(0, 36_500),
    fallback: () => 0,
  }),
  retentionCount: variable({
    name: 'RETENTION_COUNT',
    section: 'Retention',
    description: 'Finished executions that are kept of one pipeline, the newest ones. 0: all.',
    kind: integer(0, 10_000_000),
    fallback: () => 0,
  }),
};

export type ConfigKey = keyof typeof configVariables;

/** The values of all variables, typed by the table. */
export type ConfigValues = {
  readonly [K in ConfigKey]: ReturnType<(typeof configVariables)[K]['fallback']>;
};

/** The table as rows of one type, for code that treats all variables alike. */
export const configRows = Object.entries(configVariables) as unknown as readonly (readonly [
  ConfigKey,
  ConfigVariable<unknown>,
])[];
