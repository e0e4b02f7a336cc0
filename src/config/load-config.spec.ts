import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { configRows } from './config-variables.js';
import { configEnvironment, describeConfig, renderEnvExample } from './describe-config.js';
import { decodeEnvironment, encodeEnvironment, type Environment } from './environment.js';
import { ConfigError, parseConfig } from './load-config.js';
import { isLoopbackHost } from './loopback.js';
import type { MillraceConfig } from './millrace-config.js';
import { packageRoot, packageVersion } from './paths.js';

function valid(environment: Environment): MillraceConfig {
  const result = parseConfig(environment);
  if (result.kind === 'invalid') throw new ConfigError(result.problems);
  return result.config;
}

function problemNames(environment: Environment): string[] {
  const result = parseConfig(environment);
  return result.kind === 'invalid' ? result.problems.map((each) => each.name) : [];
}

describe('parseConfig', () => {
  it('needs nothing', () => {
    expect(valid({})).toMatchObject({
      role: 'api',
      host: '127.0.0.1',
      port: 8000,
      mongodbUri: undefined,
      mongodbDatabase: 'millrace',
      authMode: 'token',
      workerConcurrency: 4,
      maxUploadSize: 10 * 1024 * 1024,
    });
  });

  it('takes an empty value as unset', () => {
    expect(valid({ PORT: '', MONGODB_URI: '  ' })).toMatchObject({
      port: 8000,
      mongodbUri: undefined,
    });
  });

  it('reads typed values', () => {
    const config = valid({
      ROLE: 'ALL',
      PORT: '9000',
      MAX_UPLOAD_SIZE: '2m',
      MIN_FREE_DISK: '1.5GiB',
      WORKER_LABELS: 'linux, docker,,linux',
      CLIENT_ORIGIN: 'https://ci.example.com/,http://localhost:3000',
      REDIS_URL: '/run/redis.sock',
    });
    expect(config.role).toBe('all');
    expect(config.port).toBe(9000);
    expect(config.maxUploadSize).toBe(2 * 1024 * 1024);
    expect(config.minFreeDisk).toBe(1.5 * 1024 ** 3);
    expect(config.workerLabels).toEqual(['linux', 'docker']);
    expect(config.clientOrigins).toEqual(['https://ci.example.com', 'http://localhost:3000']);
    expect(config.redisUrl).toBe('/run/redis.sock');
  });

  it('is frozen', () => {
    const config = valid({});
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError);
    expect(() => (config.workerLabels as string[]).push('x')).toThrow(TypeError);
  });

  it('names every bad variable at once', () => {
    const names = problemNames({
      PORT: '65536',
      HOST: 'not a host',
      ROLE: 'boss',
      MILLRACE_HOME: 'relative/path',
      LOG_LEVEL: 'loud',
      MONGODB_URI: 'postgres://x',
      MONGODB_DATABASE: 'a b',
      MONGODB_POOL_SIZE: '0',
      REDIS_URL: 'http://x',
      DEBIAN_MIRROR: 'ftp://x',
      OBJECT_STORE: 'tape',
      S3_ENDPOINT: 'minio:9000',
      S3_REGION: 'eu west',
      S3_BUCKET: 'A/b',
      S3_PREFIX: '../x',
      S3_ACCESS_KEY_ID: 'with spaces',
      S3_SECRET_ACCESS_KEY: 'with spaces',
      S3_PATH_STYLE: 'perhaps',
      S3_CHECKSUMS: 'never',
      AUTH_MODE: 'password',
      MILLRACE_TOKEN: 'short',
      CLIENT_ORIGIN: 'https://ci.example.com/path',
      PUBLIC_URL: 'ftp://ci.example.com',
      ENCRYPTION_KEYS: 'short',
      ALLOWED_HOSTS: 'http://x',
      GITHUB_OAUTH_CLIENT_ID: 'with spaces',
      GITHUB_OAUTH_CLIENT_SECRET: 'with spaces',
      GITHUB_BASE_URL: 'ftp://x',
      GITHUB_API_URL: 'ftp://x',
      GITEA_OAUTH_CLIENT_ID: 'with spaces',
      GITEA_OAUTH_CLIENT_SECRET: 'with spaces',
      GITEA_BASE_URL: 'ftp://x',
      ADMIN_LOGINS: '*',
      ALLOWED_LOGINS: 'not a login',
      ALLOWED_ORGANIZATIONS: 'a/b',
      ALLOWED_TEAMS: 'no-team',
      DEFAULT_ROLE: 'admin',
      LOGIN_LIMIT: '-1',
      JWT_SECRET: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      JWT_EXPIRED_IN: '2h',
      WORKERS: '-1',
      WORKER_CONCURRENCY: '1.5',
      WORKER_MAX_PARALLEL_STEPS: '0',
      WORKER_LABELS: 'ok,not ok',
      DOCKER_HOST: 'ftp://x',
      DEPLOY_FOLDERS: 'srv/www',
      REGISTRIES: 'https://x',
      CONTAINER_CAPABILITIES: 'ALL',
      STEP_USER: 'Not A User',
      GIT_CLIENT: 'svn',
      MAX_UPLOAD_SIZE: 'big',
      MIN_FREE_DISK: '-1',
      MIN_FREE_MEMORY: '1x',
      MAX_ARTIFACTS_SIZE: '1',
      MAX_WORKSPACE_SIZE: '1',
      MAX_CACHE_SIZE: '1',
      CACHE_DAYS: '0',
      MAX_IMAGES_SIZE: '1',
      IMAGE_DAYS: '0',
      MAX_LOG_SIZE: '1',
      LIVE_LOG_SIZE: '1',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://x',
      TRUST_PROXY: 'yes',
      RATE_LIMIT: '-1',
      AUTH_FAILURE_LIMIT: 'x',
      COMPILE_LIMIT: 'x',
      USER_LIMIT: '-1',
      WEBHOOK_LIMIT: 'x',
      PUBLIC_BADGES: 'perhaps',
      ALLOW_PRIVATE_URLS: '10.0.0.0/33',
      SMTP_URL: 'http://x',
      SMTP_FROM: 'nobody',
      GIT_CA_FILE: 'relative.pem',
      GIT_MIRROR_SIZE: 'x',
      GIT_MIRROR_DAYS: '0',
      PORT_RANGE: '80-90',
      SERVICES_APART: 'perhaps',
      RETENTION_DAYS: 'x',
      DELIVERY_BODIES_SIZE: '1',
      RETENTION_COUNT: '-1',
      AUDIT_RETENTION: '-1',
    });
    expect(names).toEqual(configRows.map(([, row]) => row.name).sort(byPlaceIn(names)));
    expect(names).toHaveLength(configRows.length);
  });

  it.each(['1023-2000', '0', '3000-2000', '20000-65536', '20000-', 'a-b', '1-2-3', '-5'])(
    'takes %j for no range of ports',
    (text) => {
      expect(problemNames({ PORT_RANGE: text })).toEqual(['PORT_RANGE']);
    },
  );

  it.each([
    ['1024-65535', { from: 1024, to: 65_535 }],
    ['30000', { from: 30_000, to: 30_000 }],
    ['30000 - 30009', { from: 30_000, to: 30_009 }],
  ])('takes %j for a range of ports', (text, span) => {
    expect(valid({ PORT_RANGE: text }).portRange).toEqual(span);
    expect(() => Object.assign(valid({}).portRange, span)).toThrow(TypeError);
  });

  it('says what to write, and repeats no secret', () => {
    const result = parseConfig({ MILLRACE_TOKEN: 'hunter2', AUTH_MODE: 'password' });
    const text = new ConfigError(result.kind === 'invalid' ? result.problems : []).message;
    expect(text).toContain('MILLRACE_TOKEN must be 24 to 512 characters');
    expect(text).toContain('AUTH_MODE must be one of: token, oauth, none');
    expect(text).not.toContain('hunter2');
  });

  it('refuses no log-in on a reachable address', () => {
    expect(problemNames({ AUTH_MODE: 'none', HOST: '0.0.0.0' })).toEqual(['AUTH_MODE']);
    expect(problemNames({ AUTH_MODE: 'none', HOST: '127.8.8.8' })).toEqual([]);
  });

  it.each(['smtp://mail.example', 'smtps://a%40b:p%2Fw@[::1]:465', 'smtp://u:@h:25/'])(
    'takes %s for a mail server, with a sender',
    (text) => {
      expect(problemNames({ SMTP_URL: text })).toEqual(['SMTP_FROM']);
      for (const SMTP_FROM of ['a@b.c', 'Millrace CI <a@b.c>']) {
        expect(valid({ SMTP_URL: text, SMTP_FROM }).smtpUrl).toBe(text);
      }
    },
  );

  it('refuses a live log larger than the whole log', () => {
    expect(problemNames({ LIVE_LOG_SIZE: '2m', MAX_LOG_SIZE: '1m' })).toEqual(['LIVE_LOG_SIZE']);
  });
});

function byPlaceIn(names: readonly string[]): (a: string, b: string) => number {
  return (a, b) => names.indexOf(a) - names.indexOf(b);
}

describe('describeConfig', () => {
  it('masks secrets and tells where a value came from', () => {
    const environment = {
      MILLRACE_TOKEN: 'a-very-secret-token-of-some-length',
      MONGODB_URI:
        'mongodb://user:p@ss/w0rd@one:1,two:2/?authSource=a&tlsCertificateKeyFilePassword=pw',
      REDIS_URL: 'redis://:hidden@cache:6379/1',
    };
    const lines = describeConfig(valid(environment), environment);
    const text = JSON.stringify(lines);
    for (const secret of ['very-secret', 'p@ss', 'w0rd', 'hidden', '=pw']) {
      expect(text).not.toContain(secret);
    }
    expect(lines.find((line) => line.name === 'REDIS_URL')).toMatchObject({
      value: 'redis://********@cache:6379/1',
      source: 'environment',
    });
    expect(lines.find((line) => line.name === 'PORT')).toMatchObject({
      value: '8000',
      source: 'default',
    });
  });

  it('gives a child process the same configuration', () => {
    const config = valid({
      PORT: '0',
      MAX_LOG_SIZE: '15000000',
      WORKER_LABELS: 'a,b',
      WORKERS: '3',
      PORT_RANGE: '30000-30009',
    });
    const bytes = encodeEnvironment(configEnvironment(config));
    expect(valid(decodeEnvironment(bytes))).toEqual(config);
  });
});

describe('environment over a descriptor', () => {
  it('reads what env -0 writes', () => {
    const bytes = execFileSync('env', ['-0', '-i', 'A=1', 'B=two\nlines', 'C=']);
    expect(decodeEnvironment(bytes)).toEqual({ A: '1', B: 'two\nlines', C: '' });
  });

  it('refuses what is not NAME=value', () => {
    expect(() => decodeEnvironment(Buffer.from('novalue\0'))).toThrow('MILLRACE_ENV_FD');
  });
});

describe('.env.example', () => {
  it('is what renderEnvExample makes of the table', () => {
    expect(readFileSync(join(packageRoot(), '.env.example'), 'utf8')).toBe(renderEnvExample());
  });
});

describe('isLoopbackHost', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '[::1]'])('%s is', (host) => {
    expect(isLoopbackHost(host)).toBe(true);
  });
  it.each(['0.0.0.0', '::', '127.evil.example', '127.0.0.1.evil.example', '128.0.0.1', ''])(
    '%s is not',
    (host) => {
      expect(isLoopbackHost(host)).toBe(false);
    },
  );
});

it('knows its version', () => {
  expect(packageVersion()).toMatch(/^\d+\.\d+\.\d+/);
});
