import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../common/values/error-message.js';
import { nameRecord } from '../../common/values/name-record.js';
import { encodeEnvironment, type Environment } from '../../config/environment.js';
import { entryFile } from '../../config/paths.js';
import { stopProxy } from '../../embedded/caddy/home-caddy.js';
import { endPrograms } from '../../integrations/local-services/supervisor/run-supervisor.js';
import { effectiveConfig } from '../command/server-config.js';
import { cleanLines } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { endSignal, stepUsersOf } from './services-process.js';

const ENVIRONMENT_FD = 3;
/** What Node, the system's own libraries and the place of the cache need. */
const INHERITED = [
  ...['PATH', 'HOME', 'LANG', 'TZ', 'TMPDIR', 'XDG_CACHE_HOME'],
  ...['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR'],
] as const;
const FIRST_AGAIN_MS = 200;
const MOST_AGAIN_MS = 10_000;
/** One that lived so long was healthy: the next start is prompt again, ms. */
const HEALTHY_MS = 30_000;
/** A supervisor that is told to end writes down what it is at, ms. */
const LEAVE_MS = 10_000;

/**
 * The first process of a container, with which all others end: so it does nothing but start the
 * supervisor, again when that ends. Told to end, it ends the proxy and then the programs, by their
 * own rules; the next container starts the programs again.
 */
export async function servicesKeepCommand(
  flags: { readonly home?: string },
  terminal: Terminal,
): Promise<number> {
  const { config, environment } = effectiveConfig(flags);
  const { home } = config;
  const say = (line: string): void => terminal.say(cleanLines(line));
  const signal = endSignal();
  await keepSupervisor({ ...environment, MILLRACE_HOME: home }, say, signal);
  try {
    await stopProxy(home, say);
  } catch (error) {
    say(`The reverse proxy was not ended in order: ${messageOf(error)}`);
  }
  await endPrograms({ home, env: environment, stepUsers: stepUsersOf(config), say });
  say('The proxy and the programs have ended');
  return 0;
}

/** Until the signal; none is left then. */
async function keepSupervisor(
  environment: Environment,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; failures += 1) {
    const startedAt = performance.now();
    const how = await runSupervisorProcess(environment, signal);
    if (signal.aborted) return;
    if (performance.now() - startedAt > HEALTHY_MS) failures = 0;
    const wait = Math.min(FIRST_AGAIN_MS * 2 ** failures, MOST_AGAIN_MS);
    say(`The supervisor of services ended (${how}); it is started again in ${wait} ms`);
    await sleep(wait, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns how it ended */
function runSupervisorProcess(environment: Environment, signal: AbortSignal): Promise<string> {
  const bare = nameRecord(INHERITED.map((name) => [name, environment[name]]));
  const program = ['--max-semi-space-size=1', entryFile('cli'), 'services', 'run'];
  const child = spawn(process.execPath, program, {
    // All processes of this user can read it, so what it is given comes by the descriptor.
    env: { ...bare, MILLRACE_ENV_FD: String(ENVIRONMENT_FD) },
    stdio: ['ignore', 'inherit', 'inherit', 'pipe'],
    // A Ctrl-C at the terminal reaches us only.
    detached: true,
  });
  const handover = child.stdio[ENVIRONMENT_FD] as NodeJS.WritableStream;
  handover.on('error', () => undefined); // It died before it read; its exit says so.
  handover.end(encodeEnvironment(environment));
  return new Promise((resolve) => {
    let kill: NodeJS.Timeout | undefined;
    const onEnd = (): void => {
      child.kill('SIGTERM');
      kill = setTimeout(() => child.kill('SIGKILL'), LEAVE_MS);
    };
    const settle = (how: string): void => {
      clearTimeout(kill);
      signal.removeEventListener('abort', onEnd);
      resolve(how);
    };
    child.once('error', (error) => settle(error.message));
    child.once('exit', (code, by) => settle(by ?? `exit code ${String(code)}`));
    signal.addEventListener('abort', onEnd, { once: true });
    if (signal.aborted) onEnd();
  });
}
