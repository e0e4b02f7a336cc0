import { chmod, lstat } from 'node:fs/promises';
import { ArchiveError } from '../../../common/archive/archive-error.js';
import type { PackedFile, PackedTree } from '../../../common/archive/pack-tree.js';
import { unpackTree, UNPACKING } from '../../../common/archive/unpack-tree.js';
import { inFolder } from '../../../common/tree/in-folder.js';
import type { TreeFolder } from '../../../common/tree/tree-folder.js';
import { MAX_TREE_ENTRIES } from '../../../common/tree/tree-limits.js';
import type { StepFiles } from '../../../executions/attempt/steps/deployer.js';
import { DeployRefusedError, type PreparedRelease } from '../deploy-target.js';
import { leftOutOf } from '../left-out.js';
import { RELEASE_LIMITS } from '../release-limits.js';
import { removeBeneath } from './remove-beneath.js';
import { syncFileSystem } from './sync-file-system.js';
import { digestTree } from './tree-digest.js';

const ALL_MAY_READ = 0o444;
const OTHERS_MAY_WRITE = 0o022;
const OWNER_MAY_ALL = 0o700;

export interface FilesRequest {
  readonly source: StepFiles;
  /** Globs of what of the source is no part of the release. */
  readonly exclude: readonly string[];
  /** Gives the folder what it has besides its files: modes, links. */
  readonly finish: (folder: TreeFolder) => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Puts the files of a release into the folder of its number, held against what was packed and
 * written through to the disk. What lies there of an earlier try is removed before.
 *
 * @throws DeployRefusedError, the reason of the signal
 */
export async function placeFiles(
  releases: TreeFolder,
  number: number,
  { source, exclude, finish, signal }: FilesRequest,
): Promise<PreparedRelease> {
  const packed = new Map<string, string>();
  const onFile = ({ path, digest }: PackedFile): void => void packed.set(path, digest);
  const request = { exclude, limits: RELEASE_LIMITS, onFile };
  return source.packed(request, signal, async (tree) => {
    await removeFiles(releases, number);
    await unpack(tree, `${releases.pathOf('.')}/${number}`, signal);
    return inFolder(releases, [String(number)], async (folder) => {
      await finish(folder);
      const placed = await arrived(folder, packed);
      return { ...placed, warnings: leftOutOf(tree) };
    });
  });
}

/**
 * Removes a release, and what a process that was killed has unpacked of one: there is one at a time
 * at a service. Idempotent.
 */
export async function removeFiles(releases: TreeFolder, number: number): Promise<void> {
  for (const { name } of (await releases.entries(MAX_TREE_ENTRIES)) ?? []) {
    if (name.toString().startsWith(UNPACKING)) await removeBeneath(releases, name.toString());
  }
  try {
    await inFolder(releases, [String(number)], openFolders);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await removeBeneath(releases, String(number));
}

/** Who is not root removes nothing from a folder that nobody may write. */
async function openFolders(folder: TreeFolder): Promise<void> {
  await chmod(folder.pathOf('.'), OWNER_MAY_ALL);
  for (const { name, kind } of (await folder.entries(MAX_TREE_ENTRIES)) ?? []) {
    if (kind === 'folder') await inFolder(folder, [name.toString()], openFolders);
  }
}

/** Of what lies in a folder below another one; undefined: it is not there. */
export async function digestOfFiles(
  top: TreeFolder,
  names: readonly string[],
): Promise<string | undefined> {
  try {
    return await inFolder(top, names, async (folder) => (await digestTree(folder)).digest);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Permission bits of a release. */
export interface Modes {
  readonly folders: number;
  /** @param own those that a file has already */
  readonly file: (own: number) => number;
}

/** For all to read, and for nobody but its owner to write. */
export function readable(mode: number): number {
  return (mode & 0o777 & ~OTHERS_MAY_WRITE) | ALL_MAY_READ;
}

export async function setModes(folder: TreeFolder, modes: Modes): Promise<void> {
  await chmod(folder.pathOf('.'), modes.folders);
  for (const { name: bytes, kind } of (await folder.entries(MAX_TREE_ENTRIES)) ?? []) {
    const name = bytes.toString();
    if (kind === 'folder') {
      await inFolder(folder, [name], (below) => setModes(below, modes));
    } else if (kind === 'file') {
      const { mode } = await lstat(folder.pathOf(name));
      await chmod(folder.pathOf(name), modes.file(mode));
    }
  }
}

/** @throws DeployRefusedError */
async function unpack(tree: PackedTree, target: string, signal: AbortSignal): Promise<void> {
  const options = { limits: RELEASE_LIMITS, missingTargets: 'keep', signal } as const;
  try {
    await unpackTree(tree.stream, target, options);
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error;
    const message = `the release cannot be taken: ${error.message}`;
    throw new DeployRefusedError({ code: 'release_too_large', message });
  }
}

async function arrived(
  folder: TreeFolder,
  packed: ReadonlyMap<string, string>,
): Promise<Omit<PreparedRelease, 'warnings'>> {
  await syncFileSystem(folder);
  const { digest, files, bytes, contents } = await digestTree(folder);
  for (const [path, content] of packed) {
    if (contents.get(path) !== content) throw new Error(`${path} did not arrive as it was packed`);
  }
  if (files !== packed.size) throw new Error(`${files} files arrived, ${packed.size} were packed`);
  return { digest, files, bytes };
}
