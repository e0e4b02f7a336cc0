import { access, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Environment } from '../../config/environment.js';
import type { EmbeddedError } from '../system/embedded.error.js';
import { readProcess } from '../../common/child-process/process-stat.js';
import { endProcess, readCommandLine } from '../system/end-process.js';
import { runCommand } from '../system/run-command.js';
import type { ServiceUser } from '../system/service-user.js';
import { offlinePostgres, preparationError, type OfflinePostgres } from './offline-postgres.js';
import type { Durability } from './postgres-conf.js';
import { POSTGRES_COMPONENT, postgresPaths } from './postgres-install.js';

/** Name of the prepared empty database in the cache; a copy of it begins every data folder. */
export const TEMPLATE_COMPONENT = `${POSTGRES_COMPONENT}-template-2`;

export function templateData(component: string): string {
  return join(component, 'data');
}

/**
 * MongoDB's functions, which bring the extensions that they need, and its ordered indexes. In the
 * order of their making.
 */
const EXTENSIONS = ['documentdb', 'documentdb_extended_rum'] as const;
/** What comes with these and is brought to a newer version by name. */
const BROUGHT = ['documentdb_core'] as const;

/**
 * Makes an empty database with the extension in `folder/data` (`folder` is empty), in about 2 s. As
 * root it is made by `user`, who owns the result.
 */
export async function makeTemplate(
  folder: string,
  root: string,
  user: ServiceUser | undefined,
): Promise<void> {
  const scratch = join(folder, '.scratch');
  const data = templateData(folder);
  await mkdir(data, { mode: 0o700 });
  if (user !== undefined) await chown(data, user.uid, user.gid);
  const postgres = await offlinePostgres(scratch, root, user, 'throwaway');
  await postgres.initialise(data);
  const output = await postgres.statements(data, CREATE_EXTENSIONS);
  const versions = await installedVersions(postgres, data);
  if (versions.length < EXTENSIONS.length) throw extensionError('CREATE EXTENSION', output);
  await rm(scratch, { recursive: true, force: true });
}

/**
 * Brings the extensions in a data folder to the versions of the program, which may be newer when
 * the cache was filled again, and adds those that an older Millrace did without. The versions of
 * the folder are noted beside it, so that the usual start reads small files only.
 */
export async function ensureExtensionVersions(
  data: string,
  root: string,
  user: ServiceUser | undefined,
  durability: Durability,
): Promise<void> {
  const note = `${data}.extensions`;
  const wanted = (await wantedVersions(root)).join('\n');
  if ((await readIfThere(note)) === wanted) return;
  await clearPidFile(data);
  const scratch = `${data}.scratch`;
  const postgres = await offlinePostgres(scratch, root, user, durability);
  const updates = [...BROUGHT, ...EXTENSIONS].map((name) => `ALTER EXTENSION ${name} UPDATE;`);
  const output = await postgres.statements(data, [...CREATE_EXTENSIONS, ...updates]);
  if ((await installedVersions(postgres, data)).join('\n') !== wanted) {
    throw extensionError('ALTER EXTENSION', output);
  }
  await rm(scratch, { recursive: true, force: true });
  await writeFile(note, wanted);
}

const CREATE_EXTENSIONS = EXTENSIONS.map(
  (name) => `CREATE EXTENSION IF NOT EXISTS ${name} CASCADE;`,
);

/** Of each extension its name and the version that the program has. */
async function wantedVersions(root: string): Promise<string[]> {
  return Promise.all(
    EXTENSIONS.map(async (name) => {
      const control = join(postgresPaths(root).extensions, `${name}.control`);
      const text = await readFile(control, 'utf8');
      return `${name} ${/^default_version *= *'([^']+)'/m.exec(text)?.[1] ?? 'of no version'}`;
    }),
  );
}

/** Of each extension that the data folder has its name and version. */
async function installedVersions(postgres: OfflinePostgres, data: string): Promise<string[]> {
  const names = EXTENSIONS.map((name) => `'${name}'`).join(', ');
  const query = `SELECT extname || ' ' || extversion AS found FROM pg_extension WHERE extname IN (${names}) ORDER BY extname;`;
  const output = await postgres.statements(data, [query]);
  return [...output.matchAll(/found = "([^"]+)"/g)].map(([, found = '']) => found);
}

function extensionError(what: string, output: string): EmbeddedError {
  return preparationError(what, { code: 0, stdout: output, stderr: '' });
}

/**
 * Makes the data folder from the template when it is not there: a copy beside it, made durable,
 * renamed when whole. Call it under the lock of the home.
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
    if (result.code !== 0) throw preparationError(program, result);
  }
  await rename(making, data);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/**
 * What to do about `postmaster.pid` before a start, when nobody else may run a server on the
 * folder.
 */
export type PidFileVerdict = 'none' | 'remove' | 'stop';

/**
 * Decides it from the file's text and from the arguments of the process of that pid: a pid that is
 * gone, not yet collected, or now of another program (after a reboot or in a new container) leaves
 * a stale file; a server that runs on this folder is one whose supervisor died, and must be
 * stopped.
 */
export function judgePidFile(
  text: string | undefined,
  commandLine: string | undefined,
  data: string,
): PidFileVerdict {
  if (text === undefined) return 'none';
  if (commandLine === undefined) return 'remove';
  return ` ${commandLine} `.includes(` ${data} `) ? 'stop' : 'remove';
}

/** Acts on the verdict. Only under the lock of the home. */
export async function clearPidFile(data: string): Promise<void> {
  const path = join(data, 'postmaster.pid');
  const text = await readIfThere(path);
  const pid = Number(text?.split('\n')[0]);
  const found = Number.isInteger(pid) && pid > 0 ? readProcess(pid) : undefined;
  const verdict = judgePidFile(text, found && (await readCommandLine(pid)), data);
  if (verdict === 'none') return;
  if (verdict === 'stop' && found !== undefined) {
    await endProcess(found, 'SIGINT', 20_000);
  }
  await rm(path, { force: true });
}

/**
 * Removes the socket of a server that is gone and its lock file. PostgreSQL believes the pid in
 * that file as long as any process of the same user has it, and pids come round again. Only under
 * the lock of the home, after `clearPidFile`.
 */
export async function clearSocket(sockets: string): Promise<void> {
  for (const name of ['.s.PGSQL.5432', '.s.PGSQL.5432.lock']) {
    await rm(join(sockets, name), { force: true });
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}
