import { access, chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../config/environment.js';
import { EmbeddedError } from './embedded.error.js';
import { postgresConf } from './postgres-conf.js';
import { nssWrapperPath, POSTGRES_COMPONENT, postgresPaths } from './postgres-install.js';
import { endProcess, readProcess, type ProcessIdentity } from './process-identity.js';
import { runCommand, type CommandResult } from './run-command.js';
import type { ServiceUser } from './service-user.js';

/** Name of the prepared empty database in the cache; a copy of it begins every data folder. */
export const TEMPLATE_COMPONENT = `${POSTGRES_COMPONENT}-template-1`;

/** Environment of the database's programs: nothing of the caller's. */
export const SERVICE_ENV: Environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

export function templateData(component: string): string {
  return join(component, 'data');
}

/**
 * Makes an empty database with the extension in `folder/data` (`folder` is empty): initdb and a single-user server, about
 * 2 s. As root both run as `user`, who owns the result.
 */
export async function makeTemplate(
  folder: string,
  root: string,
  user: ServiceUser | undefined,
): Promise<void> {
  const scratch = join(folder, '.scratch');
  const data = templateData(folder);
  await mkdir(scratch);
  await chmod(scratch, 0o755);
  await mkdir(data, { mode: 0o700 });
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const { programs } = postgresPaths(root);
  const env = { ...SERVICE_ENV, ...(await namedUser(scratch, root, user)) };
  const run = (program: string, args: readonly string[], input?: string): Promise<CommandResult> =>
    runCommand(join(programs, program), args, {
      env,
      cwd: folder,
      ...(input === undefined ? {} : { input }),
      ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
    });
  const init = await run('initdb', ['-D', data, ...INITDB_FLAGS]);
  if (init.code !== 0) throw failed('initdb', init);
  const conf = join(scratch, 'postgresql.conf');
  await writeFile(conf, postgresConf(scratch, 'throwaway'), { mode: 0o644 });
  await chmod(conf, 0o644);
  const single = ['--single', '-D', data, '-c', `config_file=${conf}`, 'postgres'];
  const create = await run('postgres', single, 'CREATE EXTENSION documentdb CASCADE;\n');
  // The exit code of a single-user server does not tell whether its statements worked.
  const check = await run('postgres', single, 'SELECT extname FROM pg_extension;\n');
  if (!check.stdout.includes('extname = "documentdb"')) throw failed('CREATE EXTENSION', create);
  await rm(scratch, { recursive: true, force: true });
}

const INITDB_FLAGS = [
  ...['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
  ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
];

/**
 * The unpacked root knows only users of /etc/passwd, and initdb insists on a name: a preloaded library gives one to
 * users of directory services and to bare uids. (The loader splits the list at blanks and colons.)
 */
async function namedUser(
  scratch: string,
  root: string,
  user: ServiceUser | undefined,
): Promise<Environment> {
  const preload = nssWrapperPath(root);
  if (/[\s:]/.test(preload)) return {};
  const uid = String(user?.uid ?? process.getuid?.() ?? 0);
  const gid = String(user?.gid ?? process.getgid?.() ?? 0);
  const passwd = join(scratch, 'passwd');
  const group = join(scratch, 'group');
  await writeFile(passwd, `millrace:x:${uid}:${gid}::/:/bin/sh\n`);
  await writeFile(group, `millrace:x:${gid}:\n`);
  await chmod(passwd, 0o644);
  await chmod(group, 0o644);
  return { EMBDB_PRELOAD: preload, NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}

function failed(what: string, result: CommandResult): EmbeddedError {
  const text = `${result.stderr}\n${result.stdout}`.trim();
  if (/No space left on device/i.test(text)) {
    return new EmbeddedError(
      'disk_full',
      'the disk is full while preparing the database',
      'Free about 200 MB and start again, or set MILLRACE_HOME to a larger disk.',
    );
  }
  return new EmbeddedError(
    'service_failed',
    `preparing the database failed (${what}): ${text.slice(-1500)}`,
    'Start again; if it fails the same way, set MONGODB_URI to a MongoDB server.',
  );
}

/**
 * Makes the data folder from the template when it is not there: a copy beside it, made durable, renamed when whole.
 * Call it under the lock of the home.
 */
export async function ensureDataFolder(
  data: string,
  template: string,
  user: ServiceUser | undefined,
  options: { readonly env: Environment; readonly sync: boolean },
): Promise<void> {
  if (await exists(data)) return;
  const making = `${data}.making`;
  await rm(making, { recursive: true, force: true });
  const steps = [
    ['cp', '-a', template, making],
    ...(user === undefined
      ? []
      : [['chown', '-R', `${String(user.uid)}:${String(user.gid)}`, making]]),
    ...(options.sync ? [['sync', '-f', making]] : []),
  ];
  for (const [program = '', ...args] of steps) {
    const result = await runCommand(program, args, { env: { ...options.env, LC_ALL: 'C' } });
    if (result.code !== 0) throw failed(program, result);
  }
  await rename(making, data);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** What to do about `postmaster.pid` before a start, when nobody else may run a server on the folder. */
export type PidFileVerdict = 'none' | 'remove' | 'stop';

/**
 * Decides it from the file's text and from the process of that pid: a pid that is gone, not yet collected, or now of
 * another program (after a reboot or in a new container) leaves a stale file; a server that runs on this folder is one
 * whose supervisor died, and must be stopped.
 */
export function judgePidFile(
  text: string | undefined,
  found: ProcessIdentity | undefined,
  data: string,
): PidFileVerdict {
  if (text === undefined) return 'none';
  if (found === undefined || found.state === 'Z') return 'remove';
  return ` ${found.commandLine} `.includes(` ${data} `) ? 'stop' : 'remove';
}

/** Acts on the verdict. Only under the lock of the home. */
export async function clearPidFile(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  const pid = Number(text?.split('\n')[0]);
  const found = Number.isInteger(pid) && pid > 0 ? await readProcess(pid) : undefined;
  const verdict = judgePidFile(text, found, data);
  if (verdict === 'none') return;
  if (verdict === 'stop' && found !== undefined) {
    await endProcess(found.pid, found.startTime, 'SIGINT', 20_000);
  }
  await rm(path, { force: true });
}
