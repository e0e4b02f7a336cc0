import { constants } from 'node:fs';
import { mkdir, open, readlink, rename, rmdir, symlink, unlink } from 'node:fs/promises';
import { packTree } from '../../../common/archive/pack-tree.js';
import type { Installation } from '../../../common/installation.js';
import { inFolder } from '../../../common/tree/in-folder.js';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { Reason } from '../../../engine/plan/run-state.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type { DirectorySettings } from '../../record/deployment.js';
import {
  DeployRefusedError,
  DeployTarget,
  type DirectoryRelease,
  type PreparedRelease,
} from '../deploy-target.js';
import { type DeployFolders, lstatOf, makeFolder } from './deploy-folders.js';
import { goneAssets } from './gone-assets.js';
import {
  digestOfFiles,
  type Modes,
  placeFiles,
  readable,
  removeFiles,
  setModes,
} from './release-files.js';
import { linkShared, SHARED } from './shared-folders.js';
import { syncFileSystem } from './sync-file-system.js';

/** What web servers and people are told to use: a link to the release that serves. */
const CURRENT = 'current';
const RELEASES = 'releases';
/** Says whose the folder is. */
const MARK = '.millrace-service';
/** A link that is ready to become `current`. */
const ARMED = '.armed-';

const FOLDER_MODE = 0o755;
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Releases as folders of this host:
 *
 *     <path>/releases/1, 2, 3 …
 *     <path>/current -> releases/3
 *     <path>/shared/…
 *
 * The switch is one rename(2) of a link. Files belong to the server and only it can write them; in
 * `shared` nothing is changed but that missing folders are made.
 */
export class LocalDirectoryTarget extends DeployTarget<DirectorySettings> {
  /**
   * @param installation tells Millraces of one host apart
   * @param scratch a folder of ours alone, for what is copied while a release is packed
   */
  constructor(
    private readonly folders: DeployFolders,
    private readonly installation: Installation,
    private readonly scratch: string,
  ) {
    super();
  }

  async plan(serviceId: string, settings: DirectorySettings): Promise<readonly Reason[]> {
    const whole = this.folders.resolve(settings.path);
    const closed = await this.folders.closedAbove(settings.path);
    const own = await this.markOf(serviceId);
    await this.withTop(settings, async (top) => {
      const holder = await this.holderOf(top);
      if (holder !== undefined && holder !== own) {
        throw refused('path_taken', `${whole} belongs to another service: ${holder}`);
      }
      const current = await lstatOf(top, CURRENT);
      if (current !== undefined && !current.isSymbolicLink()) {
        const message = `${whole}/${CURRENT} is there and no link of ours: move it away`;
        throw refused('path_unusable', message);
      }
    });
    if (closed === undefined) return [];
    const message = `only its owner can enter ${closed}: a server that runs as another user cannot read the release`;
    return [{ code: 'path_closed', message, data: { path: closed } }];
  }

  async prepare(
    release: DirectoryRelease,
    source: StepFiles,
    signal: AbortSignal,
  ): Promise<PreparedRelease> {
    const { number, settings } = release;
    const exclude = [...settings.exclude, ...settings.shared];
    return this.withNewTop(release, (top) => {
      const finish = async (folder: TreeFolder): Promise<void> => {
        await setModes(folder, modesOf(settings.permissions));
        for (const shared of settings.shared) await linkShared(top, folder, shared);
      };
      return inFolder(top, [RELEASES], async (releases) => {
        const placed = await placeFiles(releases, number, { source, exclude, finish, signal });
        const before = await this.serving(settings);
        const gone = before === undefined ? undefined : await goneAssets(releases, before, number);
        return gone === undefined ? placed : { ...placed, warnings: [...placed.warnings, gone] };
      });
    });
  }

  async arm(release: DirectoryRelease, token: string): Promise<void> {
    await this.disarm(release.settings);
    await this.withTop(release.settings, (top) =>
      symlink(`${RELEASES}/${release.number}`, top.pathOf(`${ARMED}${token}`)),
    );
  }

  async switchTo({ settings }: DirectoryRelease, token: string): Promise<void> {
    await this.withTop(settings, async (top) => {
      await rename(top.pathOf(`${ARMED}${token}`), top.pathOf(CURRENT));
      // What was said to serve serves after a loss of power too.
      await syncFileSystem(top);
    });
  }

  async disarm(settings: DirectorySettings): Promise<void> {
    await this.withTop(settings, async (top) => {
      for (const { name } of (await top.entries(MAX_TREE_ENTRIES)) ?? []) {
        if (name.toString().startsWith(ARMED)) await unlink(top.pathOf(name.toString()));
      }
    });
  }

  async serving(settings: DirectorySettings): Promise<number | undefined> {
    return this.withTop(settings, async (top) => {
      const current = await lstatOf(top, CURRENT);
      if (current?.isSymbolicLink() !== true) return undefined;
      const target = await readlink(top.pathOf(CURRENT));
      const number = new RegExp(`^${RELEASES}/([1-9][0-9]*)$`).exec(target)?.[1];
      return number === undefined ? undefined : Number(number);
    });
  }

  async digestOf({ number, settings }: DirectoryRelease): Promise<string | undefined> {
    return this.withTop(settings, (top) => digestOfFiles(top, [RELEASES, String(number)]));
  }

  override filesOf({ number, settings }: DirectoryRelease): StepFiles {
    return {
      packed: async ({ exclude, limits, onFile }, signal, work) => {
        await mkdir(this.scratch, { recursive: true, mode: 0o700 });
        const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
        const top = await this.folders.open(settings.path, 'find');
        if (top === undefined) throw gone(number);
        try {
          return await inFolder(top, [RELEASES, String(number)], (folder) =>
            work(
              packTree(folder.pathOf('.'), {
                globs,
                limits,
                scratch: this.scratch,
                signal,
                onFile,
              }),
            ),
          );
        } finally {
          await top.close();
        }
      },
    };
  }

  async remove(release: DirectoryRelease): Promise<void> {
    const { number, settings } = release;
    await this.withTop(settings, async (top) => {
      // Another installation may have come between the plan and the first release.
      if ((await this.holderOf(top)) !== (await this.markOf(release.service_id))) return;
      if ((await this.serving(settings)) === number) {
        throw new Error(`release ${number} of ${release.service_id} serves, and is not removed`);
      }
      try {
        await inFolder(top, [RELEASES], (folder) => removeFiles(folder, number));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      }
    });
  }

  async withdraw({ settings, service_id: id }: DirectoryRelease): Promise<void> {
    await this.disarm(settings);
    await this.withTop(settings, async (top) => {
      if ((await this.holderOf(top)) !== (await this.markOf(id))) return;
      if ((await this.serving(settings)) === undefined) return;
      await unlink(top.pathOf(CURRENT));
      await syncFileSystem(top);
    });
  }

  /** `shared` stays where anything is in it, and so does the folder itself. */
  async forget(serviceId: string, settings: DirectorySettings): Promise<void> {
    await this.withTop(settings, async (top) => {
      if ((await this.holderOf(top)) !== (await this.markOf(serviceId))) return;
      for (const name of [RELEASES, SHARED]) {
        try {
          await rmdir(top.pathOf(name));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
        }
      }
      await unlink(top.pathOf(MARK));
    });
  }

  placeOf({ path }: DirectorySettings): string {
    return this.folders.resolve(path);
  }

  private async markOf(serviceId: string): Promise<string> {
    return `${serviceId} of installation ${await this.installation.id()}`;
  }

  private async holderOf(top: TreeFolder): Promise<string | undefined> {
    try {
      const file = await top.file(MARK);
      try {
        return (await file.readFile('utf8')).trim();
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Makes the folder of a service, and marks it as that of this one. */
  private async withNewTop<T>(
    { settings, service_id: serviceId }: DirectoryRelease,
    work: (top: TreeFolder) => Promise<T>,
  ): Promise<T> {
    const top = await this.folders.open(settings.path, 'make');
    if (top === undefined) throw new Error('a folder that was made is not there');
    try {
      await this.mark(top, serviceId);
      for (const name of [RELEASES, SHARED]) await makeFolder(top, name);
      return await work(top);
    } finally {
      await top.close();
    }
  }

  /** @throws DeployRefusedError `path_taken` */
  private async mark(top: TreeFolder, serviceId: string): Promise<void> {
    const own = await this.markOf(serviceId);
    try {
      const file = await open(top.pathOf(MARK), NEW_FILE, 0o644);
      try {
        await file.writeFile(`${own}\n`);
      } finally {
        await file.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const holder = await this.holderOf(top);
      if (holder !== own) throw refused('path_taken', `it belongs to another service: ${holder}`);
    }
  }

  /** Undefined: the folder of the service is not there. */
  private async withTop<T>(
    { path }: DirectorySettings,
    work: (top: TreeFolder) => Promise<T>,
  ): Promise<T | undefined> {
    const top = await this.folders.open(path, 'find');
    if (top === undefined) return undefined;
    try {
      return await work(top);
    } finally {
      await top.close();
    }
  }
}

/** As they are asked for; else readable by all, and written by the server alone. */
function modesOf({ files, folders }: DirectorySettings['permissions']): Modes {
  return { folders: folders ?? FOLDER_MODE, file: (own) => files ?? readable(own) };
}

function gone(number: number): DeployRefusedError {
  return refused('release_gone', `release ${number} is not there any more`);
}

function refused(code: string, message: string): DeployRefusedError {
  return new DeployRefusedError({ code, message });
}
