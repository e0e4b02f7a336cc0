import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICE_ENV, writeShared } from './postgres/offline-postgres.js';
import { postgresConf, type Durability } from './postgres/postgres-conf.js';
import { clearPidFile, clearSocket } from './postgres/postgres-data.js';
import { RotatingLog } from './supervision/rotating-log.js';
import { isMongoReady, isPostgresReady, isRedisReady } from './supervision/service-probe.js';
import type { ServiceName, ServiceSpec } from './supervision/embedded-service.js';
import { makeOwnedFolder, type ServiceFolders } from './system/service-folders.js';
import type { ServiceUser } from './system/service-user.js';

/** What every service of a home shares. */
export interface ServiceContext {
  readonly folders: ServiceFolders;
  readonly user: ServiceUser | undefined;
  readonly durability: Durability;
}

/** Size of one log file; each service keeps at most two. */
const LOG_BYTES = 5 * 1024 * 1024;
const MONGO_SOCKET = 'm.sock';
const REDIS_SOCKET = 'redis.sock';

/**
 * `REDIS_URL` of the embedded Redis: `unix:///PATH/redis.sock`. ioredis (and so BullMQ) takes it, a
 * plain `/PATH/redis.sock` too; a database number is added as `?db=3`.
 */
export function redisUrl(folders: ServiceFolders): string {
  return `unix://${join(folders.sockets, REDIS_SOCKET)}`;
}

/**
 * `MONGODB_URI` of the embedded database, without a database's name. Retryable writes are off
 * because the gateway would apply a repeated command twice.
 */
export function mongodbUri(folders: ServiceFolders): string {
  const socket = encodeURIComponent(join(folders.sockets, MONGO_SOCKET));
  return `mongodb://${socket}/?directConnection=true&retryWrites=false`;
}

function base(name: ServiceName, context: ServiceContext): Pick<ServiceSpec, BaseKeys> {
  const { folders, user } = context;
  return {
    name,
    env: SERVICE_ENV,
    user,
    log: new RotatingLog(join(folders.logs, `${name}.log`), LOG_BYTES),
  };
}

type BaseKeys = 'name' | 'env' | 'user' | 'log';

/**
 * Redis over a socket; `durable` keeps an append-only file (at most the last second is lost),
 * `throwaway` nothing.
 */
export async function redisSpec(program: string, context: ServiceContext): Promise<ServiceSpec> {
  const { folders, user, durability } = context;
  const data = await makeOwnedFolder(join(folders.base, 'redis'), user);
  const socket = join(folders.sockets, REDIS_SOCKET);
  const conf = join(folders.base, 'redis.conf');
  await writeShared(conf, redisConf(socket, data, durability));
  return {
    ...base('redis', context),
    program,
    args: [conf],
    cwd: data,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    prepare: () => rm(socket, { force: true }),
    isReady: () => isRedisReady(socket),
  };
}

/** Text of redis.conf. `noeviction`: BullMQ's keys must never be dropped for want of memory. */
export function redisConf(socket: string, data: string, durability: Durability): string {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  return [
    'port 0',
    `unixsocket ${quoted(socket)}`,
    'unixsocketperm 700',
    `dir ${quoted(data)}`,
    'daemonize no',
    'databases 64',
    'save ""',
    `appendonly ${durability === 'durable' ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'aof-load-truncated yes',
    'maxmemory-policy noeviction',
    'loglevel notice',
    'logfile ""',
    '',
  ].join('\n');
}

/** PostgreSQL on a data folder that exists. */
export async function postgresSpec(
  program: string,
  data: string,
  context: ServiceContext,
): Promise<ServiceSpec> {
  const { folders, durability } = context;
  const conf = join(folders.base, 'postgresql.conf');
  await writeShared(conf, postgresConf(folders.sockets, durability));
  return {
    ...base('postgres', context),
    program,
    args: ['-D', data, '-c', `config_file=${conf}`],
    cwd: data,
    // "Fast": SIGTERM would wait for the gateway's connections.
    stopSignal: 'SIGINT',
    stopGraceMs: 20_000,
    prepare: async () => {
      await clearPidFile(data);
      await clearSocket(folders.sockets);
    },
    isReady: () => isPostgresReady(folders.sockets),
  };
}

/**
 * The gateway that speaks MongoDB's protocol; it may start before PostgreSQL and survives its
 * restarts.
 */
export async function gatewaySpec(program: string, context: ServiceContext): Promise<ServiceSpec> {
  const { folders, user } = context;
  const state = await makeOwnedFolder(join(folders.base, 'ferretdb'), user);
  const socket = join(folders.sockets, MONGO_SOCKET);
  const host = encodeURIComponent(folders.sockets);
  return {
    ...base('ferretdb', context),
    program,
    args: [
      `--postgresql-url=postgres://postgres@localhost/postgres?host=${host}&pool_max_conns=20`,
      '--listen-addr=',
      `--listen-unix=${socket}`,
      '--no-auth',
      '--telemetry=disable',
      '--debug-addr=-',
      `--state-dir=${state}`,
      '--log-level=WARN',
    ],
    cwd: state,
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    // A killed gateway leaves its socket, and then refuses to start ("address already in use").
    prepare: () => rm(socket, { force: true }),
    isReady: () => isMongoReady(socket),
  };
}

/** A MongoDB server of the machine. */
export async function mongodSpec(program: string, context: ServiceContext): Promise<ServiceSpec> {
  const { folders, user, durability } = context;
  const data = await makeOwnedFolder(join(folders.base, 'mongod'), user);
  const socket = join(folders.sockets, MONGO_SOCKET);
  return {
    ...base('mongod', context),
    program,
    args: [
      ...['--dbpath', data, '--bind_ip', socket, '--filePermissions', '0700', '--quiet'],
      ...(durability === 'throwaway' ? ['--syncdelay', '0'] : []),
    ],
    cwd: data,
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    prepare: () => rm(socket, { force: true }),
    isReady: () => isMongoReady(socket),
  };
}
