import { lstat, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileProblem } from '../../common/values/file-problem.js';
import type { ProjectType } from '../../detection/candidate.js';
import { detectProject } from '../../detection/detect-project.js';
import { detectionView } from '../../detection/detection-view.js';
import { DiskTree } from '../../detection/tree/disk-tree.js';
import { TooManyNamesError } from '../../detection/tree/project-tree.js';
import { CommandError } from '../command/command.error.js';
import { exitCodes } from '../command/exit-codes.js';
import { cleanJson } from '../terminal/clean-text.js';
import type { Terminal } from '../terminal/terminal.js';
import { type DetectRepositoryFlags, detectRepository } from './detect-repository.js';
import { detectionLines } from './detection-lines.js';

export interface DetectFlags extends DetectRepositoryFlags {
  readonly type?: ProjectType;
  /** URL; absent: the folder is looked at here. */
  readonly repository?: string;
}

/** They say where a server looks. */
const OF_REPOSITORY = ['branch', 'tag', 'commit', 'path', 'server', 'token'] as const;

/** The folder where none is named. */
export const HERE = '.';

/** 0: it is known what the folder holds; 1: it is not, or a person has to choose. */
export async function detectCommand(
  directory: string,
  { repository, ...flags }: DetectFlags,
  terminal: Terminal,
): Promise<number> {
  const { type, json } = flags;
  if (repository !== undefined) {
    if (directory !== HERE) {
      throw new CommandError('Name a folder or --repository, not both.', exitCodes.usage, [
        'A folder of the repository is --path.',
      ]);
    }
    return detectRepository(repository, flags, terminal);
  }
  const needless = OF_REPOSITORY.find((name) => flags[name] !== undefined);
  if (needless !== undefined) {
    throw new CommandError(`--${needless} is for --repository.`, exitCodes.usage, [
      'A folder is looked at here: ./millrace detect path/to/project',
    ]);
  }
  const folder = await folderAt(directory);
  const root = await checkoutAround(folder);
  const asked = { folder: relative(root, folder), ...(type !== undefined && { type }) };
  const detection = await detectProject(new DiskTree(root), asked).catch((error: unknown) => {
    if (error instanceof TooManyNamesError) throw new CommandError(error.message);
    throw error;
  });
  if (json) terminal.printWhole(cleanJson(JSON.stringify(detectionView(detection), null, 2)));
  else for (const line of detectionLines(detection, terminal)) terminal.print(line);
  return detection.outcome === 'detected' ? exitCodes.success : exitCodes.failed;
}

async function folderAt(directory: string): Promise<string> {
  const path = await realpath(directory).catch((error: unknown) => {
    throw new CommandError(`${directory}: ${fileProblem(error)}.`, exitCodes.usage, [
      'Name a folder: ./millrace detect path/to/project',
    ]);
  });
  if ((await lstat(path)).isDirectory()) return path;
  throw new CommandError(`${directory} is no folder.`, exitCodes.usage, [
    'Name the folder that holds the project.',
  ]);
}

/** The top of the git checkout that a folder is in, else the folder. */
async function checkoutAround(folder: string): Promise<string> {
  for (let path = folder; ; path = dirname(path)) {
    const isTop = await lstat(join(path, '.git')).then(
      () => true,
      () => false,
    );
    if (isTop) return path;
    if (path === dirname(path)) return folder;
  }
}
