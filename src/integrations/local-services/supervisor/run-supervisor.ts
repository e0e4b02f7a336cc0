import { realpathSync } from 'node:fs';
import { readStartTicks } from '../../../common/child-process/process-stat.js';
import type { Environment } from '../../../config/environment.js';
import { RotatingLog } from '../../../embedded/supervision/rotating-log.js';
import { EmbeddedError } from '../../../embedded/system/embedded.error.js';
import { acquireFileLock, type FileLock } from '../../../embedded/system/file-lock.js';
import { writeIdentity } from '../../../embedded/system/process-identity.js';
import { makePlaces, type ServicePlaces, servicePlaces } from '../service-places.js';
import { serveControl } from './control-server.js';
import { ServiceAccounts } from './service-account.js';
import { ServiceSupervisor } from './service-supervisor.js';

export interface RunOptions {
  /** Folder of the data; everything goes below `home/services`. */
  readonly home: string;
  /** For `PATH`; services see none of it. */
  readonly env: Environment;
  /** Users that steps run as: no service is one of them. */
  readonly stepUsers: readonly string[];
  /** A line for a person. */
  readonly say: (line: string) => void;
  /** Ends it; what it supervises runs on. */
  readonly signal: AbortSignal;
  /** Brings up the reverse proxy of the home where none runs. */
  readonly ensureProxy: () => Promise<unknown>;
  /** Of each of the two files of a service's log. */
  readonly logBytes?: number;
}

/** For the lock of a supervisor that was just killed, ms. */
const LOCK_MS = 5000;
const SERVICE_LOG_BYTES = 5 * 1024 * 1024;
const OWN_LOG_BYTES = 1024 * 1024;

/**
 * Supervises the services of a home until the signal; there is one supervisor for each home.
 *
 * @throws EmbeddedError `home_in_use` where there is one; `home_unreachable`
 */
export async function runSupervisor(options: RunOptions): Promise<void> {
  const { home, ensureProxy, signal } = options;
  await asSupervisor(options, async (supervisor, places, say) => {
    writeIdentity(places.identity, {
      ...{ pid: process.pid, startTicks: readStartTicks(process.pid) ?? 0 },
    });
    supervisor.begin();
    const server = await serveControl(places.socket, { services: supervisor, ensureProxy });
    say(`Services of ${home} are supervised`);
    if (!signal.aborted) {
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { once: true }),
      );
    }
    server.close();
    server.closeAllConnections();
    await supervisor.leave();
    say('The supervisor ends; the services run on');
  });
}

/**
 * Ends the programs of a home by their own rules, where there is no supervisor any more: the next
 * one starts again at once what is wanted to run.
 *
 * @throws EmbeddedError as `runSupervisor`
 */
export async function endPrograms(
  options: Pick<RunOptions, 'home' | 'env' | 'stepUsers' | 'say'>,
): Promise<void> {
  await asSupervisor(options, (supervisor) => supervisor.endAll());
}

async function asSupervisor(
  options: Omit<RunOptions, 'ensureProxy' | 'signal'>,
  work: (
    supervisor: ServiceSupervisor,
    places: ServicePlaces,
    say: (line: string) => void,
  ) => Promise<void>,
): Promise<void> {
  const { home, env, stepUsers, logBytes = SERVICE_LOG_BYTES } = options;
  const places = servicePlaces(home);
  await makePlaces(home, places);
  const lock = await takeLock(places.lock, env);
  const log = new RotatingLog(places.log, OWN_LOG_BYTES);
  const say = (line: string): void => {
    log.write(Buffer.from(`${new Date().toISOString()} ${line}\n`));
    options.say(line);
  };
  try {
    const instances = realpathSync(places.instances);
    const accounts = new ServiceAccounts({ env, stepUsers, say });
    await work(new ServiceSupervisor({ instances, logBytes, accounts, say }), places, say);
  } finally {
    log.close();
    await lock.release();
  }
}

async function takeLock(path: string, env: Environment): Promise<FileLock> {
  const giveUp = AbortSignal.timeout(LOCK_MS);
  try {
    return await acquireFileLock(path, { env, signal: giveUp, onWait: () => undefined });
  } catch (error) {
    if (!giveUp.aborted) throw error;
    throw new EmbeddedError(
      'home_in_use',
      `another process supervises the services of this home (lock ${path})`,
      'Use that one, or end it first: what it supervises runs on.',
      error,
    );
  }
}
