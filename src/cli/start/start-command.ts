import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { readToken, tokenFile } from '../../auth/tokens/token-file.js';
import { readClientEnvironment } from '../../config/client-environment.js';
import type { Environment } from '../../config/environment.js';
import type { MillraceConfig } from '../../config/millrace-config.js';
import { defaultCache } from '../../config/paths.js';
import { type EmbeddedServices, startEmbedded } from '../../embedded/start-embedded.js';
import { EmbeddedError } from '../../embedded/system/embedded.error.js';
import { SupervisorProcess } from '../../integrations/local-services/client/supervisor-process.js';
import { ApiClient } from '../api/api-client.js';
import { LoginStore } from '../api/login-store.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import type { ServerFlags } from '../command/flags.js';
import { type EffectiveConfig, effectiveConfig } from '../command/server-config.js';
import type { Terminal } from '../terminal/terminal.js';
import { AddressNote } from './address-note.js';
import { commandHere, triggerLine } from './command-here.js';
import { reportExample } from './example-report.js';
import { isFirstStart, runExample } from './example-run.js';
import { launchInOrder } from './launch-order.js';
import { apiUrl, claimPort } from './listen-address.js';
import { ServerLog } from './server-log.js';
import { type ProcessEvents, ServerProcess } from './server-process.js';
import { ServicesKeeper } from './services-keeper.js';

export interface StartFlags extends ServerFlags {
  readonly api: boolean;
  readonly example: boolean;
  readonly logs?: boolean;
}

const API_GRACE_MS = 10_000;
/** A worker drains for 20 s, then interrupts what runs: TERM, 8 s, KILL. */
const WORKER_GRACE_MS = 36_000;
const READY_MS = 60_000;
const WAKE_UP_MS = 2 ** 30;
/** Ended by a signal before it ran. */
const INTERRUPTED = 130;

/** Brings everything up, keeps it up, and takes it down again on Ctrl-C or TERM. */
export async function startCommand(flags: StartFlags, terminal: Terminal): Promise<number> {
  const { config, environment } = await effectiveStart(flags);
  if (!flags.api && (config.mongodbUri === undefined || config.redisUrl === undefined)) {
    throw new CommandError(
      'A worker alone needs MONGODB_URI and REDIS_URL of the server that it works for. A server with embedded stores serves one host: give it more workers by ./millrace start --workers N.',
      exitCodes.usage,
    );
  }
  const stop = stopSignal(terminal);
  const log = new ServerLog(config.home, flags.logs ?? false, terminal);
  const address = new AddressNote(config.home, apiUrl(config.host, config.port));
  const server = new Server(config, environment, log, terminal, stop);
  try {
    await server.start(flags.api);
    if (stop.aborted) return INTERRUPTED;
    if (flags.api) address.write();
    if (flags.api) await greet(config, flags, log, terminal, stop);
    else terminal.say(`Workers run. Ctrl-C stops them. Log: ${log.path}`);
    const alive = setInterval(() => undefined, WAKE_UP_MS);
    await aborted(stop);
    clearInterval(alive);
    return 0;
  } catch (error) {
    // What was cut off by the stop is no failure of its own: Ctrl-C ends what is brought up, too.
    const isKnown = error instanceof EmbeddedError || error instanceof CommandError;
    if (stop.aborted && isKnown) return INTERRUPTED;
    throw error;
  } finally {
    address.remove();
    await server.stop();
    log.close();
  }
}

/** As `effectiveConfig`, with a port that can be had. */
async function effectiveStart(flags: StartFlags): Promise<EffectiveConfig> {
  const asked = effectiveConfig(flags);
  if (!flags.api) return asked;
  const port = await claimPort(asked.config.host, asked.config.port);
  return effectiveConfig({ ...flags, port: String(port) });
}

/** The process tree of one start. */
class Server {
  private services: EmbeddedServices | undefined;
  private api: ServerProcess | undefined;
  private readonly workers: ServerProcess[] = [];
  private readonly keeper: ServicesKeeper;
  private readonly events: ProcessEvents;

  constructor(
    private readonly config: MillraceConfig,
    private readonly environment: Environment,
    log: ServerLog,
    private readonly terminal: Terminal,
    private readonly signal: AbortSignal,
  ) {
    const progress = (line: string): void => terminal.say(line);
    const { home, servicesApart: isApart } = config;
    const supervisor = { home, env: environment, progress, signal, isApart };
    this.keeper = new ServicesKeeper(new SupervisorProcess(supervisor), progress);
    this.events = {
      output: (name, bytes) => log.write(name, bytes),
      died: (name, how, restartInMs) =>
        terminal.say(
          restartInMs === undefined
            ? `${name} ended (${how})`
            : `${name} died (${how}); starting it again in ${restartInMs} ms`,
        ),
      back: (name, afterMs) => terminal.say(`${name} is back after ${afterMs} ms`),
    };
  }

  async start(withApi: boolean): Promise<void> {
    // The default of the home depends on variables that the children do not get.
    const environment = { ...(await this.storeEnvironment()), MILLRACE_HOME: this.config.home };
    if (this.signal.aborted) return;
    this.keeper.start();
    if (withApi) {
      this.api = this.process('api', 'main', { ...environment, ROLE: 'api' }, API_GRACE_MS);
    }
    const count = this.config.workers ?? availableParallelism();
    for (let number = 1; number <= count; number++) {
      const role = { ...environment, ROLE: 'worker' };
      this.workers.push(this.process(`worker ${number}`, 'worker', role, WORKER_GRACE_MS));
    }
    await Promise.race([this.allReady(), aborted(this.signal)]);
    if (withApi) await apiOf(this.config).waitUntilReady(READY_MS, this.signal);
  }

  /**
   * @throws CommandError when one of them ended before it served: the next try would end the same
   *   way
   */
  private async allReady(): Promise<void> {
    await launchInOrder(this.api, this.workers, this.signal);
    const all = [...(this.api ? [this.api] : []), ...this.workers];
    await Promise.all(all.map((each) => each.firstReady()));
  }

  /**
   * Workers first, so that what they run can still be stored; the stores last. What was deployed on
   * this host runs on, and so does its supervisor.
   */
  async stop(): Promise<void> {
    await this.keeper.stop();
    await Promise.all(this.workers.map((worker) => worker.stop()));
    await this.api?.stop();
    await this.services?.stop();
  }

  private async storeEnvironment(): Promise<Environment> {
    const { mongodbUri, redisUrl, home } = this.config;
    const need = { redis: redisUrl === undefined, database: mongodbUri === undefined };
    if (!need.redis && !need.database) return this.environment;
    this.services = await startEmbedded({
      home,
      cache: defaultCache(),
      durability: 'durable',
      need,
      env: this.environment,
      progress: (line) => this.terminal.say(line),
      signal: this.signal,
    });
    return {
      ...this.environment,
      MONGODB_URI: mongodbUri ?? this.services.mongodbUri,
      REDIS_URL: redisUrl ?? this.services.redisUrl,
    };
  }

  private process(
    name: string,
    entry: 'main' | 'worker',
    environment: Environment,
    graceMs: number,
  ): ServerProcess {
    return new ServerProcess({ name, entry, environment, graceMs }, this.events);
  }
}

async function greet(
  config: MillraceConfig,
  flags: StartFlags,
  log: ServerLog,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  const api = apiOf(config);
  const url = api.baseUrl;
  terminal.print(`${terminal.paint('bold', 'Millrace runs:')} ${terminal.paint('cyan', url)}`);
  terminal.print(`  Swagger UI   ${url}/api/docs`);
  terminal.print(`  Health       ${url}/api/healthchecker`);
  if (config.authMode === 'token' && config.token === undefined) {
    terminal.print(`  Token        in ${tokenFile(config.home)}`);
  }
  terminal.print(`  Server log   ${log.path}`);
  // Where people log in there may be no token by which anything can be asked for.
  const mayAsk = config.authMode !== 'oauth' || config.token !== undefined;
  if (flags.example && mayAsk && config.workers !== 0 && (await isFirstStart(api))) {
    await showExample(api, config, terminal, stop);
  }
  terminal.print('Ctrl-C stops everything.');
}

async function showExample(
  api: ApiClient,
  config: MillraceConfig,
  terminal: Terminal,
  stop: AbortSignal,
): Promise<void> {
  terminal.print();
  terminal.print('Running a first pipeline (examples/hello.yaml):');
  const result = await runExample(api, stop);
  if (result === undefined) return;
  const environment = readClientEnvironment();
  const store = new LoginStore(environment.configFolder);
  const server = { url: api.baseUrl, home: config.home };
  reportExample(result, terminal, {
    here: (command) => commandHere(command, server, environment, store),
    trigger: (pipelineId) => triggerLine(server, config, pipelineId),
  });
}

function apiOf(config: MillraceConfig): ApiClient {
  const token =
    config.authMode === 'none' ? undefined : (config.token ?? readToken(tokenFile(config.home)));
  return new ApiClient(apiUrl(config.host, config.port), token);
}

/** Aborts at the first Ctrl-C, TERM or HUP; a second Ctrl-C ends this process at once. */
function stopSignal(terminal: Terminal): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    terminal.say('Stopping; running executions get 20 s to end. Again to stop at once.');
    controller.abort();
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  return controller.signal;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
