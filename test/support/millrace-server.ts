import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEnvironment } from '../../src/config/environment.js';
import { NODE_FLAGS } from '../../src/config/node-flags.js';
import { entryFile } from '../../src/config/paths.js';
import { stopProxy } from '../../src/embedded/caddy/home-caddy.js';
import { removeTree } from './remove-tree.js';
import { eventually } from './eventually.js';
import { testServices } from './services.js';
import { endPrograms } from './supervised-programs.js';

/** A real server process of a test: what `./millrace start` runs, without the supervisor. */
export interface ServerProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything that it printed. */
  output(): string;
  /** True when it has ended and all that it printed is read: the end is known before the words. */
  isOver(): boolean;
  /** Sends the signal and waits for the end. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

export interface MillraceServerOptions {
  readonly workers?: number;
  readonly concurrency?: number;
  /** Variables on top; `undefined` takes one away. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Default: a new one each time. */
  readonly databaseName?: string;
  /** Whom its processes are. Default: the user of the test. */
  readonly user?: ServerUser;
  /** Data folder, removed at the end. Default: a new one. */
  readonly home?: string;
}

export interface ExecutionBody {
  readonly id: string;
  readonly status: string;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly attempt: number;
  readonly number: number | null;
  readonly duration: number | null;
  readonly stages: readonly {
    readonly name: string;
    readonly status: string;
    readonly reason: { readonly code: string } | null;
    readonly steps: readonly StepBody[];
  }[];
  readonly always: readonly StepBody[];
  readonly on_failure: readonly StepBody[];
  readonly checkout: StepBody | null;
  readonly failure: {
    readonly stage: string;
    readonly step: string;
    readonly last_lines: readonly string[];
  } | null;
  readonly commit: {
    readonly sha: string;
    readonly message: string;
    readonly author: string;
  } | null;
  readonly logs: readonly string[];
  readonly placements: readonly {
    readonly worker_id: string;
    readonly worker_name: string;
    readonly reason?: { readonly code: string } | null;
  }[];
}

export interface StepBody {
  readonly name: string;
  readonly status: string;
  readonly exit_code: number | null;
  readonly flaky: boolean;
  readonly outputs: Readonly<Record<string, string>>;
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly attempts: readonly {
    readonly number: number;
    readonly status: string;
    readonly phases?: readonly { readonly name: string; readonly duration: number | null }[];
    readonly image?: { readonly name: string; readonly digest: string } | null;
    readonly caches?: readonly {
      readonly restored: { readonly code: string };
      readonly saved?: { readonly code: string };
    }[];
    readonly deployment?: { readonly id: string };
  }[];
}

/** A start takes 2 s; this is for machines that have much else to do. */
const START_MS = 90_000;
const TERMINAL = ['success', 'failed', 'cancelled', 'timeout'];
const TOKEN = 'test-token-of-24-characters';

/** One API and any number of workers as real processes, over the real services of the test run. */
export class MillraceServer {
  readonly workers: ServerProcess[] = [];
  /** Every process that was ever started here. */
  readonly processes: ServerProcess[] = [];
  /** Executions that were accepted here, oldest first. */
  readonly accepted = new Set<string>();
  /** Triggers that were refused or not answered. */
  unanswered = 0;
  api: ServerProcess | undefined;
  baseUrl = '';
  readonly token = TOKEN;

  private constructor(
    readonly home: string,
    readonly environment: Readonly<Record<string, string | undefined>>,
    private readonly user?: ServerUser,
  ) {}

  static async start(options: MillraceServerOptions = {}): Promise<MillraceServer> {
    const stores = options.environment?.['MONGODB_URI'] === undefined ? testServices() : undefined;
    const home = options.home ?? (await mkdtemp(join(tmpdir(), 'millrace-e2e-')));
    const { user } = options;
    if (user) await chown(home, user.uid, user.gid);
    const environment = {
      PATH: process.env['PATH'],
      MONGODB_URI: stores?.mongodbUri,
      MONGODB_DATABASE: options.databaseName ?? `e2e_${randomBytes(5).toString('hex')}`,
      REDIS_URL: stores?.redisUrl,
      MILLRACE_HOME: home,
      MILLRACE_TOKEN: TOKEN,
      PORT: '0',
      // The repositories of tests are on loopback.
      ALLOW_PRIVATE_URLS: '127.0.0.0/8',
      WORKER_CONCURRENCY: String(options.concurrency ?? 4),
      ...options.environment,
    };
    const server = new MillraceServer(home, environment, user);
    try {
      const workers = options.workers ?? 1;
      await Promise.all([
        server.startApi(),
        ...Array.from({ length: workers }, () => server.startWorker()),
      ]);
      return server;
    } catch (error) {
      await server.stop();
      throw error;
    }
  }

  async startApi(
    extra: Readonly<Record<string, string>> = {},
    own: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const api = this.launch('main', { ...extra, ROLE: 'api' }, own);
    this.processes.push(api);
    this.api = api;
    const port = await said(api, 'the API', /"port":(\d+),"msg":"the API listens"/);
    this.baseUrl = `http://127.0.0.1:${port}`;
    await eventually(async () => (await this.fetch('GET', '/api/health/ready')).ok || undefined);
    return api;
  }

  /** @param own variables of the process itself, which the configuration does not know */
  async startWorker(
    extra: Readonly<Record<string, string>> = {},
    own: Readonly<Record<string, string>> = {},
  ): Promise<ServerProcess> {
    const worker = this.launch('worker', { ...extra, ROLE: 'worker' }, own);
    this.workers.push(worker);
    this.processes.push(worker);
    const isDoomed = (extra['FAIL_POINT'] ?? own['FAIL_POINT']) !== undefined;
    await said(worker, 'the worker', /"msg":"the worker (runs)"/).catch((error: unknown) => {
      // What others have left is taken up at once: it may come to its point before it says so.
      if (!isDoomed || worker.child.signalCode !== 'SIGKILL') throw error;
    });
    return worker;
  }

  private launch(
    entry: 'main' | 'worker',
    extra: Readonly<Record<string, string>>,
    own: Readonly<Record<string, string>>,
  ): ServerProcess {
    return launch(entry, { ...this.environment, ...extra }, own, this.user);
  }

  async fetch(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
    signal?: AbortSignal,
  ): Promise<Response> {
    return fetch(`${this.baseUrl}${path}`, {
      method,
      ...(signal === undefined ? {} : { signal }),
      headers: {
        authorization: `Bearer ${TOKEN}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  /** A request whose answer must be 2xx. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.fetch(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async createPipeline(yaml: string): Promise<string> {
    const body = { yaml_content: yaml };
    return (await this.call<{ id: string }>('POST', '/api/ci/pipelines', body)).id;
  }

  async trigger(pipelineId: string, body: unknown = {}): Promise<string> {
    const path = `/api/ci/pipelines/${pipelineId}/trigger`;
    try {
      const { execution_id: id } = await this.call<{ execution_id: string }>('POST', path, body);
      this.accepted.add(id);
      return id;
    } catch (error) {
      this.unanswered += 1;
      throw error;
    }
  }

  async execution(id: string): Promise<ExecutionBody> {
    return this.call<ExecutionBody>('GET', `/api/ci/executions/${id}`);
  }

  async until(
    id: string,
    condition: (execution: ExecutionBody) => boolean,
    timeoutMs = 30_000,
  ): Promise<ExecutionBody> {
    let last: ExecutionBody | undefined;
    try {
      return await eventually(async () => {
        last = await this.execution(id);
        return condition(last) ? last : undefined;
      }, timeoutMs);
    } catch (error) {
      throw new Error(`execution ${id} did not get there: ${JSON.stringify(last)}`, {
        cause: error,
      });
    }
  }

  async finished(id: string, timeoutMs = 30_000): Promise<ExecutionBody> {
    return this.until(id, ({ status }) => TERMINAL.includes(status), timeoutMs);
  }

  /** Its lease was taken from it: what it had is another one's, and it ends when it learns that. */
  async isLost({ pid }: ServerProcess): Promise<boolean> {
    const path = '/api/workers';
    type WorkerBody = { readonly pid: number; readonly status: string };
    const workers = await this.call<readonly WorkerBody[]>('GET', path);
    return workers.some((worker) => worker.pid === pid && worker.status === 'lost');
  }

  /** A deployment that has ended; `T` is what a spec reads of it. */
  endedDeployment<T extends { readonly status: string }>(id: string): Promise<T> {
    return eventually(async () => {
      const now = await this.call<T>('GET', `/api/deployments/${id}`);
      return TERMINAL.includes(now.status) ? now : undefined;
    });
  }

  /** The rollback of the service of a deployment, when it has ended. */
  async rolledBack<T extends { readonly deployment_id: string; readonly status: string }>(
    id: string,
    body?: unknown,
  ): Promise<T> {
    const path = `/api/deployments/${id}/rollback`;
    const { deployment_id } = await this.call<T>('POST', path, body);
    return this.endedDeployment<T>(deployment_id);
  }

  /** Creates, triggers and waits for the end. */
  async run(yaml: string, trigger: unknown = {}, timeoutMs = 30_000): Promise<ExecutionBody> {
    return this.finished(await this.trigger(await this.createPipeline(yaml), trigger), timeoutMs);
  }

  /** @param query of the request, as `stage=a&step=b` */
  async logText(id: string, query = ''): Promise<string> {
    const headers = { accept: 'text/plain' };
    const path = `/api/ci/executions/${id}/logs?${query}`;
    const response = await this.fetch('GET', path, undefined, headers);
    return response.text();
  }

  async stop(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.end()));
    await this.api?.end();
    // They outlive whoever has started them.
    await endPrograms(this.home);
    if (existsSync(join(this.home, 'caddy'))) await stopProxy(this.home, () => undefined);
    await removeTree(this.home);
  }
}

function launch(
  entry: 'main' | 'worker',
  environment: Readonly<Record<string, string | undefined>>,
  own: Readonly<Record<string, string>>,
  user: ServerUser | undefined,
): ServerProcess {
  const child = spawn(process.execPath, [...NODE_FLAGS[entry], entryFile(entry)], {
    env: { ...own, PATH: environment['PATH'], MILLRACE_ENV_FD: '3' },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    ...user,
  });
  (child.stdio[3] as NodeJS.WritableStream).end(encodeEnvironment(environment));
  const chunks: string[] = [];
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  let isOver = false;
  child.once('close', () => (isOver = true));
  return {
    child,
    pid: child.pid ?? 0,
    output: () => chunks.join(''),
    isOver: () => isOver,
    end: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGCONT');
      child.kill(signal);
      await ended;
    },
  };
}

/** Waits until the process prints it; returns the first group. Fails with all that it printed. */
async function said(server: ServerProcess, name: string, what: RegExp): Promise<string> {
  try {
    return await eventually(() => {
      failIfEnded(server, name);
      return what.exec(server.output())?.[1];
    }, START_MS);
  } catch (error) {
    throw new Error(`${name} did not say ${what.source}:\n${server.output()}`, { cause: error });
  }
}

function failIfEnded(server: ServerProcess, name: string): void {
  const { exitCode, signalCode } = server.child;
  if (!server.isOver()) return;
  throw new Error(`${name} ended (${exitCode ?? signalCode}):\n${server.output()}`);
}
