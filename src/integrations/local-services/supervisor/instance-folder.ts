import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeOwnedFolder } from '../../../embedded/system/service-folders.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';

/** The folder of one instance: what is kept of it, its log, and its home. */
export class InstanceFolder {
  readonly home: string;

  constructor(readonly path: string) {
    this.home = join(path, 'home');
  }

  /** Its user may go through it; every file in it is its owner's alone. Idempotent. */
  make(): void {
    mkdirSync(this.path, { recursive: true });
    chmodSync(this.path, process.getuid?.() === 0 ? 0o711 : 0o700);
    // Drafts of records that a kill has left hold values of an environment.
    for (const name of readdirSync(this.path)) {
      if (/^record\.json\.\d/.test(name)) rmSync(join(this.path, name), { force: true });
    }
  }

  /**
   * Of an instance without a record: nothing of it was started yet, or nothing is left of it, when
   * whoever made or removed it was killed. @throws when anything else is in it
   */
  removeUnrecorded(): void {
    this.make();
    rmdirSync(this.path);
  }

  async makeHome(user: ServiceUser | undefined): Promise<void> {
    await makeOwnedFolder(this.home, user);
  }

  /**
   * Removes all of it, the record last. The home is emptied by its own user: other services may be
   * that user too, and could lead a removal by root elsewhere.
   */
  async remove(user: ServiceUser | undefined): Promise<void> {
    if (user !== undefined) await emptyAs(user, this.home);
    rmIfThere(() => (user === undefined ? removeTree(this.home) : rmdirSync(this.home)));
    for (const name of ['log', 'log.1', 'log.new']) rmSync(join(this.path, name), { force: true });
    removeTree(this.path);
  }
}

function removeTree(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** What it cannot remove its caller finds: the folder is not empty then. */
async function emptyAs({ uid, gid }: ServiceUser, folder: string): Promise<void> {
  const child = spawn('/bin/rm', ['-rf', '--', folder], {
    ...{ uid, gid, cwd: '/', env: {}, stdio: 'ignore' },
  });
  await once(child, 'exit');
}

function rmIfThere(remove: () => void): void {
  try {
    remove();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
