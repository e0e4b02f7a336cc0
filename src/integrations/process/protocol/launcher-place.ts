import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { ProcessRunnerError } from '../process-runner.error.js';

/** Where nobody but root can take a name. */
const ROOT_PLACE = '/run';
/**
 * Where every user can. Not `os.tmpdir()`: a step's own TMPDIR would move it, and marks are
 * exclusive only within one folder.
 */
const SHARED_PLACE = '/tmp';
/** Names that are tried in the shared place before one that nobody can foresee. */
const TRIES = 100;

export interface Places {
  readonly rootPlace: string;
  readonly sharedPlace: string;
}

/**
 * The folder of all launchers of a user on a host, made when there is none:
 * `/run/millrace-launchers` for root; `/tmp/millrace-launchers-UID` for others, or, where somebody
 * else sits on that name, the first `…-UID-N` that is the user's. Nobody can keep a launcher from
 * starting by making folders.
 *
 * @throws ProcessRunnerError `state_directory_unsafe` when there is no place at all.
 */
export function findLauncherFolder(
  uid: number,
  { rootPlace, sharedPlace }: Places = { rootPlace: ROOT_PLACE, sharedPlace: SHARED_PLACE },
): string {
  if (uid === 0 && isClosedToOthers(rootPlace)) {
    const path = join(rootPlace, 'millrace-launchers');
    if (makeOwn(path, uid)) return path;
  }
  try {
    return findInShared(sharedPlace, uid);
  } catch (error) {
    throw new ProcessRunnerError(
      'state_directory_unsafe',
      `no folder for the launchers can be made in ${sharedPlace}: it must be a folder that every user can write`,
      { cause: error },
    );
  }
}

function findInShared(sharedPlace: string, uid: number): string {
  const name = `millrace-launchers-${uid}`;
  // One that is there comes first, whatever became free since: all launchers must agree.
  for (const found of readdirSync(sharedPlace).sort()) {
    const path = join(sharedPlace, found);
    if ((found === name || found.startsWith(`${name}-`)) && isOwnFolder(path, uid)) return path;
  }
  for (let number = 0; number < TRIES; number += 1) {
    const path = join(sharedPlace, number === 0 ? name : `${name}-${number}`);
    if (makeOwn(path, uid)) return path;
  }
  return mkdtempSync(join(sharedPlace, `${name}-`));
}

/**
 * A folder that the caller named. @throws ProcessRunnerError `state_directory_unsafe`: it belongs
 * to someone else or is a link.
 */
export function makeNamedFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (isOwnFolder(path, process.getuid?.() ?? 0)) return;
  throw new ProcessRunnerError(
    'state_directory_unsafe',
    `${path} must be a folder of mode 0700 that belongs to this user: remove it, or name another one`,
  );
}

/** True when the folder is there and ours alone, made now or before. */
function makeOwn(path: string, uid: number): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    // Whatever the umask took away.
    chmodSync(path, 0o700);
  } catch {
    // Taken, or not to be written: the look says what it is.
  }
  return isOwnFolder(path, uid);
}

function isOwnFolder(path: string, uid: number): boolean {
  const found = look(path);
  return found !== undefined && found.isDirectory() && found.uid === uid && isPrivate(found);
}

function isPrivate({ mode }: Stats): boolean {
  return (mode & 0o777) === 0o700;
}

function isClosedToOthers(path: string): boolean {
  const found = look(path);
  return (
    found !== undefined && found.isDirectory() && found.uid === 0 && (found.mode & 0o022) === 0
  );
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'EACCES') return undefined;
    throw error;
  }
}
