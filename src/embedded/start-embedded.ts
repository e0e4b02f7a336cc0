import { access, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../config/environment.js';
import { gatewayPath, GATEWAY_COMPONENT, installGateway } from './gateway/gateway-install.js';
import type { Durability } from './postgres/postgres-conf.js';
import {
  ensureDataFolder,
  ensureExtensionVersions,
  makeTemplate,
  templateData,
  TEMPLATE_COMPONENT,
} from './postgres/postgres-data.js';
import {
  installPostgres,
  POSTGRES_COMPONENT,
  POSTGRES_MAJOR,
  postgresPaths,
} from './postgres/postgres-install.js';
import { installRedis, REDIS_COMPONENT, redisServerPath } from './redis/redis-install.js';
import {
  gatewaySpec,
  mongodbUri,
  mongodSpec,
  postgresSpec,
  redisSpec,
  redisUrl,
  type ServiceContext,
} from './service-specs.js';
import {
  EmbeddedService,
  type ServiceEvent,
  type ServiceName,
} from './supervision/embedded-service.js';
import { cachedComponent, makeCache } from './system/component-cache.js';
import { EmbeddedError } from './system/embedded.error.js';
import { findProgram } from './system/find-program.js';
import { guardHome, type HomeGuard } from './system/home-guard.js';
import { makeServiceFolders, replaceSocketFolder } from './system/service-folders.js';
import {
  DATA_ACCOUNT,
  requireReachable,
  serviceUser,
  type ServiceUser,
} from './system/service-user.js';

export interface EmbeddedOptions {
  /** Folder of the data; everything goes below `home/embedded`. One running Millrace per home. */
  readonly home: string;
  /**
   * Folder of what is fetched and built; shared by all homes of a user, safe to delete while
   * nothing runs.
   */
  readonly cache: string;
  /**
   * `durable`: acknowledged writes survive any kill. `throwaway`: for tests, `home` itself is
   * removed at the end.
   */
  readonly durability: Durability;
  /** Which of the two are needed; the other one's address is undefined in the result. */
  readonly need: { readonly redis: boolean; readonly database: boolean };
  /** The caller's environment: `PATH`, proxies. The services themselves see none of it. */
  readonly env: Environment;
  /** One line for a person, for everything that takes longer than a moment. */
  readonly progress: (line: string) => void;
  /** Tells of a service that died or came back; the default says so through `progress`. */
  readonly onEvent?: (event: ServiceEvent) => void;
  /** Ends a start that is under way; a running set is ended by `stop`. */
  readonly signal?: AbortSignal;
}

export interface EmbeddedServices {
  readonly redisUrl: string | undefined;
  readonly mongodbUri: string | undefined;
  /** What runs, by name, with its pid (undefined while it is being restarted). */
  processes(): readonly { readonly service: ServiceName; readonly pid: number | undefined }[];
  /**
   * Ends all services in their order; when it resolves none is left. May be called more than once.
   */
  stop(): Promise<void>;
}

/**
 * Brings up Redis and the database for a user who gave no address of their own: servers on the
 * `PATH` if there are any, else from the cache, which is filled first (about a minute, once). They
 * listen on unix sockets only, in a folder that only their user can enter. A service that dies is
 * started again.
 *
 * The services end with the process that called this, even when it is killed.
 *
 * @throws EmbeddedError with a cause in words and what to do; nothing is left running then.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServices> {
  const user = await serviceUser(DATA_ACCOUNT, options.env, options.progress);
  const folders = await makeServiceFolders(options.home, user);
  const temporary = [
    folders.sockets,
    ...(options.durability === 'throwaway' ? [options.home] : []),
  ];
  const running = new RunningServices(options);
  try {
    running.guard = await guardHome({
      lockPath: join(folders.base, 'lock'),
      listPath: join(folders.base, 'processes'),
      temporary,
      env: options.env,
      onLost: (error) => {
        options.progress(`The home is not guarded any more, ending all services: ${String(error)}`);
        void running.stop();
      },
    });
  } catch (error) {
    await rm(folders.sockets, { recursive: true, force: true });
    throw error;
  }
  try {
    await replaceSocketFolder(folders);
    await bringUp(running, { folders, user, durability: options.durability }, options);
  } catch (error) {
    await running.stop();
    throw error;
  }
  return {
    redisUrl: options.need.redis ? redisUrl(folders) : undefined,
    mongodbUri: options.need.database ? mongodbUri(folders) : undefined,
    processes: () => running.processes(),
    stop: () => running.stop(),
  };
}

async function bringUp(
  running: RunningServices,
  context: ServiceContext,
  options: EmbeddedOptions,
): Promise<void> {
  const abort = new AbortController();
  const signals = [abort.signal, ...(options.signal === undefined ? [] : [options.signal])];
  const own = { ...options, signal: AbortSignal.any(signals) };
  const parts: Promise<void>[] = [];
  if (options.need.redis) parts.push(bringUpRedis(running, context, own));
  if (options.need.database) parts.push(bringUpDatabase(running, context, own, abort));
  await together(parts, abort);
}

/**
 * Like Promise.all, but the first failure stops the others, and nothing continues after it has
 * thrown.
 */
async function together<T>(parts: readonly Promise<T>[], abort: AbortController): Promise<T[]> {
  for (const part of parts) part.catch(() => abort.abort());
  const first = Promise.all(parts);
  // It is awaited below; until then a rejection must not count as unhandled.
  first.catch(() => undefined);
  await Promise.allSettled(parts);
  return first;
}

async function bringUpRedis(
  running: RunningServices,
  context: ServiceContext,
  options: EmbeddedOptions,
): Promise<void> {
  const installed = await findProgram(['redis-server', 'valkey-server'], options.env);
  const program =
    installed ?? redisServerPath(await component(REDIS_COMPONENT, installRedis, context, options));
  try {
    await running.start(await redisSpec(program, context));
  } catch (error) {
    if (!(error instanceof EmbeddedError) || error.code !== 'service_failed') throw error;
    // Broken, or of a newer Redis. It holds nothing that the database does not (architecture,
    // section 6).
    const data = join(context.folders.base, 'redis');
    const aside = `${data}.unreadable`;
    await rm(aside, { recursive: true, force: true });
    await rename(data, aside);
    options.progress(
      `Redis did not start with its data, so it starts empty; the data is in ${aside}`,
    );
    await running.start(await redisSpec(program, context));
  }
}

async function bringUpDatabase(
  running: RunningServices,
  context: ServiceContext,
  options: EmbeddedOptions,
  abort: AbortController,
): Promise<void> {
  const mongod = await findProgram(['mongod'], options.env);
  const data = join(context.folders.base, `postgres-${POSTGRES_MAJOR}`);
  // A home keeps the kind of database that it began with: its data is of no use to the other.
  if (mongod !== undefined && !(await exists(data))) {
    await running.start(await mongodSpec(mongod, context));
    return;
  }
  const installs = [
    component(POSTGRES_COMPONENT, installPostgres, context, options),
    component(GATEWAY_COMPONENT, installGateway, context, options),
  ];
  const [postgres = '', gateway = ''] = await together(installs, abort);
  const template = await component(
    templateName(context.user),
    (folder) => makeTemplate(folder, postgres, context.user),
    context,
    options,
  );
  await ensureDataFolder(data, templateData(template), context.user, {
    env: options.env,
    sync: context.durability === 'durable',
  });
  if (context.durability === 'durable') {
    await ensureExtensionVersions(data, postgres, context.user, context.durability);
  }
  const program = join(postgresPaths(postgres).programs, 'postgres');
  await running.start(await postgresSpec(program, data, context));
  await running.start(await gatewaySpec(gatewayPath(gateway), context));
}

/** As root the template belongs to the services' user, which may be another one tomorrow. */
function templateName(user: ServiceUser | undefined): string {
  return user === undefined ? TEMPLATE_COMPONENT : `${TEMPLATE_COMPONENT}-${user.name}`;
}

type Make = (folder: string, options: EmbeddedOptions) => Promise<void>;

async function component(
  name: string,
  make: Make,
  context: ServiceContext,
  options: EmbeddedOptions,
): Promise<string> {
  const { cache, env, signal, progress } = options;
  if (context.user !== undefined) {
    await makeCache(cache);
    await requireReachable(cache, context.user);
  }
  return cachedComponent({
    ...{ cache, env, signal, progress, name },
    make: (folder) => make(folder, options),
  });
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The services of one home, what the guard knows of them, and their end. */
class RunningServices {
  private readonly services: EmbeddedService[] = [];
  guard: HomeGuard | undefined;
  private readonly options: EmbeddedOptions;
  private stopped: Promise<void> | undefined;

  constructor(options: EmbeddedOptions) {
    this.options = options;
  }

  async start(spec: EmbeddedService['spec']): Promise<void> {
    const onEvent = this.options.onEvent ?? ((event) => this.options.progress(describe(event)));
    const service = new EmbeddedService(spec, onEvent, () => this.tellGuard());
    this.services.push(service);
    try {
      await service.start();
    } catch (error) {
      this.services.splice(this.services.indexOf(service), 1);
      spec.log.close();
      throw error;
    }
  }

  processes(): readonly { readonly service: ServiceName; readonly pid: number | undefined }[] {
    return this.services.map(({ spec, process }) => ({ service: spec.name, pid: process?.pid }));
  }

  stop(): Promise<void> {
    this.stopped ??= this.end();
    return this.stopped;
  }

  private async tellGuard(): Promise<void> {
    const entries = this.services.flatMap(({ spec, process }) =>
      process === undefined ? [] : [{ ...process, signal: this.signalFor(spec) }],
    );
    await this.guard?.watch(entries);
  }

  private signalFor(spec: EmbeddedService['spec']): NodeJS.Signals {
    if (this.options.durability === 'durable') return spec.stopSignal;
    // SIGQUIT is PostgreSQL's "immediate": it collects its children, unlike after SIGKILL.
    return spec.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL';
  }

  private async end(): Promise<void> {
    const isStore = ({ spec }: EmbeddedService): boolean => spec.name === 'postgres';
    const stop = (service: EmbeddedService): Promise<void> =>
      service.stop(this.signalFor(service.spec));
    await Promise.all(this.services.filter((service) => !isStore(service)).map(stop));
    await Promise.all(this.services.filter(isStore).map(stop));
    for (const { spec } of this.services) spec.log.close();
    await this.guard?.release();
  }
}

function describe(event: ServiceEvent): string {
  switch (event.kind) {
    case 'died':
      return `${event.service} died (${event.how}); starting it again`;
    case 'restarted':
      return `${event.service} is back after ${String(event.afterMs)} ms`;
    case 'restart_failed':
      return `${event.service} could not be started again, trying on: ${event.reason}`;
  }
}
