import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import { EmbeddedError } from '../system/embedded.error.js';
import { runCommand, type CommandResult } from '../system/run-command.js';
import type { ServiceUser } from '../system/service-user.js';
import { postgresConf, type Durability } from './postgres-conf.js';
import { nssWrapperPath, postgresPaths } from './postgres-install.js';

/** Environment of the services' programs: nothing of the caller's. */
export const SERVICE_ENV: Environment = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** PostgreSQL's programs on a data folder that no server runs on. */
export interface OfflinePostgres {
  /**
   * Makes an empty cluster in `data`, an empty folder of the services' user; without flushing it to
   * the disk.
   */
  initialise(data: string): Promise<void>;
  /**
   * Runs statements, one per line, in a single-user server and gives what it printed (rows as `1:
   * name = "value"`). Neither a throw nor an exit code tells of a statement that failed: ask for
   * its effect.
   */
  statements(data: string, lines: readonly string[]): Promise<string>;
}

/**
 * @param scratch an empty folder that the services' user can enter; for the caller to remove
 * @param user whom the programs run as (PostgreSQL refuses root); undefined for the caller
 */
export async function offlinePostgres(
  scratch: string,
  root: string,
  user: ServiceUser | undefined,
  durability: Durability,
): Promise<OfflinePostgres> {
  await mkdir(scratch, { recursive: true });
  await chmod(scratch, 0o755);
  const env = { ...SERVICE_ENV, ...(await namedUser(scratch, root, user)) };
  const conf = join(scratch, 'postgresql.conf');
  await writeShared(conf, postgresConf(scratch, durability));
  const run = async (program: string, args: readonly string[], input: string): Promise<string> => {
    const result = await runCommand(join(postgresPaths(root).programs, program), args, {
      env,
      cwd: scratch,
      input,
      uid: user?.uid,
      gid: user?.gid,
    });
    if (result.code !== 0) throw preparationError(program, result);
    return `${result.stdout}\n${result.stderr}`;
  };
  return {
    async initialise(data) {
      await run('initdb', ['-D', data, ...INITDB_FLAGS], '');
    },
    statements: (data, lines) =>
      run(
        'postgres',
        ['--single', '-D', data, '-c', `config_file=${conf}`, 'postgres'],
        lines.map((line) => `${line}\n`).join(''),
      ),
  };
}

const INITDB_FLAGS = [
  ...['-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--no-locale', '--no-sync'],
  ...['--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
];

/**
 * The unpacked root knows only users of /etc/passwd, and initdb insists on a name: a preloaded
 * library gives one to users of directory services and to bare uids. (The loader splits the list at
 * blanks and colons.)
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
  await writeShared(passwd, `millrace:x:${uid}:${gid}::/:/bin/sh\n`);
  await writeShared(group, `millrace:x:${gid}:\n`);
  return { EMBDB_PRELOAD: preload, NSS_WRAPPER_PASSWD: passwd, NSS_WRAPPER_GROUP: group };
}

/** Writes a file that the services' user can read, whatever the umask is. */
export async function writeShared(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o644);
}

/** Names the cause when a command that prepares the database failed. */
export function preparationError(what: string, result: CommandResult): EmbeddedError {
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
