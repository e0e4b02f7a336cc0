import { normalize } from 'node:path';
import {
  byteSize,
  flag,
  integer,
  list,
  minutes,
  oneOf,
  optional,
  parseAllowedAddress,
  parseOrigin,
  parsePublicUrl,
  type PortSpan,
  portSpan,
  textLike,
  type ValueKind,
} from './value-parsers.js';
import { CONTAINERS_LABEL } from '../common/values/worker-labels.js';
import { formatEncryptionKeys, parseEncryptionKeys } from './encryption-key-list.js';
import { parseLoginEntry, parseSigningSecret, parseTeamEntry } from './login-values.js';
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
  readonly section:
    'Server' | 'Stores' | 'Access' | 'Alerts' | 'Log-in' | 'Workers' | 'Limits' | 'Retention';
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
const VISIBLE_TEXT = textLike(/^[\x21-\x7e]{1,512}$/, 'must be 1 to 512 visible ASCII characters');
const WEB_URL: ValueKind<string> = { parse: parsePublicUrl, format: (url) => url };
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

  objectStore: variable({
    name: 'OBJECT_STORE',
    section: 'Stores',
    description:
      'Where contents of any size lie, such as artifacts: disk, a folder in MILLRACE_HOME of one host; s3, a bucket that all hosts reach.',
    kind: oneOf(['disk', 's3']),
    fallback: (): 'disk' | 's3' => 'disk',
  }),
  s3Endpoint: variable({
    name: 'S3_ENDPOINT',
    section: 'Stores',
    description:
      'Address of the server of S3, such as https://minio.example.org:9000. Unset: AWS in S3_REGION.',
    kind: optional(WEB_URL),
    fallback: none,
  }),
  s3Region: variable({
    name: 'S3_REGION',
    section: 'Stores',
    description: 'Region that requests are signed for; servers of your own mostly take any.',
    kind: textLike(/^[a-z0-9-]{1,64}$/, 'must be the name of a region, such as eu-central-1'),
    fallback: () => 'us-east-1',
  }),
  s3Bucket: variable({
    name: 'S3_BUCKET',
    section: 'Stores',
    description: 'Bucket of the objects. It is there before Millrace.',
    kind: optional(
      textLike(
        /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
        'must be 3 to 63 of a-z 0-9 . - with a letter or digit at both ends',
      ),
    ),
    fallback: none,
  }),
  s3Prefix: variable({
    name: 'S3_PREFIX',
    section: 'Stores',
    description:
      'In front of the names of all objects, such as millrace/ci, where others use the bucket too.',
    kind: textLike(
      /^(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._-]+)*$/,
      'must be names of A-Z a-z 0-9 . _ - with / between them, none of them . or ..',
    ),
    fallback: () => '',
  }),
  s3AccessKeyId: variable({
    name: 'S3_ACCESS_KEY_ID',
    section: 'Stores',
    description:
      'Access key that may read, write, list and delete there. Nothing else is asked for credentials: no AWS_… variable, file or metadata service.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
  }),
  s3SecretAccessKey: variable({
    name: 'S3_SECRET_ACCESS_KEY',
    section: 'Stores',
    description: 'Secret of that access key.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
    secrecy: 'whole',
  }),
  s3PathStyle: variable({
    name: 'S3_PATH_STYLE',
    section: 'Stores',
    description:
      'true: the bucket is in the path of requests; false: in the host name. Unset: true with S3_ENDPOINT, false without.',
    kind: optional(flag),
    fallback: none,
  }),
  s3Checksums: variable({
    name: 'S3_CHECKSUMS',
    section: 'Stores',
    description:
      'Checksums of S3 in requests and answers: WHEN_REQUIRED, which every server takes, or WHEN_SUPPORTED, which many refuse. The SHA-256 of Millrace is kept either way.',
    kind: oneOf(['WHEN_REQUIRED', 'WHEN_SUPPORTED']),
    fallback: (): 'WHEN_REQUIRED' | 'WHEN_SUPPORTED' => 'WHEN_REQUIRED',
  }),

  authMode: variable({
    name: 'AUTH_MODE',
    section: 'Access',
    description:
      'token: one bearer token for everything. oauth (or github): people log in at GitHub or Gitea; MILLRACE_TOKEN works too where it is set. none: no log-in at all, only on a loopback HOST.',
    kind: oneOf(['token', 'oauth', 'none'], { github: 'oauth' }),
    fallback: (): 'token' | 'oauth' | 'none' => 'token',
  }),
  token: variable({
    name: 'MILLRACE_TOKEN',
    section: 'Access',
    description:
      "The server's own bearer token, an administrator's. Unset: with AUTH_MODE=token made at the first start and kept in MILLRACE_HOME/token; with AUTH_MODE=oauth there is none.",
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
  userLimit: variable({
    name: 'USER_LIMIT',
    section: 'Access',
    description:
      'Requests that one user or service account may send in a minute, from whatever addresses, with all sessions and tokens together. 0: no limit.',
    kind: integer(0, 10_000_000),
    fallback: () => 12_000,
  }),
  webhookLimit: variable({
    name: 'WEBHOOK_LIMIT',
    section: 'Access',
    description:
      'Webhook deliveries that may come from one client address in a minute; they count as no other requests. 0: no limit.',
    kind: integer(0, 10_000_000),
    fallback: () => 6_000,
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
      'Pipelines that one client address may have compiled in a minute (create, upload, replace, validate, plan), projects detected included. 0: no limit.',
    kind: integer(0, 1_000_000),
    fallback: () => 1_200,
  }),
  publicUrl: variable({
    name: 'PUBLIC_URL',
    section: 'Access',
    description:
      'Address under which people and forges reach this server, such as https://ci.example.org: for webhooks, log-in and links. Unset: none of these.',
    kind: optional({ parse: parsePublicUrl, format: (url: string) => url }),
    fallback: none,
  }),
  encryptionKeys: variable({
    name: 'ENCRYPTION_KEYS',
    section: 'Access',
    description:
      'Keys that secrets are stored under, name:base64 of 32 bytes, separated by commas; the first one seals, all open. Unset: made at the first start and kept in MILLRACE_HOME/encryption-keys.',
    kind: optional({ parse: parseEncryptionKeys, format: formatEncryptionKeys }),
    fallback: none,
    secrecy: 'whole',
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
      'Private, loopback and link-local addresses that clones and checks of services may reach, separated by commas: IP addresses, networks such as 10.0.0.0/8, host names, or all.',
    kind: list(parseAllowedAddress),
    fallback: (): readonly string[] => [],
  }),

  smtpUrl: variable({
    name: 'SMTP_URL',
    section: 'Alerts',
    description:
      'Mail server that alerts of services are sent by: smtp://user:password@host:587, or smtps:// (465). User and password are percent-encoded. Unset: no alerts by mail.',
    kind: optional(
      textLike(
        /^smtps?:\/\/(?:[^\s:@/]+:[^\s@/]*@)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?\/?$/,
        'must be smtp:// or smtps:// with a host; percent-encode what is special in user and password',
      ),
    ),
    fallback: none,
    secrecy: 'url',
  }),
  smtpFrom: variable({
    name: 'SMTP_FROM',
    section: 'Alerts',
    description: 'Sender of these mails: ci@example.org, or Millrace <ci@example.org>.',
    kind: optional(
      textLike(
        /^(?:[^<>@\r\n]{1,100} )?<?[^\s<>@,;"]{1,64}@[A-Za-z0-9.-]{1,255}>?$/,
        'must be an address such as ci@example.org or Millrace <ci@example.org>',
      ),
    ),
    fallback: none,
  }),

  githubClientId: variable({
    name: 'GITHUB_OAUTH_CLIENT_ID',
    section: 'Log-in',
    description:
      'Client id of an OAuth app at GitHub, with the callback PUBLIC_URL/api/sessions/oauth/github/callback.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
  }),
  githubClientSecret: variable({
    name: 'GITHUB_OAUTH_CLIENT_SECRET',
    section: 'Log-in',
    description: 'Client secret of that OAuth app.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
    secrecy: 'whole',
  }),
  githubBaseUrl: variable({
    name: 'GITHUB_BASE_URL',
    section: 'Log-in',
    description: 'Address of GitHub, or of your GitHub Enterprise Server.',
    kind: WEB_URL,
    fallback: () => 'https://github.com',
  }),
  githubApiUrl: variable({
    name: 'GITHUB_API_URL',
    section: 'Log-in',
    description:
      'Address of its API. Unset: https://api.github.com for github.com, GITHUB_BASE_URL/api/v3 for others.',
    kind: optional(WEB_URL),
    fallback: none,
  }),
  giteaClientId: variable({
    name: 'GITEA_OAUTH_CLIENT_ID',
    section: 'Log-in',
    description:
      'Client id of an OAuth2 application at Gitea or Forgejo, with the callback PUBLIC_URL/api/sessions/oauth/gitea/callback.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
  }),
  giteaClientSecret: variable({
    name: 'GITEA_OAUTH_CLIENT_SECRET',
    section: 'Log-in',
    description: 'Client secret of that application.',
    kind: optional(VISIBLE_TEXT),
    fallback: none,
    secrecy: 'whole',
  }),
  giteaBaseUrl: variable({
    name: 'GITEA_BASE_URL',
    section: 'Log-in',
    description: 'Address of your Gitea or Forgejo.',
    kind: optional(WEB_URL),
    fallback: none,
  }),
  adminLogins: variable({
    name: 'ADMIN_LOGINS',
    section: 'Log-in',
    description:
      'Log-in names of administrators, separated by commas: ada, or id:583231 for the numeric id; with both forges github:ada and gitea:ada. A name belongs to the account that first logs in with it.',
    kind: list(parseLoginEntry),
    fallback: (): readonly string[] => [],
  }),
  allowedLogins: variable({
    name: 'ALLOWED_LOGINS',
    section: 'Log-in',
    description:
      'Log-in names of others who may log in, written like ADMIN_LOGINS. *: everybody who has an account at the forge.',
    kind: list((item) => parseLoginEntry(item, { everybody: true })),
    fallback: (): readonly string[] => [],
  }),
  allowedOrganizations: variable({
    name: 'ALLOWED_ORGANIZATIONS',
    section: 'Log-in',
    description: 'Organizations of the forge whose active members may log in, written like logins.',
    kind: list(parseLoginEntry),
    fallback: (): readonly string[] => [],
  }),
  allowedTeams: variable({
    name: 'ALLOWED_TEAMS',
    section: 'Log-in',
    description: 'Teams whose active members may log in: acme/developers, separated by commas.',
    kind: list(parseTeamEntry),
    fallback: (): readonly string[] => [],
  }),
  defaultRole: variable({
    name: 'DEFAULT_ROLE',
    section: 'Log-in',
    description:
      'Role of whoever may log in and is no administrator, until one gives another role: viewer or developer.',
    kind: oneOf(['viewer', 'developer']),
    fallback: (): 'viewer' | 'developer' => 'viewer',
  }),
  loginLimit: variable({
    name: 'LOGIN_LIMIT',
    section: 'Log-in',
    description:
      'Steps of log-ins and refreshes of one client address in a minute; a log-in has two. 0: no limit.',
    kind: integer(0, 1_000_000),
    fallback: () => 60,
  }),
  jwtSecret: variable({
    name: 'JWT_SECRET',
    section: 'Log-in',
    description:
      'Key that sessions are signed with. All API processes need the same one: on several hosts set it. Unset: made at the first start and kept in MILLRACE_HOME/jwt-key.',
    kind: optional({ parse: parseSigningSecret, format: (secret: string) => secret }),
    fallback: none,
    secrecy: 'whole',
  }),
  jwtMinutes: variable({
    name: 'JWT_EXPIRED_IN',
    section: 'Log-in',
    description: 'Minutes that an access token is good for; then it is refreshed.',
    kind: minutes(1, 60),
    fallback: () => 15,
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
      item === CONTAINERS_LABEL
        ? { problem: `must not hold ${item}: workers with a container engine offer it themselves` }
        : LABEL.test(item)
          ? { value: item }
          : { problem: 'must be 1 to 63 letters, digits, dots, _ or -' },
    ),
    fallback: (): readonly string[] => ['linux'],
  }),
  registries: variable({
    name: 'REGISTRIES',
    section: 'Workers',
    description:
      'Registries that images of steps may come from, separated by commas: `docker.io,registry.example:5000`. Unset: any. It is the container engine that connects to them.',
    kind: optional(
      list((item) =>
        /^[A-Za-z0-9.-]+(:[0-9]{1,5})?$/.test(item)
          ? { value: item }
          : { problem: 'must be hosts, with their port if need be' },
      ),
    ),
    fallback: none,
  }),
  deployFolders: variable({
    name: 'DEPLOY_FOLDERS',
    section: 'Workers',
    description:
      'Folders of the host below which `deploy: { type: local_directory }` may put releases, as whole paths separated by commas: `/srv/www`. A relative `path` lies in the first one. Unset: `deployed` in MILLRACE_HOME.',
    kind: optional(
      list((item) =>
        /^\/[^/]/.test(item) && normalize(item) === item && !item.endsWith('/')
          ? { value: item }
          : { problem: 'must be whole paths of folders, such as /srv/www' },
      ),
    ),
    fallback: none,
  }),
  containerCapabilities: variable({
    name: 'CONTAINER_CAPABILITIES',
    section: 'Workers',
    description:
      'Rights that steps in containers of this worker have beside the usual ones, by their names in capabilities(7), separated by commas: `NET_RAW,SYS_PTRACE`. Pipelines reach such a worker by its labels. Some of them, as `SYS_ADMIN`, make steps root of the machine.',
    kind: list((item) =>
      /^(CAP_)?(?!ALL$)[A-Z]+(_[A-Z]+)*$/.test(item)
        ? { value: item.replace(/^CAP_/, '') }
        : { problem: 'must be names of capabilities, as NET_RAW' },
    ),
    fallback: (): readonly string[] => [],
  }),
  dockerHost: variable({
    name: 'DOCKER_HOST',
    section: 'Workers',
    description:
      'Container engine for steps with an `image`: `unix:///path/of.sock` or `tcp://host:port`. Unset: `/var/run/docker.sock`, where there is one.',
    kind: optional(
      textLike(
        /^(unix:\/\/\/|(tcp|https?):\/\/[^/\s]+)/,
        'must be unix:///path/of.sock or tcp://host:port',
      ),
    ),
    fallback: none,
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

  portRange: variable({
    name: 'PORT_RANGE',
    section: 'Workers',
    description:
      'TCP ports of a host that what is deployed gets, where it names none. Those that the kernel gives to outgoing connections (net.ipv4.ip_local_port_range) are left out.',
    kind: portSpan,
    fallback: (): PortSpan => Object.freeze({ from: 20_000, to: 29_999 }),
  }),
  servicesApart: variable({
    name: 'SERVICES_APART',
    section: 'Workers',
    description:
      'true: the supervisor of deployed programs is a unit or a container of its own on this host (`./millrace services run` or `keep`), and starts the reverse proxy too. Workers start neither of them, and wait for them.',
    kind: flag,
    fallback: (): boolean => false,
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
  maxArtifactsSize: variable({
    name: 'MAX_ARTIFACTS_SIZE',
    section: 'Limits',
    description: 'Artifacts kept of one execution, all files together.',
    kind: byteSize(MiB, 1024 * GiB),
    fallback: () => 4 * GiB,
  }),
  maxWorkspaceSize: variable({
    name: 'MAX_WORKSPACE_SIZE',
    section: 'Limits',
    description:
      'Files of a workspace that is kept while its execution waits for an approval, or copied by `run`.',
    kind: byteSize(MiB, 1024 * GiB),
    fallback: () => 4 * GiB,
  }),
  maxCacheSize: variable({
    name: 'MAX_CACHE_SIZE',
    section: 'Limits',
    description: 'Caches kept of one pipeline; those that were not used for longest go first.',
    kind: byteSize(MiB, 1024 * GiB),
    fallback: () => 10 * GiB,
  }),
  maxImagesSize: variable({
    name: 'MAX_IMAGES_SIZE',
    section: 'Limits',
    description:
      'Images kept of those that Millrace fetched to the container engine of a worker; those that were not used for longest go first.',
    kind: byteSize(MiB, 1024 * 1024 * GiB),
    fallback: () => 50 * GiB,
  }),
  cacheDays: variable({
    name: 'CACHE_DAYS',
    section: 'Retention',
    description: 'Days after which a cache that no run has used is removed.',
    kind: integer(1, 3650),
    fallback: () => 30,
  }),
  imageDays: variable({
    name: 'IMAGE_DAYS',
    section: 'Retention',
    description: 'Days after which an image that Millrace fetched and no run has used is removed.',
    kind: integer(1, 3650),
    fallback: () => 30,
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
  deliveryBodiesSize: variable({
    name: 'DELIVERY_BODIES_SIZE',
    section: 'Retention',
    description:
      'Room for the bodies of webhooks that came in, together; beyond it the oldest are dropped. All are kept 14 days at most.',
    kind: byteSize(32 * MiB, 1024 * GiB),
    fallback: () => 2 * GiB,
  }),
  retentionCount: variable({
    name: 'RETENTION_COUNT',
    section: 'Retention',
    description: 'Finished executions that are kept of one pipeline, the newest ones. 0: all.',
    kind: integer(0, 10_000_000),
    fallback: () => 0,
  }),
  auditRetention: variable({
    name: 'AUDIT_RETENTION',
    section: 'Retention',
    description: 'Days that a record of the audit is kept. 0: for ever.',
    kind: integer(0, 36_500),
    fallback: () => 365,
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
