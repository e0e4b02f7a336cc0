import { type ChildProcess, spawn, type StdioOptions } from 'node:child_process';
import { readStartTicks } from '../../../common/child-process/process-stat.js';
import { nameRecord } from '../../../common/values/name-record.js';
import type { ProcessIdentity } from '../../../embedded/system/end-process.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';
import type { ServiceEnd } from '../local-services.js';
import { type CheckedSpec, SERVICE_VARIABLE } from '../service-spec.js';

/** What a program has that is given nothing. */
const PLAIN_PATH = '/usr/local/bin:/usr/bin:/bin';
const PLAIN_LANG = 'C.UTF-8';

/**
 * The shell that becomes the program is the user of the service already, so that nobody's links are
 * followed with root's rights. `$1` is the folder, `$2` the open files, `$3` KiB of data.
 */
const BECOME = `umask 022
cd -P -- "$1" 2>/dev/null || { echo "millrace: the folder $1 cannot be entered" >&2; exit 126; }
if [ -n "$2" ]; then ulimit -n "$2" || exit 126; fi
if [ -n "$3" ]; then ulimit -d "$3" || exit 126; fi
shift 3
unset PWD OLDPWD
exec "$@"`;

/** What runs as a service does. */
export interface Become {
  readonly spec: CheckedSpec;
  readonly command: CheckedSpec['command'];
  readonly user: ServiceUser | undefined;
  readonly environment: Readonly<Record<string, string>>;
  readonly stdio: StdioOptions;
}

export interface ServiceStart {
  readonly spec: CheckedSpec;
  readonly mark: string;
  /** Its `HOME`. */
  readonly home: string;
  readonly user: ServiceUser | undefined;
  /** Open for appending; both outputs. It may be closed afterwards. */
  readonly log: number;
}

export interface StartedService {
  readonly process: ProcessIdentity;
  /** How it ended; never rejects. */
  readonly ended: Promise<ServiceEnd>;
}

/**
 * Starts the program of a service in a session of its own: nothing of it ends with this process,
 * and nothing that it has open leads here.
 *
 * @throws when the system starts no process
 */
export async function startService(start: ServiceStart): Promise<StartedService> {
  const { spec, user, log, mark, home } = start;
  const environment = environmentOf(spec, home, [[SERVICE_VARIABLE, mark]]);
  const stdio: StdioOptions = ['ignore', log, log];
  const child = spawnAs({ spec, command: spec.command, user, environment, stdio });
  const ended = endOf(child);
  const startTicks = child.pid === undefined ? undefined : readStartTicks(child.pid);
  if (child.pid === undefined || startTicks === undefined) {
    const end = await ended;
    throw new Error(end.kind === 'not_started' ? end.message : 'it could not be started');
  }
  child.unref();
  return { process: { pid: child.pid, startTicks }, ended };
}

/** In the folder of the service, as its user, with its limits, in a session of its own. */
export function spawnAs({ spec, command, user, environment, stdio }: Become): ChildProcess {
  const { memory_bytes: memory, open_files: files } = spec.limits;
  const limits = [String(files ?? ''), memory === null ? '' : String(Math.floor(memory / 1024))];
  const words = typeof command === 'string' ? ['/bin/sh', '-c', command] : command;
  return spawn('/bin/sh', ['-c', BECOME, 'sh', spec.cwd, ...limits, ...words], {
    ...{ cwd: '/', env: environment, detached: true, stdio },
    ...(user && { uid: user.uid, gid: user.gid }),
  });
}

/** The marks come first: what is read of an environment is its beginning. */
export function environmentOf(
  spec: CheckedSpec,
  home: string,
  marks: readonly (readonly [name: string, value: string])[],
): Record<string, string> {
  return nameRecord([
    ...marks,
    ['HOME', home],
    ['PATH', PLAIN_PATH],
    ['LANG', PLAIN_LANG],
    ...spec.environment,
  ]);
}

/** How it ends; never rejects. */
export function endOf(child: ChildProcess): Promise<ServiceEnd> {
  const at = (): string => new Date().toISOString();
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ kind: 'not_started', message: error.message, at: at() }),
    );
    child.once('exit', (code, signal) =>
      resolve(
        code === null
          ? { kind: 'signalled', signal: signal ?? 'unknown', at: at() }
          : { kind: 'exited', code, at: at() },
      ),
    );
  });
}

/** For a sentence: `exit code 1`. */
export function shownEnd(end: ServiceEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exit code ${end.code}${hintOf(end.code)}`;
    case 'signalled':
      return end.signal;
    case 'not_started':
      return end.message;
    case 'unknown':
      return 'it ended while nobody watched';
  }
}

/** What shells mean by these. */
function hintOf(code: number): string {
  if (code === 126) return ' (its folder or program could not be used; its log says why)';
  return code === 127 ? ' (its program was not found; its log says which)' : '';
}
