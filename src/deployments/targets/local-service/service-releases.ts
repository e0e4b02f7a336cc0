import { chmod, chown, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packTree } from '../../../common/archive/pack-tree.js';
import { inFolder } from '../../../common/tree/in-folder.js';
import { TreeFolder } from '../../../common/tree/tree-folder.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { ServiceUser } from '../../../embedded/system/service-user.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type { ServiceSettings } from '../../record/deployment.js';
import { releasePath, SERVICE_RELEASES, shortName } from '../../routes/service-route.js';
import type { PlacedRelease, PreparedRelease } from '../deploy-target.js';
import { makeFolder } from '../local-directory/deploy-folders.js';
import { goneAssets } from '../local-directory/gone-assets.js';
import {
  digestOfFiles,
  placeFiles,
  readable,
  removeFiles,
  setModes,
} from '../local-directory/release-files.js';

type ServiceRelease = PlacedRelease<ServiceSettings>;

/** Programs may go through it by their group, and see nothing of other services there. */
const PASSABLE = 0o710;
/** Programs are the server's own user. */
const OWN = 0o700;
/** A release stays as it was deployed, also where its program is the server's own user. */
const FOLDER_MODE = 0o555;
const ALL_MAY_WRITE = 0o222;
const KEEPS_ASSETS = 'say keep_assets, as keep_assets: 10m';

/**
 * Files of the releases of services, in `MILLRACE_HOME`. Nobody may write them, and no other user
 * than that of the programs may read them: they hold what other people have deployed.
 */
export class ServiceReleases {
  private readonly base: string;

  /** @param programs whom programs run as; undefined: as the server */
  constructor(
    private readonly home: string,
    private readonly programs: () => Promise<Pick<ServiceUser, 'gid'> | undefined>,
  ) {
    this.base = join(home, SERVICE_RELEASES);
  }

  /** Whole. */
  pathOf({ service_id: id, number }: ServiceRelease): string {
    return join(this.home, releasePath(id, number));
  }

  /**
   * @param before number of the release that serves
   * @throws DeployRefusedError, the reason of the signal
   */
  async place(
    { service_id: id, number, settings }: ServiceRelease,
    source: StepFiles,
    signal: AbortSignal,
    before?: number,
  ): Promise<PreparedRelease> {
    await this.makeBase();
    const top = await TreeFolder.open(this.base);
    try {
      await makeFolder(top, shortName(id));
      return await inFolder(top, [shortName(id)], async (releases) => {
        const placed = await placeFiles(releases, number, {
          ...{ source, exclude: settings.exclude, finish: makeReadOnly, signal },
        });
        if (before === undefined || settings.keep_assets !== undefined) return placed;
        const gone = await goneAssets(releases, before, number, KEEPS_ASSETS);
        return gone === undefined ? placed : { ...placed, warnings: [...placed.warnings, gone] };
      });
    } finally {
      await top.close();
    }
  }

  /** Undefined: it is not there. */
  digestOf({ service_id: id, number }: ServiceRelease): Promise<string | undefined> {
    return this.inService(id, (releases) => digestOfFiles(releases, [String(number)]));
  }

  private async makeBase(): Promise<void> {
    await mkdir(this.base, { recursive: true, mode: OWN });
    const user = await this.programs();
    if (user !== undefined) await chown(this.base, process.getuid?.() ?? 0, user.gid);
    await chmod(this.base, user === undefined ? OWN : PASSABLE);
  }

  /** To make the same release elsewhere. */
  filesOf({ service_id: id, number }: ServiceRelease): StepFiles {
    const scratch = join(this.home, 'promotions');
    return {
      packed: async ({ exclude, limits, onFile }, signal, work) => {
        await mkdir(scratch, { recursive: true, mode: 0o700 });
        const globs = new Globs(['**', ...exclude.map((glob) => `!${glob}`)]);
        const options = { globs, limits, scratch, signal, onFile };
        const top = await TreeFolder.open(this.base);
        try {
          return await inFolder(top, [shortName(id), String(number)], (folder) =>
            work(packTree(folder.pathOf('.'), options)),
          );
        } finally {
          await top.close();
        }
      },
    };
  }

  /** Idempotent. */
  async remove({ service_id: id, number }: ServiceRelease): Promise<void> {
    await this.inService(id, (releases) => removeFiles(releases, number));
  }

  /** The folder of a service that has no release any more. Idempotent. */
  async forget(serviceId: string): Promise<void> {
    try {
      await rmdir(join(this.base, shortName(serviceId)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** Undefined: nothing of it was ever there. */
  private async inService<T>(
    serviceId: string,
    work: (releases: TreeFolder) => Promise<T>,
  ): Promise<T | undefined> {
    let top: TreeFolder | undefined;
    try {
      top = await TreeFolder.open(this.base);
      return await inFolder(top, [shortName(serviceId)], work);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return undefined;
    } finally {
      await top?.close();
    }
  }
}

function makeReadOnly(folder: TreeFolder): Promise<void> {
  return setModes(folder, {
    folders: FOLDER_MODE,
    file: (own) => readable(own) & ~ALL_MAY_WRITE,
  });
}
