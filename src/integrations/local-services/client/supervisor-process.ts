import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nameRecord } from '../../../common/values/name-record.js';
import type { Environment } from '../../../config/environment.js';
import { entryFile } from '../../../config/paths.js';
import { EmbeddedError } from '../../../embedded/system/embedded.error.js';
import { endProcess } from '../../../embedded/system/end-process.js';
import { acquireFileLock } from '../../../embedded/system/file-lock.js';
import { isOpen } from '../../../embedded/system/open-socket.js';
import { livingProcess } from '../../../embedded/system/process-identity.js';
import {
  listInstanceIds,
  makePlaces,
  type ServicePlaces,
  servicePlaces,
} from '../service-places.js';

export interface SupervisorProcessOptions {
  /** Folder of the data. One supervisor per home. */
  readonly home: string;
  /** The caller's environment, of which the supervisor sees `PATH` and `STEP_USER` alone. */
  readonly env: Environment;
  /** One line for a person, for everything that takes longer than a moment. */
  readonly progress: (line: string) => void;
  /** Ends what `ensure` has begun. */
  readonly signal?: AbortSignal | undefined;
  /** Program and arguments of a supervisor; absent: `millrace services run`. */
  readonly command?: readonly string[] | undefined;
  /**
   * A unit or a container of its own starts it, and starts it again (`SERVICES_APART`): one that
   * its caller started would end with the caller's unit, and all programs with it.
   */
  readonly isApart?: boolean | undefined;
  /** How long one that is apart is waited for; absent: `APART_MS`. */
  readonly apartMs?: number | undefined;
}

/** Of the caller's variables, those that the supervisor gets. */
const INHERITED = ['PATH', 'LANG', 'STEP_USER', 'TMPDIR'] as const;
/** Longest time from spawn to an open socket, ms. */
const READY_MS = 30_000;
/** One that lives and does not listen may have been started a moment ago, ms. */
const YOUNG_MS = 3000;
const STOP_MS = 10_000;
/** For a unit or container to start it again, ms. */
const APART_MS = 15_000;
const APART_LOOK_MS = 50;

/**
 * The supervisor of a home: a process of its own, which outlives whoever has started it. Any
 * process of Millrace may ask for it. What it supervises runs on whenever it ends.
 */
export class SupervisorProcess {
  private readonly places: ServicePlaces;

  constructor(private readonly options: SupervisorProcessOptions) {
    this.places = servicePlaces(options.home);
  }

  /** Whether anything was ever started here, and not removed. */
  hasServices(): boolean {
    return listInstanceIds(this.places.instances).length > 0;
  }

  /**
   * The one that runs, whoever started it; else one is started, and takes over what runs. One that
   * is apart is only waited for. Costs less than a millisecond where it runs.
   *
   * @returns its socket
   * @throws EmbeddedError; no supervisor that this call has started is left running then
   */
  async ensure(): Promise<string> {
    const { socket } = this.places;
    if (this.options.isApart === true) await this.waitForIt();
    else if (!(await isOpen(socket))) await this.locked(() => this.start());
    return socket;
  }

  /** Ends the supervisor; the services run on. When it resolves there is none. */
  async stop(): Promise<void> {
    if (existsSync(this.places.base)) await this.locked(() => this.end());
  }

  private async waitForIt(): Promise<void> {
    const { home, signal, apartMs = APART_MS } = this.options;
    const giveUpAt = performance.now() + apartMs;
    while (!(await isOpen(this.places.socket))) {
      signal?.throwIfAborted();
      if (performance.now() >= giveUpAt) {
        throw new EmbeddedError(
          'service_failed',
          `the supervisor of services does not run in ${home}, and SERVICES_APART says that it is not started from here`,
          'Start its unit (millrace-services.service) or its container (services), or take SERVICES_APART out.',
        );
      }
      await sleep(APART_LOOK_MS);
    }
  }

  private async locked(work: () => Promise<void>): Promise<void> {
    const { home, env, signal, progress } = this.options;
    await makePlaces(home, this.places);
    const lock = await acquireFileLock(this.places.startLock, {
      env,
      signal,
      onWait: () => progress('Waiting: another process starts or stops the supervisor of services'),
    });
    try {
      await work();
    } finally {
      await lock.release();
    }
  }

  private async start(): Promise<void> {
    const { socket, identity } = this.places;
    const youngUntil = performance.now() + YOUNG_MS;
    do {
      if (await isOpen(socket)) return;
      await sleep(20);
    } while (livingProcess(identity) !== undefined && performance.now() < youngUntil);
    // One that lives without a socket can be told nothing any more.
    await this.end();
    await rm(socket, { force: true });
    const outPath = join(this.places.base, 'start.log');
    const out = await open(outPath, 'w', 0o600);
    try {
      const outcome = await this.openOrEnd(this.launch(out.fd));
      if (outcome === undefined) return;
      this.options.signal?.throwIfAborted();
      const said = (await readFile(outPath, 'utf8')).trim().split('\n').slice(-3).join(' ');
      throw new EmbeddedError(
        'service_failed',
        `the supervisor of services did not start: ${outcome}${said === '' ? '' : `: ${said}`}`,
        `Its logs are ${outPath} and ${this.places.log}. Start again when the cause is mended.`,
      );
    } finally {
      await out.close();
    }
  }

  private launch(output: number): ChildProcess {
    const { home, env, command } = this.options;
    const [program = '', ...args] = command ?? [
      ...[process.execPath, '--max-semi-space-size=1', entryFile('cli'), 'services', 'run'],
    ];
    const given = nameRecord(INHERITED.map((name) => [name, env[name]]));
    const child = spawn(program, args, {
      cwd: '/',
      env: { ...given, MILLRACE_HOME: home },
      detached: true,
      stdio: ['ignore', output, output],
    });
    child.unref();
    return child;
  }

  /** Undefined when it listens; else how it ended, and none is left. */
  private async openOrEnd(child: ChildProcess): Promise<string | undefined> {
    let end: string | undefined;
    child.once('error', (error) => (end = error.message));
    child.once('exit', (code, by) => (end = by ?? `exit code ${String(code)}`));
    const giveUpAt = performance.now() + READY_MS;
    while (performance.now() < giveUpAt && this.options.signal?.aborted !== true) {
      if (await isOpen(this.places.socket)) return undefined;
      if (end !== undefined) return end;
      await sleep(20);
    }
    child.kill('SIGKILL');
    return 'it does not listen';
  }

  private async end(): Promise<void> {
    const known = livingProcess(this.places.identity);
    if (known !== undefined) await endProcess(known, 'SIGTERM', STOP_MS);
  }
}
