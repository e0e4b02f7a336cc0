import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { isAlive, isStopped, readBootId } from '../../../common/child-process/process-stat.js';
import { findLauncherFolder, makeNamedFolder } from './launcher-place.js';

/** A launcher of this host: its folder holds its FIFOs, and its marks name it. */
export interface LauncherIdentity {
  readonly pid: number;
  readonly startTicks: number;
  readonly bootId: string;
}

/** The worker of a launcher, in a file of the launcher's folder. */
type WorkerIdentity = Pick<LauncherIdentity, 'pid' | 'startTicks'>;
const WORKER_FILE = 'worker';

/** A mark and the launcher that claimed it. */
export interface ClaimedMark {
  readonly mark: number;
  readonly owner: LauncherIdentity;
}

/**
 * Where the launchers of one user on one host keep what must be found when they are dead:
 * `launcher-PID-TICKS-BOOT/` with the FIFOs, and `mark-NNN` files, which make a mark exclusive on
 * the host. Only its owner may enter it.
 */
export class LauncherFolder {
  readonly bootId = readBootId();

  private constructor(readonly path: string) {}

  /**
   * The one of all launchers of this user on this host, or the one that is named. @throws
   * ProcessRunnerError `state_directory_unsafe`.
   */
  static open(path?: string): LauncherFolder {
    if (path === undefined) return new LauncherFolder(findLauncherFolder(process.getuid?.() ?? 0));
    makeNamedFolder(path);
    return new LauncherFolder(path);
  }

  /**
   * Makes the launcher's own folder; it says that the launcher lives as long as its process does.
   */
  register(identity: LauncherIdentity, worker: WorkerIdentity): string {
    const folder = join(this.path, launcherName(identity));
    mkdirSync(folder, { mode: 0o700 });
    writeFileSync(join(folder, WORKER_FILE), `${worker.pid} ${worker.startTicks}`, { mode: 0o600 });
    return folder;
  }

  /**
   * True for a launcher that cannot end its trees any more: its worker is gone, and it is stopped,
   * so that it will not hear of that.
   */
  isStuck(launcher: LauncherIdentity): boolean {
    if (!isLauncherAlive(launcher) || !isStopped(launcher.pid)) return false;
    const text = readText(join(this.path, launcherName(launcher), WORKER_FILE));
    const [, pid, startTicks] = /^(\d+) (\d+)$/.exec(text) ?? [];
    return pid !== undefined && !isAlive({ pid: Number(pid), startTicks: Number(startTicks) });
  }

  launchers(): LauncherIdentity[] {
    return readdirSync(this.path).flatMap((name) => parseLauncherName(name) ?? []);
  }

  /** Removes the launcher's folder and marks. Idempotent. */
  forget(identity: LauncherIdentity): void {
    for (const { mark, owner } of this.marks()) {
      if (launcherName(owner) === launcherName(identity)) this.release(mark);
    }
    rmSync(join(this.path, launcherName(identity)), { recursive: true, force: true });
  }

  /** False when another launcher of this host has the mark. */
  claim(mark: number, owner: LauncherIdentity): boolean {
    try {
      const fd = openSync(this.markPath(mark), 'wx', 0o600);
      writeSync(fd, launcherName(owner));
      closeSync(fd);
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    }
  }

  release(mark: number): void {
    rmSync(this.markPath(mark), { force: true });
  }

  /** A claim that is being written this very moment has no owner yet and is left out. */
  marks(): ClaimedMark[] {
    return readdirSync(this.path).flatMap((name) => {
      const mark = /^mark-(\d+)$/.exec(name)?.[1];
      if (mark === undefined) return [];
      const owner = parseLauncherName(readText(join(this.path, name)));
      return owner ? [{ mark: Number(mark), owner }] : [];
    });
  }

  private markPath(mark: number): string {
    return join(this.path, `mark-${mark}`);
  }
}

export function isLauncherAlive(identity: LauncherIdentity): boolean {
  return identity.bootId === readBootId() && isAlive(identity);
}

/** Name of its folder, and what its marks say. */
export function launcherName({ pid, startTicks, bootId }: LauncherIdentity): string {
  return `launcher-${pid}-${startTicks}-${bootId}`;
}

function parseLauncherName(name: string): LauncherIdentity | undefined {
  const match = /^launcher-(\d+)-(\d+)-([\w-]+)$/.exec(name);
  if (!match?.[3]) return undefined;
  return { pid: Number(match[1]), startTicks: Number(match[2]), bootId: match[3] };
}

/** Another launcher may remove a file between the listing and the reading: that is no text. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
