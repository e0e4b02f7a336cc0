import { chmod, mkdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { packTree } from '../../../common/archive/pack-tree.js';
import { inFolder } from '../../../common/tree/in-folder.js';
import { TreeFolder } from '../../../common/tree/tree-folder.js';
import { Globs } from '../../../common/values/globs/globs.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import type { ServiceSettings } from '../../record/deployment.js';
import { releasePath, SERVICE_RELEASES, shortName } from '../../routes/service-route.js';
import type { PlacedRelease, PreparedRelease } from '../deploy-target.js';
import { makeFolder } from '../local-directory/deploy-folders.js';
import {
  digestOfFiles,
  placeFiles,
  readable,
  removeFiles,
  setModes,
} from '../local-directory/release-files.js';

type ServiceRelease = PlacedRelease<ServiceSettings>;

/** Programs may go through it, and see nothing of other services there. */
const PASSABLE = 0o711;
/** A release stays as it was deployed, also where its program is the server's own user. */
const FOLDER_MODE = 0o555;
const ALL_MAY_WRITE = 0o222;

/** Files of the releases of services, in `MILLRACE_HOME`; nobody may write them. */
export class ServiceReleases {
  private readonly base: string;

  constructor(private readonly home: string) {
    this.base = join(home, SERVICE_RELEASES);
  }

  /** Whole. */
  pathOf({ service_id: id, number }: ServiceRelease): string {
    return join(this.home, releasePath(id, number));
  }

  /** @throws DeployRefusedError, the reason of the signal */
  async place(
    { service_id: id, number, settings }: ServiceRelease,
    source: StepFiles,
    signal: AbortSignal,
  ): Promise<PreparedRelease> {
    await mkdir(this.base, { recursive: true });
    await chmod(this.base, PASSABLE);
    const top = await TreeFolder.open(this.base);
    try {
      await makeFolder(top, shortName(id));
      return await inFolder(top, [shortName(id)], (releases) =>
        placeFiles(releases, number, {
          ...{ source, exclude: settings.exclude, finish: makeReadOnly, signal },
        }),
      );
    } finally {
      await top.close();
    }
  }

  /** Undefined: it is not there. */
  digestOf({ service_id: id, number }: ServiceRelease): Promise<string | undefined> {
    return this.inService(id, (releases) => digestOfFiles(releases, [String(number)]));
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
