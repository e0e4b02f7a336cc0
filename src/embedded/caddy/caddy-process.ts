import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readStartTicks } from '../../common/child-process/process-stat.js';
import type { Environment } from '../../config/environment.js';
import { cachedComponent, makeCache } from '../system/component-cache.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { endProcess, type ProcessIdentity } from '../system/end-process.js';
import { acquireFileLock } from '../system/file-lock.js';
import { findProgram } from '../system/find-program.js';
import { isOpen } from '../system/open-socket.js';
import {
  livingProcess,
  processesWithArguments,
  writeIdentity,
} from '../system/process-identity.js';
import {
  requireReachable,
  serviceUser,
  type ServiceAccount,
  type ServiceUser,
} from '../system/service-user.js';
import { caddyFolders, type CaddyFolders, makeCaddyFolders } from './caddy-folders.js';
import { CADDY_COMPONENT, caddyPath, installCaddy } from './caddy-install.js';

export interface CaddyProcessOptions {
  /** Folder of the data; everything goes below `home/caddy`. One Caddy per home. */
  readonly home: string;
  /** Folder of what is fetched and built. */
  readonly cache: string;
  /** The caller's environment: `PATH`, proxies. Caddy itself sees none of it. */
  readonly env: Environment;
  /** One line for a person, for everything that takes longer than a moment. */
  readonly progress: (line: string) => void;
  /** Ends what `ensure` has begun. */
  readonly signal?: AbortSignal | undefined;
}

/** Where the running one is reached. */
export interface RunningCaddy {
  /** Unix socket of its admin endpoint, of mode 0600. */
  readonly socket: string;
  /** The folder `upstreams` in the folder that it runs in. */
  readonly upstreams: string;
}

/** Not that of the stores: whoever breaks into it from the network shall not find them open. */
const PROXY_ACCOUNT: ServiceAccount = { name: 'millrace-proxy', runs: 'the reverse proxy' };

/** Longest time from spawn to an open socket, ms. */
const READY_MS = 30_000;
/** Longer than Caddy waits for requests that are under way (`grace_period`), ms. */
const STOP_MS = 15_000;
const LOG_MEGABYTES = 5;

/** The configuration that it starts with: it listens for its administrator, and writes its log. */
const START = {
  admin: { listen: 'unix/data/admin.sock|0600', config: { persist: false } },
  logging: {
    logs: {
      default: {
        level: 'WARN',
        // Two files of this size at most.
        writer: {
          output: 'file',
          filename: 'data/caddy.log',
          mode: '0600',
          roll_size_mb: LOG_MEGABYTES,
          roll_keep: 1,
          roll_gzip: false,
        },
        // A line for each time that its endpoint is opened: that it is no address of the network.
        exclude: ['admin'],
      },
    },
  },
};

/**
 * The Caddy of a home: a process of its own that outlives whoever has started it, so that no
 * restart of Millrace closes a connection. Any process of Millrace may ask for it.
 */
export class CaddyProcess {
  private readonly folders: CaddyFolders;

  constructor(private readonly options: CaddyProcessOptions) {
    this.folders = caddyFolders(options.home);
  }

  /**
   * The one that runs, whoever started it; else one is started, without any route. Where there is
   * no program it is built first, which takes minutes. Costs less than a millisecond where it runs.
   *
   * @throws EmbeddedError; nothing that this call has started is left running then
   */
  async ensure(): Promise<RunningCaddy> {
    const running = await this.running();
    if (running !== undefined) return running;
    await this.locked(() => this.start());
    const { socket, upstreams } = this.folders;
    return { socket, upstreams };
  }

  /** The one that runs; starts and makes nothing. */
  async running(): Promise<RunningCaddy | undefined> {
    const { socket, upstreams } = this.folders;
    if (this.living() === undefined || !(await isOpen(socket))) return undefined;
    return { socket, upstreams };
  }

  /**
   * Ends it: requests that are under way have 10 s. When it resolves none is left. Its certificates
   * stay.
   */
  async stop(): Promise<void> {
    // Where none ever ran, no folder and no user is made for its end.
    if (existsSync(this.folders.base)) await this.locked(() => this.end());
  }

  private living(): ProcessIdentity | undefined {
    return livingProcess(join(this.folders.base, 'process.json'));
  }

  private async locked(work: () => Promise<void>): Promise<void> {
    const { home, env, signal, progress } = this.options;
    const user = await serviceUser(PROXY_ACCOUNT, env, progress);
    await makeCaddyFolders(this.folders, home, user);
    const lock = await acquireFileLock(join(this.folders.base, 'lock'), {
      env,
      signal,
      onWait: () => progress('Waiting: another process starts or stops the reverse proxy'),
    });
    try {
      await work();
    } finally {
      await lock.release();
    }
  }

  private async start(): Promise<void> {
    const { socket, base, upstreams } = this.folders;
    // Another process was faster. One that lives without a socket can be told nothing any more.
    if ((await this.running()) !== undefined) return;
    const { env, progress } = this.options;
    const user = await serviceUser(PROXY_ACCOUNT, env, progress);
    const program = await this.program(user);
    await this.end();
    // It begins without routes, so nothing leads anywhere, and what is armed is disarmed.
    for (const name of await readdir(upstreams)) await rm(join(upstreams, name), { force: true });
    await rm(socket, { force: true });
    const config = this.configPath;
    await writeFile(config, JSON.stringify(START, null, 2));
    await chmod(config, 0o644);
    const commands = await startCommands([program, ...this.args], user, env);
    for (const [index, command] of commands.entries()) {
      const problem = await this.launch(command);
      if (problem === undefined) return;
      if (index < commands.length - 1 && problem.includes('setpriv: ')) {
        progress('The reverse proxy gets no right to ports below 1024 here');
        continue;
      }
      throw new EmbeddedError(
        'service_failed',
        `the reverse proxy (Caddy) did not start: ${problem}`,
        `Its logs are ${join(base, 'start.log')} and ${join(this.folders.data, 'caddy.log')}. Start again when the cause is mended.`,
      );
    }
  }

  /** @returns why it did not start, with what it said; nothing of it is left then */
  private async launch(command: StartCommand): Promise<string | undefined> {
    const { base, data, socket } = this.folders;
    const { signal } = this.options;
    const logPath = join(base, 'start.log');
    const log = await open(logPath, 'w', 0o600);
    try {
      const [program = '', ...args] = command.line;
      const child = spawn(program, args, {
        cwd: base,
        env: { HOME: data, XDG_DATA_HOME: data, XDG_CONFIG_HOME: data },
        ...(command.user && { uid: command.user.uid, gid: command.user.gid }),
        detached: true,
        stdio: ['ignore', log.fd, log.fd],
      });
      const ended = new Promise<string>((resolve) => {
        child.once('error', (error) => resolve(error.message));
        child.once('exit', (code, by) => resolve(by ?? `exit code ${String(code)}`));
      });
      child.unref();
      const identity = identityOf(child);
      if (identity !== undefined) writeIdentity(join(base, 'process.json'), identity);
      const outcome = await endOrOpen(ended, socket, signal);
      if (outcome === undefined) return undefined;
      if (identity !== undefined) await endProcess(identity, 'SIGKILL', 0);
      signal?.throwIfAborted();
      const said = (await readFile(logPath, 'utf8')).trim().split('\n').slice(-3).join(' ');
      return `${outcome}${said === '' ? '' : `: ${said}`}`;
    } finally {
      await log.close();
    }
  }

  private async end(): Promise<void> {
    const known = this.living();
    const strays = await processesWithArguments(this.args);
    const all = [...(known === undefined ? [] : [known]), ...strays];
    await Promise.all(all.map((each) => endProcess(each, 'SIGTERM', STOP_MS)));
    await rm(join(this.folders.base, 'process.json'), { force: true });
  }

  private get configPath(): string {
    return join(this.folders.base, 'start.json');
  }

  /** Of no other process of the machine. */
  private get args(): readonly string[] {
    return ['run', '--config', this.configPath];
  }

  private async program(user: ServiceUser | undefined): Promise<string> {
    const { cache, env, signal, progress } = this.options;
    await makeCache(cache);
    if (user !== undefined) await requireReachable(cache, user);
    const root = await cachedComponent({
      ...{ cache, env, signal, progress, name: CADDY_COMPONENT },
      make: (folder) => installCaddy(folder, { env, signal, progress }),
    });
    return caddyPath(root);
  }
}

interface StartCommand {
  readonly line: readonly string[];
  /** Whom to be; undefined: the command says it itself, or the caller's user. */
  readonly user?: ServiceUser | undefined;
}

/**
 * Ways to start it, the best one first. For root: as its user with no right but to listen on ports
 * below 1024, by `setpriv` (util-linux); where this host does not give even that, without.
 */
async function startCommands(
  line: readonly string[],
  user: ServiceUser | undefined,
  env: Environment,
): Promise<readonly StartCommand[]> {
  if (user === undefined) return [{ line }];
  const setpriv = await findProgram(['setpriv'], env);
  const plain = { line, user };
  if (setpriv === undefined) return [plain];
  const right = '-all,+net_bind_service';
  const rights = [`--inh-caps=${right}`, `--ambient-caps=${right}`, `--bounding-set=${right}`];
  const who = [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  return [{ line: [setpriv, ...who, ...rights, '--no-new-privs', ...line] }, plain];
}

function identityOf({ pid }: ChildProcess): ProcessIdentity | undefined {
  const startTicks = pid === undefined ? undefined : readStartTicks(pid);
  return pid === undefined || startTicks === undefined ? undefined : { pid, startTicks };
}

/** Undefined when it listens; else how it ended, or that it does not listen in time. */
async function endOrOpen(
  ended: Promise<string>,
  socket: string,
  signal?: AbortSignal,
): Promise<string | undefined> {
  let end: string | undefined;
  void ended.then((how) => (end = how));
  const giveUpAt = performance.now() + READY_MS;
  while (performance.now() < giveUpAt && signal?.aborted !== true) {
    if (end !== undefined) return end;
    if (await isOpen(socket)) return undefined;
    await sleep(20);
  }
  return 'it does not listen';
}
