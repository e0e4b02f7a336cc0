import { mkdir, mkdtemp, rm, symlink, writeFile, copyFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { execFile } from 'node:child_process';

const run = promisify(execFile);
/** Of Debian's package busybox-static: needs no library of the image. */
const BUSYBOX = '/bin/busybox';

/** The image that steps of tests run in. */
export const STEP_IMAGE = 'step:1';

/** The user `app` of it. */
export const APP_UID = 1000;

/** Imports a root filesystem as an image. */
export interface ImageImporter {
  importRoot(folder: string, image: string, changes: readonly string[]): Promise<void>;
}

/** Adds to a root filesystem in a folder. */
export type FillRoot = (folder: string) => Promise<void>;

/**
 * Makes an image of nothing but busybox, with the users root and `app` (in the group `app`), and a
 * home of `app` that only it can write.
 *
 * @param fill adds what else is in it
 */
export async function makeStepImage(
  engine: ImageImporter,
  image = STEP_IMAGE,
  changes: readonly string[] = [],
  fill?: FillRoot,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-image-'));
  try {
    for (const name of ['bin', 'etc', 'root', 'tmp', 'home', 'home/app']) {
      await mkdir(join(folder, name));
    }
    await chmod(join(folder, 'tmp'), 0o1777);
    await copyFile(BUSYBOX, join(folder, 'bin/busybox'));
    const { stdout: applets } = await run(BUSYBOX, ['--list']);
    for (const applet of applets.split('\n').filter((one) => one !== '' && one !== 'busybox')) {
      await symlink('busybox', join(folder, 'bin', applet));
    }
    const users = `root:x:0:0::/root:/bin/sh\napp:x:${APP_UID}:${APP_UID}::/home/app:/bin/sh\n`;
    await writeFile(join(folder, 'etc/passwd'), users);
    await writeFile(join(folder, 'etc/group'), `root:x:0:\napp:x:${APP_UID}:\n`);
    await run('chown', [String(APP_UID), join(folder, 'home/app')]);
    await fill?.(folder);
    await engine.importRoot(folder, image, changes);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
